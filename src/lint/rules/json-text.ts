import { paymentSet, setExample } from '../example.ts'
import { plainRule } from '../rule.ts'

const REST = `"mappings": [{ "name": "status", "visualMarkers": { "paid": "💰" } }],
  "fieldMappings": [{ "logKey": "payment.status", "mapping": "status" }]`

/** What can be wrong with a file before anyone asks what it says. The parser finds it: see document.ts. */
export const notUtf8 = plainRule({
  code: 'not-utf8',
  level: 'error',
  title: 'a file is not in UTF-8',
  why: 'JSON is UTF-8. In another encoding every emoji comes out as something else, or the file cannot be read at all.',
  bad: setExample(Buffer.from(`\ufeff${JSON.stringify(paymentSet())}`, 'utf16le')),
  good: setExample(paymentSet()),
})

export const invalidJson = plainRule({
  code: 'invalid-json',
  level: 'error',
  title: 'a file is not valid JSON',
  why: 'A set that cannot be parsed is not loaded. Every place at which the parser stumbles is told, not only the first.',
  bad: setExample(`{\n  'name': "payment",\n  ${REST},\n}\n`),
  good: setExample(`{\n  "name": "payment",\n  ${REST}\n}\n`),
})

export const jsonComment = plainRule({
  code: 'json-comment',
  level: 'error',
  title: 'a file has comments',
  why: 'Editors show comments in JSON as if they were allowed, but JSON has none, and the set is not loaded.',
  bad: setExample(`{\n  // What customers owe us\n  "name": "payment",\n  ${REST}\n}\n`),
  good: setExample(`{\n  "name": "payment",\n  "description": "What customers owe us",\n  ${REST}\n}\n`),
})

export const duplicateJsonKey = plainRule({
  code: 'duplicate-json-key',
  level: 'error',
  title: 'a key stands twice in one object',
  why: 'Parsers keep the last one and say nothing, so the first is lost: a marker that never shows.',
  bad: setExample(
    '{\n  "name": "payment",\n  "mappings": [\n    { "name": "status", "visualMarkers": { "paid": "💰", "paid": "🎉" } }\n  ],\n  "fieldMappings": [{ "logKey": "payment.status", "mapping": "status" }]\n}\n',
  ),
  good: setExample(paymentSet()),
})
