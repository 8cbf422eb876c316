/**
 * kill -9 while knowledge is embedded anew by another model: what comes back embeds the rest. Sent twice is at most the batch that was in flight, once for
 * each kill; and whoever searches meanwhile finds what is there.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../domain/clock.ts'
import { embedSome } from '../../knowledge/embed.ts'
import { lexical } from '../../knowledge/lexical.ts'
import { openDatabase } from '../../store/database.ts'
import { keepKnown, knowledgeKinds } from '../../store/knowledge.ts'
import { embedderState, nearestChunks } from '../../store/knowledge-vectors.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from '../support/database.ts'
import type { EmbedTask } from '../support/embed-child.ts'
import { type Embedding, startEmbedding } from '../support/embedding.ts'
import { randomFrom } from '../support/ingest-load.ts'
import { cases, full, seed } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 3_600_000 : 300_000 })
const program = fileURLToPath(new URL('../support/embed-child.ts', import.meta.url))
const batch = 32
const kills = cases(20, 5)
/** More than are embedded before the last kill. */
const notes = Array.from({ length: kills * 5 * batch }, (_each, place) => `note-${String(place).padStart(5, '0')}`)
const textOf = (note: string): string => `${note}\n${note} is written here`
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

type Child = { key: string; kill(): void; says(text: string): boolean; ended: Promise<string> }
function start(task: EmbedTask): Child {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(task)])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()))
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(said)))
  return { key: task.key, kill: () => void child.kill('SIGKILL'), says: (text) => said.includes(text), ended }
}

/** Kills one process, or two that share the work, at a random moment of each round; the last round comes to its end. */
async function rounds(
  database: EmbedTask['database'],
  embedding: Embedding,
  processes: number,
): Promise<{ said: string[]; killed: string[] }> {
  const random = randomFrom(seed + processes)
  embedding.pause = () => pause(random() * 25)
  const said: string[] = []
  const killed: string[] = []
  for (let round = 0; ; round += 1) {
    const last = killed.length >= kills
    const children = Array.from({ length: processes }, (_each, place) =>
      // What one that died has claimed is given up after two minutes.
      start({ database, embedder: embedding.url, key: `run-${round}-${place}`, aheadMs: round * 180_000, notes }),
    )
    const kill = async (child: Child): Promise<void> => {
      const sent = (): number => embedding.heard.filter(({ by, texts }) => by === child.key && texts[0]?.includes('\n')).length
      const batches = Math.floor(random() * 4)
      await vi.waitUntil(() => child.says('began') && sent() >= batches, { timeout: 60_000, interval: 1 })
      await pause(random() * 60)
      child.kill()
      killed.push(child.key)
    }
    if (!last) await Promise.all(children.map(kill))
    said.push(...(await Promise.all(children.map(({ ended }) => ended))))
    if (last) return { said, killed }
  }
}

async function killed(database: EmbedTask['database'], processes: number): Promise<void> {
  const embedding = await startEmbedding()
  try {
    const { said, killed } = await rounds(database, embedding, processes)
    expect(said.at(-1)).toContain('all is embedded')
    const searches = said.join('\n').match(/^(?:found|missed) .*$/gm) ?? []
    expect(searches.filter((line) => line.startsWith('missed'))).toEqual([])
    expect(searches.filter((line) => /by meaning only \d+ of \d+/.test(line)).length).toBeGreaterThan(0)

    const batches = embedding.heard.filter(({ texts }) => texts[0]?.includes('\n'))
    const lastOf = new Map(batches.map((one) => [one.by, one]))
    const inFlight = new Set(killed.map((key) => lastOf.get(key)))
    const sent = Map.groupBy(
      batches.flatMap((one) => one.texts.map((text) => ({ text, one }))),
      ({ text }) => text,
    )
    expect([...sent.keys()].toSorted()).toEqual(notes.map(textOf))
    const again = [...sent.values()].flatMap((times) => times.slice(0, -1))
    expect(
      again.filter(({ one }) => !inFlight.has(one)).map(({ text }) => text),
      'sent again, though it was not in flight',
    ).toEqual([])
    expect(again.length).toBeLessThanOrEqual(batch * killed.length)
    // The moments were random enough to come before and after a batch was kept.
    const lost = new Set(again.map(({ one }) => one)).size
    expect(lost).toBeGreaterThan(0)
    if (full) expect(lost).toBeLessThan(killed.length)
    console.log(`${killed.length} kills, ${lost} of them within a batch; ${batches.length} batches; ${searches.length} searches`)

    const db = await openDatabase(database)
    expect(await embedderState(db, 'openai new')).toMatchObject({ done: notes.length, refused: 0, of: notes.length, error: null })
    const vector = Array.from({ length: 16 }, (_each, place) =>
      place === 0 ? textOf('note-00007').length : textOf('note-00007').charCodeAt(place) || 1,
    )
    expect((await nearestChunks(db, 'openai new', vector, { kinds: knowledgeKinds, limit: 1 }))[0]?.ref).toBe('note-00007')
    await db.close()
  } finally {
    await embedding.close()
  }
}

/** All of it is embedded by the one before. */
async function prepared(db: Awaited<ReturnType<typeof openDatabase>>): Promise<void> {
  const pieces = (note: string) => [{ title: note, text: `${note} is written here` }]
  await keepKnown(
    db,
    notes.map((ref) => ({ kind: 'document', ref, pieces: pieces(ref) })),
    new Date(),
  )
  while (await embedSome(db, systemClock, lexical));
  await db.close()
}

it('one process, killed again and again, embeds everything anew and sends nothing again but what was in flight', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'falconer-kills-'))
  await prepared(await embeddedDatabase(dataDir))
  await killed({ dataDir }, 1)
  rmSync(dataDir, { recursive: true, force: true })
})

if (serverUrl !== undefined)
  it('so do two that share the work', async () => {
    const own = await serverDatabase(serverUrl as string)
    await prepared(await openDatabase({ url: own.url }))
    await killed({ url: own.url }, 2)
    await own.drop()
  })
