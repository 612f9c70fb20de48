import { applicationExample, packageExample, paymentSet, pluginManifest } from '../example.ts'
import { plainRule } from '../rule.ts'

const pluginFiles = {
  LICENSE: 'MIT\n',
  'README.md': '# Payments\n',
  'sets/payment.json': paymentSet(),
}

/** Found where a plugin or a set is expected: in lint-package.ts, and by the command. */
export const applicationConfiguration = plainRule({
  code: 'application-configuration',
  level: 'info',
  title: 'what is checked is the configuration of an application',
  why: 'A folder, a package.json or a file that is named is checked as what others install: a plugin, or an event set. An application is checked with everything that is in force for it, by `eventsets lint` without a target, in its folder.',
  bad: packageExample({
    ...pluginFiles,
    'package.json': { name: 'shop', private: true, eventsets: { exclude: ['database'] } },
  }),
  good: packageExample({ ...pluginFiles, 'package.json': pluginManifest() }),
})

/** What discovery tells about the application and its plugins. */
export const invalidConfiguration = plainRule({
  code: 'invalid-configuration',
  level: 'error',
  title: 'the configuration is not valid',
  why: 'What is wrong in it is left out, and the rest applies: what you meant to say there is not heard.',
  bad: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { exlude: ['database'] },
  }),
  good: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { exclude: ['database'] },
  }),
})

export const unmatchedExclude = plainRule({
  code: 'unmatched-exclude',
  level: 'warn',
  title: 'an entry of `exclude` matches nothing',
  why: 'It names no dependency and no event set, so nothing is left out by it. Often the name is spelt in another way, or the package has gone.',
  bad: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { exclude: ['databse'] },
  }),
  good: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { exclude: ['database'] },
  }),
})

export const pluginNotFound = plainRule({
  code: 'plugin-not-found',
  level: 'error',
  title: 'a configured plugin is not installed',
  why: 'The configuration names it under `plugins`, but there is no such package, or it has nothing to import.',
  bad: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { plugins: ['eventsets-plugin-payment'] },
  }),
  good: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { sets: ['./payment.json'] },
    'payment.json': paymentSet(),
  }),
})

const module = {
  name: 'eventsets-plugin-payment',
  version: '1.0.0',
  type: 'module',
  eventsets: { module: './sets.js' },
}

export const pluginNotEnabled = plainRule({
  code: 'plugin-not-enabled',
  level: 'warn',
  title: 'a plugin has its sets in code that the application has not enabled',
  why: 'Sets that are data are taken from every dependency that is a plugin. Code runs only where the configuration names the package under `plugins`.',
  bad: applicationExample({
    'package.json': { name: 'shop', private: true, dependencies: { 'eventsets-plugin-payment': '1.0.0' } },
    'node_modules/eventsets-plugin-payment/package.json': module,
    'node_modules/eventsets-plugin-payment/sets.js': `export const sets = [${JSON.stringify(paymentSet())}]\n`,
  }),
  good: applicationExample({
    'package.json': { name: 'shop', private: true, dependencies: { 'eventsets-plugin-payment': '1.0.0' } },
    'eventsets.config.json': { plugins: ['eventsets-plugin-payment'] },
    'node_modules/eventsets-plugin-payment/package.json': module,
    'node_modules/eventsets-plugin-payment/sets.js': `export const sets = [${JSON.stringify(paymentSet())}]\n`,
  }),
})

export const pluginNotLoaded = plainRule({
  code: 'plugin-not-loaded',
  level: 'error',
  title: 'the code of a plugin cannot be loaded',
  why: 'Its module throws when it is imported, ends the process, or never finishes. The application runs without its sets.',
  bad: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { plugins: ['./payment.mjs'] },
    'payment.mjs': 'export const sets = [payment]\n',
  }),
  good: applicationExample({
    'package.json': { name: 'shop', private: true },
    'eventsets.config.json': { plugins: ['./payment.mjs'] },
    'payment.mjs': `const payment = ${JSON.stringify(paymentSet())}\nexport const sets = [payment]\n`,
  }),
})
