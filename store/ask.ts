/**
 * A statement somebody else wrote, answered: as a role that may read the documented views and nothing else, in a read-only transaction that is always rolled
 * back, on a connection that is cut off afterwards, within limits of time, rows and bytes. What is written in the statement is never trusted.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { ConfigError, InputError, UpstreamError } from '../domain/errors.ts'
import { parseExact } from '../domain/exact-json.ts'
import { readerRole, readySchema } from './ask-reader.ts'
import { checkStatement } from './ask-statement.ts'
import type { Database, OwnConnection } from './database.ts'
import { unescapeDeep } from './values.ts'

export const askLimits = { rows: 200, bytes: 256 * 1024, timeMs: 5_000 } as const
/** At once, of this process: each may take as much of the server's memory as one value may have. */
const mostAtOnce = 2
const longestWaitMs = 10_000

export type Asking = { rows: number; timeMs?: number; signal?: AbortSignal }
/** `refused`: what Postgres says, which may quote data. `cut`: there were more rows, or more bytes. */
export type Asked = { rows: Record<string, unknown>[]; cut: 'rows' | 'bytes' | null } | { refused: string }

/** Throws InputError for what cannot be read, ConfigError where nothing can be asked. */
export async function askRecords(db: Database, statement: string, asking: Asking): Promise<Asked> {
  const schema = await schemaFor(db)
  checkStatement(statement)
  return answerAs(db, schema, statement, asking)
}

/** Throws ConfigError with the reason why there is none. */
export async function schemaFor(db: Database): Promise<string> {
  if (db.apart === undefined)
    throw new ConfigError(
      'query_records needs a Postgres server (DATABASE_URL): the embedded database runs in this process, on its one connection, and cannot stop a statement that takes too long. Use the other tools: count_alerts, list_findings, get_neighbours.',
    )
  const schema = await readySchema(db)
  if (schema === null)
    throw new ConfigError(
      `query_records needs the role ${readerRole}, which Falconer’s own role may not make. An administrator of the database runs: CREATE ROLE ${readerRole} NOLOGIN; GRANT ${readerRole} TO <Falconer’s role>;`,
    )
  return schema
}

let running = 0
const waiting = new Set<() => void>()

async function takeTurn(): Promise<void> {
  if (running < mostAtOnce) {
    running += 1
    return
  }
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      waiting.delete(go)
      reject(new UpstreamError('Too many statements are running; ask again in a few seconds.', { retryable: true }))
    }, longestWaitMs)
    const go = (): void => {
      clearTimeout(late)
      waiting.delete(go)
      resolve()
    }
    waiting.add(go)
  })
}

/** To whoever waits longest. */
function passTurn(): void {
  const [next] = waiting
  if (next === undefined) running -= 1
  else next()
}

/** The statement as it is, unread: everything that bounds it holds here. */
export async function answerAs(db: Database, schema: string, statement: string, asking: Asking): Promise<Asked> {
  await takeTurn()
  const { timeMs = askLimits.timeMs, signal } = asking
  try {
    signal?.throwIfAborted()
    return await (db.apart as NonNullable<Database['apart']>)(async (own) => {
      const over = new AbortController()
      const late = pause(timeMs + 1_000, undefined, { signal: over.signal }).then(
        () => tooLong(timeMs),
        () => tooLong(timeMs),
      )
      const gone = new Promise<Asked>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new InputError('Nobody waits for the answer any more.')), {
          once: true,
          signal: over.signal,
        })
      })
      const answer = answerOn(own, schema, statement, { ...asking, timeMs })
      let done = false
      void answer.finally(() => (done = true)).catch(() => {})
      try {
        return await Promise.race([answer, late, gone])
      } finally {
        over.abort()
        // Cutting the connection alone would let it run on until it has something to send.
        if (!done) await db.query(sql`select pg_terminate_backend(${own.pid})`)
      }
    })
  } finally {
    passTurn()
  }
}

async function answerOn(own: OwnConnection, schema: string, statement: string, { rows: most, timeMs = 0 }: Asking): Promise<Asked> {
  const rows = Math.min(most, askLimits.rows)
  // Read only first: what comes after may not write either.
  await own.query(
    ['start transaction read only', ...[...settings, `statement_timeout = ${timeMs}`].map((one) => `set local ${one}`)].join(';'),
  )
  // Only superusers may bound it; for others it is the administrator's to set.
  await own.query(`select set_config('temp_file_limit', '262144', true) from pg_roles where rolname = current_user and rolsuper`)
  try {
    const lines = await own.query<{ line: string | null }>(`select line from ${schema}.answer($1, $2, $3) as line`, [
      statement,
      rows + 1,
      askLimits.bytes,
    ])
    const all = lines.flatMap(({ line }) => (line === null ? [] : [unescapeDeep(parseExact(line) as Record<string, unknown>)]))
    return { rows: all.slice(0, rows), cut: all.length > rows ? 'rows' : lines.length > all.length ? 'bytes' : null }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === '57014') return tooLong(timeMs)
    // What has no code, or these, is of the connection or the server.
    if (code === undefined || /^(?:08|57)/.test(code))
      throw new UpstreamError('The database did not answer.', { cause: error, retryable: true })
    return { refused: message }
  } finally {
    await own.query('rollback').catch(() => {})
  }
}

const settings = [
  'lock_timeout = 1000',
  `work_mem = '16MB'`,
  'hash_mem_multiplier = 1',
  'max_parallel_workers_per_gather = 0',
  'jit = off',
  `idle_in_transaction_session_timeout = 10000`,
  // The connection is cut off when nobody waits any more.
  `client_connection_check_interval = 1000`,
] as const

const tooLong = (timeMs: number): Asked => ({
  refused: `it took longer than ${timeMs / 1_000} s; narrow it: by time (event_ns > ns(now() - interval '1 day')), or ask fewer rows`,
})
