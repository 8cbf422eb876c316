/**
 * Where a conversation with a model stands after each step, so that a crash resumes it: LangGraph's saver for Postgres on our own database and in tables
 * of our migrations. Its transactions are lists of statements that run when it commits: it never holds the only connection while it works.
 */
import type { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres'
import { type RawBuilder, sql } from 'kysely'
import { InvariantError } from '../domain/errors.ts'
import type { Database, Queryable } from './database.ts'

export type Checkpoints = PostgresSaver

export async function openCheckpoints(db: Database): Promise<Checkpoints> {
  // Heavy, and of no use to a Falconer without a model.
  const { PostgresSaver: Saver } = await import('@langchain/langgraph-checkpoint-postgres')
  return new Saver(poolOn(db) as unknown as ConstructorParameters<typeof PostgresSaver>[0])
}

/** What was said with a model about it is not kept longer than it takes: of the thread of that name, and of those named after it. */
export async function forgetCheckpoints(db: Queryable, thread: string): Promise<void> {
  for (const table of ['checkpoint_writes', 'checkpoint_blobs', 'checkpoints'])
    await db.query(sql`delete from ${sql.table(table)} where thread_id = ${thread} or thread_id like ${`${thread}/%`}`)
}

type Result = { rows: unknown[] }
type Client = { query(text: string, values?: readonly unknown[]): Promise<Result>; release(): void }

/** As much of pg.Pool as the saver uses. */
function poolOn(db: Database): { query: Client['query']; connect(): Promise<Client> } {
  const query: Client['query'] = async (text, values = []) => ({ rows: await db.query(statement(text, values)) })
  return { query, connect: async () => clientOn(db, query) }
}

function clientOn(db: Database, query: Client['query']): Client {
  let begun: RawBuilder<unknown>[] | null = null
  return {
    async query(text, values = []) {
      const word = text.trim().toUpperCase()
      if (word === 'BEGIN') begun = []
      else if (word === 'ROLLBACK') begun = null
      else if (word === 'COMMIT') {
        const statements = begun ?? []
        begun = null
        if (statements.length > 0) await db.transaction(async (tx) => runAll(tx, statements))
      } else if (begun === null) return query(text, values)
      else begun.push(statement(text, values))
      return { rows: [] }
    },
    release() {
      if (begun !== null) throw new InvariantError('A checkpoint was left half written.')
    },
  }
}

async function runAll(tx: Queryable, statements: readonly RawBuilder<unknown>[]): Promise<void> {
  for (const one of statements) await tx.query(one)
}

/** Its tables are where ours are, whatever their schema is called. */
function statement(text: string, values: readonly unknown[]): RawBuilder<unknown> {
  const own = text.replaceAll('"public".', '')
  const places = [...own.matchAll(/\$(\d+)/g)].map(([, place]) => values[Number(place) - 1] ?? null)
  return sql(own.split(/\$\d+/) as unknown as TemplateStringsArray, ...places)
}
