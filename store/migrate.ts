/**
 * Migrations: one file per step in migrations/, applied in name order under a lock, each in a transaction.
 * A database written by a newer Falconer is refused, not guessed at.
 */
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { ConfigError, UpstreamError } from '../domain/errors.ts'
import * as records from './migrations/0001-records.ts'
import * as people from './migrations/0002-people.ts'

export const migrations: Readonly<Record<string, Migration>> = { '0001-records': records, '0002-people': people }

/** Brings the schema up to date; answers the names of the migrations that ran. */
export async function migrate(kysely: Kysely<unknown>): Promise<string[]> {
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => ({ ...migrations }) } })
  const newer = (await appliedNames(kysely)).filter((name) => !(name in migrations))
  if (newer.length > 0)
    throw new ConfigError(
      `This database was written by a newer Falconer (it has ${newer.join(', ')}). Use that version, or another database.`,
    )
  const { error, results } = await migrator.migrateToLatest()
  if (error !== undefined)
    throw new UpstreamError('The database schema could not be brought up to date', { cause: error, retryable: false })
  return (results ?? []).map((result) => result.migrationName)
}

async function appliedNames(kysely: Kysely<unknown>): Promise<string[]> {
  const tables = await kysely.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  return (await (kysely as Kysely<{ kysely_migration: { name: string } }>).selectFrom('kysely_migration').select('name').execute()).map(
    (row) => row.name,
  )
}
