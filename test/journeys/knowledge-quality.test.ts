/** How well knowledge is found, as a floor: by words alone, and with the built-in lexical embedder beside them, which is used because it finds more. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { learnWorld, quality } from '../../bench/recall.ts'
import { queries } from '../../evals/knowledge/queries.ts'
import { systemClock } from '../../domain/clock.ts'
import { embedSome } from '../../knowledge/embed.ts'
import { askKnowledge } from '../../knowledge/find.ts'
import { lexical } from '../../knowledge/lexical.ts'
import { Meaning } from '../../knowledge/meaning.ts'
import type { Database } from '../../store/database.ts'
import { knowledgeKinds } from '../../store/knowledge.ts'
import { embeddedDatabase } from '../support/database.ts'

let db: Database
beforeAll(async () => {
  db = await embeddedDatabase()
  await learnWorld(db)
  while (await embedSome(db, systemClock, lexical));
})
afterAll(() => db.close())

it('finds what people ask for, and more of it with likeness than by words alone', async () => {
  const find = (meaning: Meaning | undefined) =>
    quality(async (ask) => (await askKnowledge(db, ask, { kinds: knowledgeKinds, limit: 10, meaning })()).pieces)
  const words = await find(undefined)
  const both = await find(new Meaning(lexical, systemClock))
  console.log(
    `${queries.length} questions: by words recall@5 ${words.recall.toFixed(3)}, MRR ${words.rank.toFixed(3)}; with lexical ${both.recall.toFixed(3)}, ${both.rank.toFixed(3)}; not found: ${both.missed.join('; ')}`,
  )
  expect(queries.length).toBeGreaterThanOrEqual(60)
  expect(words.recall).toBeGreaterThan(0.86)
  expect(both.recall).toBeGreaterThan(0.91)
  expect(both.recall).toBeGreaterThan(words.recall)
  expect(both.rank).toBeGreaterThan(words.rank)
})
