/**
 * The one way to a database: pg.Pool over embedded PGlite or over a Postgres server, the same SQL on both.
 * Integers of 64 bits are bigint and jsonb keeps every digit. Embedded there is one connection; a query that
 * would wait for the transaction it is called from throws instead of hanging.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import { CompiledQuery, Kysely, PostgresDialect, type RawBuilder } from 'kysely'
import pg from 'pg'
import { ConfigError, InvariantError, UpstreamError } from '../domain/errors.ts'
import { parseExact } from '../domain/exact-json.ts'
import type { DiskRoom, FreeBytes } from './disk-room.ts'
import { type Embedded, openEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'

/** What the store's functions need: something that runs a statement and gives its rows. */
export interface Queryable {
  query<Row>(statement: RawBuilder<Row>): Promise<Row[]>
}
export type Transaction = Queryable & { readonly isTransaction: true }

/** `frees`: it makes room on the disk, and is let in when others no longer are. */
export type TransactionOptions = { frees?: boolean }

export interface Database extends Queryable {
  readonly kind: 'embedded' | 'server'
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. Never nest. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Runs `work` on a connection of its own that is cut off when it returns: nothing done there stays. Embedded there is none. */
  apart?<T>(work: (own: OwnConnection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** `pid` names it to pg_cancel_backend. */
export type OwnConnection = { readonly pid: number; query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> }

const stateOf = (error: unknown): string => (error as { code?: string } | null)?.code ?? ''
/** SQLSTATE class 22 (data exception), 54 (a limit: a value too large): the record's fault, not the database's. */
export const isRefusedData = (error: unknown): boolean => /^(22|54)/.test(stateOf(error))
/** Deadlock or serialisation failure: the same work may succeed the next time. */
export const isConflict = (error: unknown): boolean => stateOf(error).startsWith('40')
/** The lock was not to be had in time. */
export const isLocked = (error: unknown): boolean => stateOf(error) === '55P03'

export type DatabaseOptions =
  | { dataDir: string | undefined; template?: Blob; freeBytes?: FreeBytes; migrate?: boolean }
  | { pglite: PGlite; migrate?: boolean }
  | { url: string; schema?: string; poolSize?: number; migrate?: boolean }

const typeParser = ((oid: number, format?: 'text' | 'binary') => {
  if (oid === 20) return BigInt
  if (oid === 114 || oid === 3802) return parseExact
  return pg.types.getTypeParser(oid, format as 'text')
}) as typeof pg.types.getTypeParser

/** Opens the database and brings its schema up to date (unless `migrate: false`). Throws ConfigError or UpstreamError. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const embedded = 'url' in options ? null : await embeddedFrom(options)
  const pool = new pg.Pool({
    ...(embedded ? { ...embedded.poolConfig, max: 1 } : serverConfig(options as { url: string })),
    types: { getTypeParser: typeParser },
  })
  pool.on('error', () => {}) // an idle connection broke; the next query reports it
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const close = async (): Promise<void> => {
    await kysely.destroy()
    await embedded?.close()
  }
  try {
    await kysely.executeQuery(CompiledQuery.raw('select 1'))
    if (options.migrate !== false) await migrate(kysely)
  } catch (error) {
    await close()
    if (error instanceof ConfigError) throw error
    throw new UpstreamError(`The database could not be opened: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
      retryable: true,
    })
  }
  const database: Database = new PooledDatabase(kysely, embedded ? 'embedded' : 'server', embedded?.room ?? null, close)
  if ('url' in options) database.apart = (work) => apart(serverConfig(options), work)
  return database
}

async function apart<T>(config: pg.PoolConfig, work: (own: OwnConnection) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...config, application_name: 'falconer apart' })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work({
      pid: (client as unknown as { processID: number }).processID,
      query: async <Row>(text: string, values: readonly unknown[] = []) => (await client.query(text, [...values])).rows as Row[],
    })
  } finally {
    // Not `end()`: that waits for a statement that still runs.
    ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  }
}

async function embeddedFrom(options: Exclude<DatabaseOptions, { url: string }>): Promise<Embedded> {
  if ('pglite' in options)
    return { poolConfig: createPgConfig(options.pglite) as unknown as pg.PoolConfig, room: null, close: async () => {} }
  return openEmbedded(options.dataDir, options.template, options.freeBytes)
}

function serverConfig(options: { url: string; schema?: string; poolSize?: number }): pg.PoolConfig {
  return {
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'falconer',
    ...(options.schema === undefined ? {} : { options: `-c search_path=${options.schema},public` }),
  }
}

/** Single statements that write are short, and most of them tidy up. */
const writing = /\b(?:insert|update|delete|vacuum|create|drop)\b/i

class PooledDatabase implements Database {
  readonly kind: 'embedded' | 'server'
  readonly #kysely: Kysely<unknown>
  readonly #room: DiskRoom | null
  readonly #close: () => Promise<void>
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>()

  constructor(kysely: Kysely<unknown>, kind: 'embedded' | 'server', room: DiskRoom | null, close: () => Promise<void>) {
    this.#kysely = kysely
    this.#room = room
    this.kind = kind
    this.#close = close
  }

  async query<Row>(statement: RawBuilder<Row>): Promise<Row[]> {
    this.#refuseInside('query')
    if (this.#room !== null && writing.test(statement.compile(this.#kysely).sql)) await this.#room.toFree()
    return (await statement.execute(this.#kysely)).rows
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>, { frees = false }: TransactionOptions = {}): Promise<T> {
    this.#refuseInside('transaction')
    await (frees ? this.#room?.toFree() : this.#room?.toWrite())
    const place = { open: true }
    return this.#kysely
      .transaction()
      .execute((kysely) =>
        this.#inside.run(place, () =>
          work({ isTransaction: true, query: async <Row>(statement: RawBuilder<Row>) => (await statement.execute(kysely)).rows }),
        ),
      )
      .finally(() => {
        place.open = false
      })
  }

  close(): Promise<void> {
    return this.#close()
  }

  #refuseInside(what: string): void {
    if (this.#inside.getStore()?.open === true)
      throw new InvariantError(
        `database.${what} was called inside a transaction; use the transaction that was passed in (with one connection this would wait for itself for ever)`,
      )
  }
}
