/** Records as an application writes them, and the lines that the command shows for them. */
export const request =
  '{"level":30,"req":{"method":"GET"},"res":{"statusCode":200},"msg":"request completed"}'
export const failure = '{"level":50,"req":{"method":"POST"},"res":{"statusCode":500},"msg":"request errored"}'

/** A set that nobody else has: one field, one marker, one fact. */
export const payment = {
  name: 'payment',
  description: 'Payments',
  priority: 50,
  mappings: [
    {
      name: 'state',
      visualMarkers: { paid: '💰', default: '💳' },
      metadataFields: { paid: { 'payment.done': true } },
    },
  ],
  fieldMappings: [{ logKey: 'payment', mapping: 'state', aliases: ['pay.state'] }],
}
