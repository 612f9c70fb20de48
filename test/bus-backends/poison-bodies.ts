/** What is no event, though it stands where events are. */
export const poisonBodies: readonly (string | Buffer)[] = [
  '{"id":',
  'null',
  '{"name":7}',
  Buffer.from([0x7b, 0x22, 0xff, 0x00, 0x22]),
  '\u001b[2J',
]
