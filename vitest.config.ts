import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    // The plugins name the package as a stranger's would.
    alias: [
      { find: /^eventsets$/, replacement: source('index.ts') },
      { find: /^eventsets\/(pino|pretty|bus|testing)$/, replacement: source('$1/index.ts') },
      {
        find: /^@eventsets\/(nats-jetstream|redis-streams)$/,
        replacement: source('../plugins/$1/src/index.ts'),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'plugins/*/test/**/*.test.ts'],
    // Child processes, worker transports and the CLI run the built files, as users do.
    globalSetup: ['test/build-once.ts'],
    setupFiles: ['test/load-scanner.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more workers only make the child-process tests compete with each other.
    maxWorkers: 2,
  },
})
