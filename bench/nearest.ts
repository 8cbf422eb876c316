/**
 * The nearest pieces, all looked at as Falconer does, beside an index of nearness (HNSW): how much faster that is, what it misses, and what it takes to build. The
 * vectors are made up: of few features, as texts have them, in topics.
 */
import { sql } from 'kysely'
import { systemClock } from '../domain/clock.ts'
import type { Database, Transaction } from '../store/database.ts'
import { keepKnown, knowledgeKinds } from '../store/knowledge.ts'
import { nearestChunks } from '../store/knowledge-vectors.ts'
import { type Comparison, percentile, timed } from './bench.ts'

export const nearestSizes = [1_000, 10_000, 100_000]
const lengths = [256, 1_024]
/** As a search for ten texts asks for. */
const limit = 40
const asks = 25
/** Of those nearest by the index, so many are looked through. */
const looked = 100

export async function nearest(
  db: Database,
  on: string,
  runs: number,
  most: number,
  progress: (text: string) => void,
): Promise<Comparison[]> {
  const compared: Comparison[] = []
  for (const pieces of nearestSizes.filter((size) => size <= most)) {
    await known(db, pieces)
    for (const length of lengths) compared.push(await compare({ db, on, runs, pieces, length, progress }))
  }
  return compared
}

type Case = { db: Database; on: string; runs: number; pieces: number; length: number; progress: (text: string) => void }

async function compare({ db, on, runs, pieces, length, progress }: Case): Promise<Comparison> {
  const what = `${on}: the nearest of ${pieces.toLocaleString('en')} pieces, ${length.toLocaleString('en')} numbers each`
  const name = `near ${length}`
  const filled = await seconds(() => fill(db, name, length, pieces))
  const questions = Array.from({ length: asks }, () => near(length))
  const answers: string[][] = []
  const ask = async (place: number): Promise<void> => {
    const found = await nearestChunks(db, name, questions[place % asks] ?? [], { kinds: knowledgeKinds, limit })
    answers[place % asks] = found.slice(0, 10).map(({ id }) => id)
  }
  await timed(5, ask)
  const exact = await timed(asks * runs, ask)
  const built = await seconds(() => index(db, length, name))
  let held = 0
  const indexed = await db.transaction(async (tx) => {
    await toIndex(tx)
    await timed(5, (place) => askIndex(tx, name, questions[place % asks] ?? []))
    return timed(asks * runs, async (place) => {
      const found = await askIndex(tx, name, questions[place % asks] ?? [])
      held += found.slice(0, 10).filter((id) => answers[place % asks]?.includes(id)).length
    })
  })
  const size = await sizes(db, pieces, length)
  await db.query(sql`drop index near_hnsw`)
  await db.query(sql`truncate knowledge_vectors`)
  const [p95, p95Index] = [percentile(exact, 0.95), percentile(indexed, 0.95)]
  const note = `p95 ${p95.toFixed(1)} ms, ${(p95 / p95Index).toFixed(1)}× the index’s; recall@10 of the index ${(held / (10 * indexed.length)).toFixed(3)}; building it ${(built / filled).toFixed(1)}× as long as writing the vectors (${built.toFixed(1)} s), ${size.toFixed(1)}× their size`
  progress(`${what}: ${note}`)
  return { what, unit: 'ms', falconer: exact, baseline: { what: 'by an HNSW index', samples: indexed }, note }
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const from = performance.now()
  await work()
  return (performance.now() - from) / 1_000
}

async function known(db: Database, pieces: number): Promise<void> {
  await db.query(sql`truncate knowledge_chunks cascade`)
  const all = Array.from({ length: pieces }, (_each, place) => ({ title: `Piece ${place}`, text: `What is written in piece ${place}.` }))
  for (let from = 0; from < pieces; from += 400)
    await keepKnown(db, [{ kind: 'document', ref: `note-${from}`, pieces: all.slice(from, from + 400) }], systemClock.now())
  await db.query(sql`analyze knowledge_chunks`)
}

const topicsOf = (pieces: number): number => Math.max(20, Math.round(pieces / 200))
/** What pieces of a topic differ by comes from a pool, and is added where the vectors are kept. */
const differences = 500
/** Vectors of models lie in far fewer directions than they have numbers. */
const features = 32
let directions: number[][] = []
let topics: number[][] = []

