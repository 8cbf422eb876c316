/** Databases of a benchmark's own: embedded, and on the server that FALCONER_BENCH_DATABASE_URL names (a superuser of it). Gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Database, openDatabase } from '../store/database.ts'
import type { Comparison } from './bench.ts'

export type Measured = { on: 'embedded' | 'Postgres'; /** For what else is written. */ folder: string; open(): Promise<Database> }

/** Measured on one after the other; who opens a database closes it. */
export async function onBoth(
  progress: (text: string) => void,
  measure: (measured: Measured) => Promise<Comparison[]>,
): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
  const server = await newServerDatabase()
  try {
    if (server === null) progress('no Postgres server: FALCONER_BENCH_DATABASE_URL is not set')
    const embedded = await measure({ on: 'embedded', folder, open: () => openDatabase({ dataDir: join(folder, 'embedded') }) })
    if (server === null) return embedded
    return [...embedded, ...(await measure({ on: 'Postgres', folder, open: () => openDatabase({ url: server.url }) }))]
  } finally {
    await server?.drop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Null when no server is named. */
export async function newServerDatabase(): Promise<{ url: string; drop(): Promise<void> } | null> {
  const given = process.env.FALCONER_BENCH_DATABASE_URL
  if (given === undefined) return null
  const name = `falconer_bench_${process.pid}`
  const asked = async (statement: string): Promise<void> => {
    const admin = new pg.Client({ connectionString: given })
    await admin.connect()
    await admin.query(statement).finally(() => admin.end())
  }
  await asked(`create database ${name}`)
  const own = new URL(given)
  own.pathname = `/${name}`
  return { url: own.href, drop: () => asked(`drop database if exists ${name} with (force)`) }
}
