/** A server that lies, for the proof that the kill test can fail: it answers a post before it is committed. Run as a child process. */
import { composeFalconer } from '../../apps/server/falconer.ts'
import { listen } from '../../apps/server/listen.ts'
import { loadConfig } from '../../config/config.ts'

const falconer = await composeFalconer(loadConfig({ FALCONER_PORT: '0' }))
const { intake } = falconer
const submit = intake.submit.bind(intake)
intake.submit = (delivery, bytes) => {
  submit(delivery, bytes).catch(() => {})
  return Promise.resolve({ accepted: delivery.alerts.length, duplicates: 0, internal: 0, deadLetters: 0 })
}
const { url } = await listen(falconer)
console.log(`Falconer serves at ${url}`)
