/** A process that asks a model five things in a row, each after the other's answer, and says each answer. It is there to be killed. */
import { modelsFrom } from '../../agent/model/models.ts'
import { loadConfig } from '../../config/config.ts'
import { systemClock } from '../../domain/clock.ts'
import { openDatabase } from '../../store/database.ts'

const [folder = '', about = '', streams = ''] = process.argv.slice(2)
const db = await openDatabase({ dataDir: folder })
const model = await modelsFrom(loadConfig(), { db, clock: systemClock })?.open('investigation', about, {
  signal: new AbortController().signal,
})
let heard = ''
for (let turn = 1; turn <= 5; turn += 1) {
  const question = `Turn ${turn}, after “${heard}”`
  if (model === undefined) break
  if (streams === 'stream') {
    heard = ''
    for await (const part of await model.chat.stream(question)) heard += part.text
  } else heard = (await model.chat.invoke(question)).text
  console.log(`turn ${turn}: ${heard}`)
}
console.log(`spent ${JSON.stringify(model?.spent())}`)
await db.close()
