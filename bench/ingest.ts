/**
 * `npm run bench -- ingest`: how many alerts a second Falconer commits, as single posts on 32 connections and as NDJSON, with
 * correlation and investigation going on beside it; on the embedded database, and on a Postgres server when
 * FALCONER_BENCH_DATABASE_URL names one (a superuser; databases are made in it and dropped). The baselines run on the same rows.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import { vector } from '@electric-sql/pglite-pgvector'
import type pg from 'pg'
import { type Bench, type Comparison, percentile } from './bench.ts'
import { newServerDatabase } from './bench-database.ts'
import { measureBare, type Rates } from './ingest-baseline.ts'
import { alertLines, postAll } from './ingest-load.ts'
import { launch, pause, residentMegabytes } from './launch.ts'

const falconer = fileURLToPath(new URL('../bin/falconer', import.meta.url))
const connections = 32
const linesPerPost = 500

type Size = { singles: number; lines: number }
type Sample = {
  single: number
  lines: number
  postP99: number
  incidentP99: number
  incidentP99Lines: number
  idleMemory: number
  memory: number
  bare: Rates
}
type Place = { title: string; size: Size; measure(size: Size): Promise<Sample> }

export const ingest: Bench = {
  name: 'ingest',
  title: 'Alerts ingested',
  async run(runs, progress) {
    const places: Place[] = [{ title: 'embedded', size: { singles: 8_000, lines: 20_000 }, measure: onEmbedded }]
    if (process.env.FALCONER_BENCH_DATABASE_URL === undefined) progress('no Postgres server: FALCONER_BENCH_DATABASE_URL is not set')
    else places.push({ title: 'Postgres', size: { singles: 20_000, lines: 80_000 }, measure: onServer })
    const comparisons: Comparison[] = []
    for (const { title, size, measure } of places) {
      const samples: Sample[] = []
      for (let run = 1; run <= runs; run += 1) {
        progress(`${title}, run ${run} of ${runs}`)
        samples.push(await measure(size))
      }
      comparisons.push(...compared(title, samples))
    }
    return comparisons
  },
}

type Row = [what: string, unit: Comparison['unit'], ours: (sample: Sample) => number, bare: (sample: Sample) => number, baseline: string]
const rows: readonly Row[] = [
  [
    `single posts, ${connections} connections`,
    '/s',
    (one) => one.single,
    (one) => one.bare.perAlert,
    '(a) a transaction per alert, one connection',
  ],
  [
    `NDJSON posts of ${linesPerPost}, 4 connections`,
    '/s',
    (one) => one.lines,
    (one) => one.bare.copy,
    '(b) COPY, same columns and indexes',
  ],
  ['alert → incident, p99, single posts', 's', (one) => one.incidentP99, () => 1, 'one second, the aim'],
  ['alert → incident, p99, in all', 's', (one) => one.incidentP99Lines, () => 1, 'one second, the aim'],
  ['answer to a single post, p99', 's', (one) => one.postP99, () => 1, 'one second'],
  ['memory after it', 'MB', (one) => one.memory, (one) => one.idleMemory, 'the same server idle'],
]

const compared = (title: string, samples: readonly Sample[]): Comparison[] =>
  rows.map(([what, unit, ours, bare, baseline]) => ({
    what: `${title}: ${what}`,
    unit,
    falconer: samples.map(ours),
    baseline: { what: baseline, samples: samples.map(bare) },
  }))

async function onEmbedded(size: Size): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
  try {
    const measured = await measureServer(folder, {}, size)
    const database = await PGlite.create({ dataDir: join(folder, 'data', 'postgres'), extensions: { vector } })
    const bare = await measureBare(createPgConfig(database) as unknown as pg.ClientConfig, size.singles / 4)
    await database.close()
    return { ...measured, bare }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function onServer(size: Size): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
  const database = await newServerDatabase()
  if (database === null) throw new Error('no server')
  try {
    const measured = await measureServer(folder, { DATABASE_URL: database.url }, size)
    return { ...measured, bare: await measureBare({ connectionString: database.url }, size.singles / 4) }
  } finally {
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureServer(folder: string, env: Record<string, string>, size: Size): Promise<Omit<Sample, 'bare'>> {
  const data = ['--data', join(folder, 'data')]
  const command = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)(falconer, [...data, ...words, '--json'], { env: { ...process.env, ...env } })).stdout
  await command('users', 'invite', 'bench', '--role', 'viewer')
  const { token } = JSON.parse(await command('tokens', 'add', 'bench', '--user', 'bench')) as { token: string }
  const server = launch(falconer, ['serve', ...data, '--port', '0'], { ...env, FALCONER_LOG: 'warn' })
  try {
    const [, url = ''] = await server.says(/url: (http\S+\/ingest\/falco\/\S+)/)
    await pause(3_000)
    const idleMemory = residentMegabytes(server.pid)
    const now = new Date()
    // The engine compiles what is hot: not a part of the rate.
    await postAll(url, alertLines(size.singles / 8, now, 1), connections)
    const singles = await postAll(url, alertLines(size.singles, now, 2), connections)
    const singly = await correlationOf(url, token)
    const lines = alertLines(size.lines, now, 3)
    const bodies: string[] = []
    for (let at = 0; at < lines.length; at += linesPerPost) bodies.push(lines.slice(at, at + linesPerPost).join('\n'))
    const posts = await postAll(url, bodies, 4)
    const memory = residentMegabytes(server.pid)
    if (singles.accepted !== size.singles || posts.accepted !== size.lines) throw new Error('not every alert was accepted')
    return {
      single: singles.accepted / singles.seconds,
      lines: posts.accepted / posts.seconds,
      postP99: percentile(singles.latencies, 0.99) / 1_000,
      incidentP99: singly.p99Ms / 1_000,
      incidentP99Lines: (await correlationOf(url, token)).p99Ms / 1_000,
      idleMemory,
      memory,
    }
  } finally {
    await server.stop()
  }
}

async function correlationOf(url: string, token: string): Promise<{ p99Ms: number }> {
  const answer = await fetch(new URL('/api/v1/status', url), { headers: { authorization: `Bearer ${token}` } })
  return ((await answer.json()) as { correlation: { p99Ms: number } }).correlation
}
