import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Child processes, worker transports and the CLI run the built files, as users do.
    globalSetup: ['test/build-once.ts'],
    setupFiles: ['test/load-scanner.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more workers only make the child-process tests compete with each other.
    maxWorkers: 2,
  },
})
