/** A process that embeds what is known, and searches it meanwhile, until all is embedded. Says what it found. It is there to be killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Secret } from '../../domain/redact.ts'
import { embedSome } from '../../knowledge/embed.ts'
import { type Embedder, embedderFrom } from '../../knowledge/embedder.ts'
import { askKnowledge } from '../../knowledge/find.ts'
import { Meaning } from '../../knowledge/meaning.ts'
import { type DatabaseOptions, openDatabase } from '../../store/database.ts'
import { knowledgeKinds } from '../../store/knowledge.ts'
import { embedderState } from '../../store/knowledge-vectors.ts'

/** `aheadMs`: so far its clock is ahead, as if it had been started so much later. */
export type EmbedTask = { database: DatabaseOptions; embedder: string; key: string; aheadMs: number; notes: readonly string[] }

const task = JSON.parse(process.argv[2] ?? '{}') as EmbedTask
const db = await openDatabase(task.database)
const clock = { now: () => new Date(Date.now() + task.aheadMs) }
const embedder = embedderFrom({
  FALCONER_EMBED_URL: new Secret(task.embedder),
  FALCONER_EMBED_MODEL: 'new',
  FALCONER_EMBED_KEY: new Secret(task.key),
}) as Embedder
const meaning = new Meaning(embedder, clock)
console.log('began')

const over = new AbortController()
const searching = (async () => {
  for (let round = 0; !over.signal.aborted; round += 1) {
    const note = task.notes[(round * 37) % task.notes.length] ?? ''
    const { pieces, said } = await askKnowledge(db, note, { kinds: knowledgeKinds, limit: 5, meaning })()
    console.log(`${pieces.some(({ ref }) => ref === note) ? 'found' : 'missed'} ${note}: ${said}`)
    await sleep(10)
  }
})()
for (;;) {
  if (await embedSome(db, clock, embedder)) continue
  const { done, of } = await embedderState(db, embedder.name)
  if (done === of) break
  await sleep(20)
}
over.abort()
await searching
await db.close()
console.log('all is embedded')
