/** Searching 5,000 pieces of knowledge: by words alone, and with vectors beside them, of 256 numbers and of 1,536 as providers make. And the nearest of more, beside an index. */
import { embedSome } from '../knowledge/embed.ts'
import type { Embedder } from '../knowledge/embedder.ts'
import { askKnowledge } from '../knowledge/find.ts'
import { lexical } from '../knowledge/lexical.ts'
import { Meaning } from '../knowledge/meaning.ts'
import { queries } from '../evals/knowledge/queries.ts'
import { systemClock } from '../domain/clock.ts'
import type { Database } from '../store/database.ts'
import { keepKnown, knowledgeKinds, type Known } from '../store/knowledge.ts'
import { type Bench, type Comparison, timed } from './bench.ts'
import { onBoth } from './bench-database.ts'
import { nearest } from './nearest.ts'
import { worldKnown } from './recall.ts'

const wanted = 5_000
/** Every third, over all of them. */
const asks = queries.filter((_each, place) => place % 3 === 0)

export const knowledge: Bench = {
  name: 'knowledge',
  title: `Searching ${wanted.toLocaleString('en')} pieces of knowledge`,
  run: (runs, progress, { pieces }) =>
    onBoth(progress, async ({ on, open }) => {
      const db = await open()
      try {
        return [...(await measured(db, on, runs, progress)), ...(await nearest(db, on, runs, pieces, progress))]
      } finally {
        await db.close()
      }
    }),
}

async function measured(db: Database, on: string, runs: number, progress: (text: string) => void): Promise<Comparison[]> {
  await keepKnown(db, estate(), systemClock.now())
  const asked = (meaning: Meaning | undefined): Promise<number[]> =>
    timed(asks.length * runs, (place) =>
      askKnowledge(db, asks[place % asks.length]?.ask ?? '', { kinds: knowledgeKinds, limit: 10, meaning })(),
    )
  await asked(undefined)
  const words = await asked(undefined)
  const compared: Comparison[] = []
  for (const embedder of [lexical, wide]) {
    const from = performance.now()
    while (await embedSome(db, systemClock, embedder));
    progress(`${on}: ${embedder.name} embedded in ${((performance.now() - from) / 1_000).toFixed(1)} s`)
    const meaning = new Meaning(embedder, systemClock)
    await asked(meaning)
    compared.push({
      what: `${on}: a question, with vectors of ${embedder === lexical ? '256' : '1,536'} numbers`,
      unit: 'ms',
      falconer: await asked(meaning),
      baseline: { what: 'the same by words alone', samples: words },
    })
  }
  return compared
}

/** The world of the evaluation many times over, with names of their own. */
function estate(): Known[] {
  const world = worldKnown()
  const known: Known[] = []
  for (let copy = 0, pieces = 0; pieces < wanted; copy += 1)
    for (const { kind, ref, pieces: own } of world) {
      known.push({
        kind,
        ref: `${ref}-${copy}`,
        pieces: own.map(({ title, text }) => ({ title: `${title} ${copy}`, text: `${text}\nteam-${copy}` })),
      })
      pieces += own.length
    }
  return known
}

/** As long as a provider's; what it costs to ask one is not measured. */
const wide: Embedder = {
  name: 'wide',
  embed: async (texts, use) => (await lexical.embed(texts, use)).map((vector) => Array.from({ length: 6 }, () => vector).flat()),
}
