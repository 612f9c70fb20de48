// The shop as a service, until somebody stops it. PORT, DATABASE and PAYMENT_URL say where, unless anywhere will do.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from './log.mjs'
import { startPaymentProvider } from './payment-provider.mjs'
import { openShop } from './shop.mjs'

const { PORT = '0', DATABASE, PAYMENT_URL } = process.env
const log = createLog()
const folder = DATABASE === undefined ? mkdtempSync(join(tmpdir(), 'shop-')) : undefined
const provider = PAYMENT_URL === undefined ? await startPaymentProvider() : undefined
const shop = await openShop({
  path: DATABASE ?? join(String(folder), 'shop.db'),
  paymentUrl: PAYMENT_URL ?? String(provider?.url),
  log,
  port: Number(PORT),
})
if (provider)
  log.info({ domain: 'payment', action: 'listen' }, `the payment provider listens on ${provider.url}`)
log.info({ domain: 'server', action: 'listen' }, `the shop listens on ${shop.url}`)

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT']))
  process.once(signal, () => void close(signal))

/** @param {string} signal */
async function close(signal) {
  log.info({ domain: 'server', signal }, 'the shop closes')
  await shop.close()
  await provider?.close()
  if (folder) rmSync(folder, { recursive: true })
}