async function fill(db: Database, name: string, length: number, pieces: number): Promise<void> {
  directions = Array.from({ length: features }, () => Array.from({ length }, gaussian))
  topics = Array.from({ length: topicsOf(pieces) }, () => vector(length, 1))
  await db.query(sql`create table near_parts (kind text, n integer, part vector, primary key (kind, n))`)
  const parts = [
    ...topics.map((part, n) => ({ kind: 'topic', n, part })),
    ...Array.from({ length: differences }, (_each, n) => ({ kind: 'difference', n, part: vector(length, 0.5) })),
  ]
  for (let from = 0; from < parts.length; from += 200) {
    const rows = JSON.stringify(parts.slice(from, from + 200).map((one) => ({ ...one, part: textOf(one.part) })))
    await db.query(
      sql`insert into near_parts select kind, n, part::vector from jsonb_to_recordset(${rows}::jsonb) as r(kind text, n integer, part text)`,
    )
  }
  await db.query(sql`insert into knowledge_vectors (embedder, chunk_id, hash, vector)
    select ${name}, c.id, c.hash, t.part + a.part + b.part
    from (select id, hash, row_number() over (order by id) as n, floor(random() * ${differences})::int as one, floor(random() * ${differences})::int as other from knowledge_chunks) c
      join near_parts t on t.kind = 'topic' and t.n = c.n % ${topics.length}
      join near_parts a on a.kind = 'difference' and a.n = c.one join near_parts b on b.kind = 'difference' and b.n = c.other`)
  await db.query(sql`drop table near_parts`)
  await db.query(sql`analyze knowledge_vectors`)
}

/** A question about one of the topics. */
const near = (length: number): number[] => sum(topics[Math.floor(Math.random() * topics.length)] ?? [], vector(length, 0.7))

const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
function vector(length: number, spread: number): number[] {
  const made = Array.from({ length }, () => 0)
  for (const direction of directions) {
    const much = spread * gaussian()
    for (let place = 0; place < length; place += 1) made[place] = (made[place] ?? 0) + much * (direction[place] ?? 0)
  }
  return made
}
const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((value, place) => value + (b[place] ?? 0))
const textOf = (vector: readonly number[]): string => `[${vector.map((value) => value.toFixed(5)).join(',')}]`

const index = (db: Database, length: number, name: string): Promise<unknown> =>
  db.transaction(async (tx) => {
    await tx.query(sql`set local maintenance_work_mem = '1GB'`)
    await tx.query(
      sql`create index near_hnsw on knowledge_vectors using hnsw ((vector::vector(${sql.lit(length)})) vector_cosine_ops) where embedder = ${sql.lit(name)}`,
    )
  })

/** As Falconer would ask, had it the index. */
async function askIndex(tx: Transaction, name: string, vector: readonly number[]): Promise<string[]> {
  const [length, text] = [sql.lit(vector.length), `[${vector.join(',')}]`]
  const query = sql<{ id: string }>`select c.id::text as id, c.kind, c.ref, c.title, c.text, c.updated_at from (
      select chunk_id, vector::vector(${length}) <=> ${text}::vector(${length}) as far from knowledge_vectors
      where embedder = ${sql.lit(name)} order by vector::vector(${length}) <=> ${text}::vector(${length}) limit ${limit}) n
    join knowledge_chunks c on c.id = n.chunk_id order by n.far, c.id`
  const found = await tx.query(query)
  if (found.length > 0) return found.map(({ id }) => id)
  throw new Error(`nothing was found by the index of ${name}`)
}

/** Of whoever asks the index: it is used, also where the planner would rather look at all. */
async function toIndex(tx: Transaction): Promise<void> {
  for (const setting of [`hnsw.ef_search = ${looked}`, 'enable_seqscan = off', 'enable_sort = off'])
    await tx.query(sql`set local ${sql.raw(setting)}`)
}

async function sizes(db: Database, pieces: number, length: number): Promise<number> {
  const [row] = await db.query(sql<{ bytes: bigint }>`select pg_relation_size('near_hnsw') as bytes`)
  return Number(row?.bytes ?? 0n) / (pieces * (4 * length + 8))
}
