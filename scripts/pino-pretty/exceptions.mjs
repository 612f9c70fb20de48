// Which of pino-pretty's own tests are not run against eventsets/pretty, or fail there, and why.
// docs/reference/pino-pretty.md says the same to users; a test holds the two together.

const INTERNAL =
  "It tests one internal step of pino-pretty's, which is cut differently here; what comes out at the end is compared instead."

/** Files that are not run, with the reason. */
export const skippedFiles = {
  'test/cli-rc.test.js':
    "The command reads no pino-pretty configuration file and has its own `--config`, and its help is not pino-pretty's.",
  'lib/utils/create-date.test.js': INTERNAL,
  'lib/utils/delete-log-property.test.js': INTERNAL,
  'lib/utils/index.test.js': INTERNAL,
  'lib/utils/interpret-conditionals.test.js': INTERNAL,
  'lib/utils/is-valid-date.test.js': INTERNAL,
  'lib/utils/noop.test.js': INTERNAL,
  'lib/utils/prettify-error-log.test.js': INTERNAL,
  'lib/utils/prettify-level.test.js': INTERNAL,
  'lib/utils/prettify-message.test.js': INTERNAL,
  'lib/utils/prettify-metadata.test.js': INTERNAL,
  'lib/utils/prettify-object.test.js': INTERNAL,
  'lib/utils/prettify-time.test.js': INTERNAL,
}

const LEVEL_WITHOUT_NUMBER =
  'The command refuses a custom level without a number, `err:99,info`, and says so; pino-pretty takes its place in the list for the number.'

/** Tests that fail, by file and title. */
export const exceptions = [
  'customize levels via --customLevels without index',
  'customize levels via -x without index',
  'customize levels via --customColors with customLevels',
  'customize levels via -X with customLevels',
].map((title) => ({ file: 'test/cli.test.js', title, reason: LEVEL_WITHOUT_NUMBER }))
