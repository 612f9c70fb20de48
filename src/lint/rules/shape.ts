import { paymentSet, setExample } from '../example.ts'
import { plainRule } from '../rule.ts'

/** What the parser of event sets finds; issues.ts says which of its issues is which of these. */
export const missingKey = plainRule({
  code: 'missing-key',
  level: 'error',
  title: 'a required key is missing',
  why: 'A set needs a name, a mapping too, and a field mapping needs the log key that it is about. Without, the set is not loaded.',
  bad: setExample(paymentSet({ fieldMappings: [{ mapping: 'status' }] })),
  good: setExample(paymentSet()),
})

export const unknownKey = plainRule({
  code: 'unknown-key',
  level: 'error',
  title: 'a key is not known',
  why: 'It is most often a slip of the pen, and what it was meant to say would be lost in silence. The set is not loaded.',
  bad: setExample(
    paymentSet({ fieldMappings: [{ logKey: 'payment.status', mapping: 'status', valuType: 'string' }] }),
  ),
  good: setExample(
    paymentSet({ fieldMappings: [{ logKey: 'payment.status', mapping: 'status', valueType: 'string' }] }),
  ),
})

export const wrongType = plainRule({
  code: 'wrong-type',
  level: 'error',
  title: 'a value is of the wrong type',
  why: 'Something else is expected there, and the message says what. The set is not loaded.',
  bad: setExample(paymentSet({ priority: 'high' })),
  good: setExample(paymentSet({ priority: 10 })),
})

export const wrongFormat = plainRule({
  code: 'wrong-format',
  level: 'error',
  title: 'a value is not allowed',
  why: 'It is of the right type, but empty, too long, or has characters that cannot stand there: a marker has no square brackets, since brackets stand around markers. The set is not loaded.',
  bad: setExample(
    paymentSet({ mappings: [{ name: 'status', visualMarkers: { paid: '[PAID]', refunded: '💱' } }] }),
  ),
  good: setExample(paymentSet()),
})
