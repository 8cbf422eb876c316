/**
 * Migrations: one file per step in migrations/, applied in name order under a lock, all in one transaction: a step
 * that fails leaves the schema as it was. A database written by a newer Falconer is refused, not guessed at.
 */
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { ConfigError, UpstreamError } from '../domain/errors.ts'
import * as records from './migrations/0001-records.ts'
import * as people from './migrations/0002-people.ts'
import * as sameEvent from './migrations/0003-same-event.ts'
import * as internalMessages from './migrations/0004-internal-messages.ts'
import * as alertSearch from './migrations/0005-alert-search.ts'
import * as posture from './migrations/0006-posture.ts'
import * as once from './migrations/0007-once.ts'
import * as notices from './migrations/0008-notices.ts'
import * as pullCursors from './migrations/0009-pull-cursors.ts'
import * as graph from './migrations/0010-graph.ts'
import * as graphFacts from './migrations/0011-graph-facts.ts'
import * as cloud from './migrations/0012-cloud.ts'
import * as fixes from './migrations/0013-fixes.ts'
import * as moves from './migrations/0014-moves.ts'
import * as scansByTarget from './migrations/0015-scans-by-target.ts'
import * as observed from './migrations/0016-observed.ts'
import * as graphWalks from './migrations/0017-graph-walks.ts'
import * as oauth from './migrations/0018-oauth.ts'
import * as questions from './migrations/0019-questions.ts'
import * as analyst from './migrations/0020-analyst.ts'
import * as chat from './migrations/0021-chat.ts'
import * as knowledge from './migrations/0022-knowledge.ts'
import * as triage from './migrations/0023-triage.ts'
import * as inventoryStanding from './migrations/0024-inventory-standing.ts'
import * as slack from './migrations/0025-slack.ts'
import * as slackCards from './migrations/0026-slack-cards.ts'
import * as slackHeard from './migrations/0027-slack-heard.ts'
import * as slackLinkCodes from './migrations/0028-slack-link-codes.ts'
import * as doors from './migrations/0029-doors.ts'
import * as baselineVerdicts from './migrations/0030-baseline-verdicts.ts'
import * as firstLook from './migrations/0031-first-look.ts'

export type Migrations = Readonly<Record<string, Migration>>
export const migrations: Migrations = {
  '0001-records': records,
  '0002-people': people,
  '0003-same-event': sameEvent,
  '0004-internal-messages': internalMessages,
  '0005-alert-search': alertSearch,
  '0006-posture': posture,
  '0007-once': once,
  '0008-notices': notices,
  '0009-pull-cursors': pullCursors,
  '0010-graph': graph,
  '0011-graph-facts': graphFacts,
  '0012-cloud': cloud,
  '0013-fixes': fixes,
  '0014-moves': moves,
  '0015-scans-by-target': scansByTarget,
  '0016-observed': observed,
  '0017-graph-walks': graphWalks,
  '0018-oauth': oauth,
  '0019-questions': questions,
  '0020-analyst': analyst,
  '0021-chat': chat,
  '0022-knowledge': knowledge,
  '0023-triage': triage,
  '0024-inventory-standing': inventoryStanding,
  '0025-slack': slack,
  '0026-slack-cards': slackCards,
  '0027-slack-heard': slackHeard,
  '0028-slack-link-codes': slackLinkCodes,
  '0029-doors': doors,
  '0030-baseline-verdicts': baselineVerdicts,
  '0031-first-look': firstLook,
}

/** Brings the schema up to date; answers the names of the migrations that ran. */
export async function migrate(kysely: Kysely<unknown>, steps: Migrations = migrations): Promise<string[]> {
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => ({ ...steps }) } })
  const newer = (await appliedNames(kysely)).filter((name) => !(name in steps))
  if (newer.length > 0)
    throw new ConfigError(
      `This database was written by a newer Falconer (it has ${newer.join(', ')}). Use that version, or another database.`,
    )
  const { error, results } = await migrator.migrateToLatest()
  if (error !== undefined)
    throw new UpstreamError('The database schema could not be brought up to date', { cause: error, retryable: false })
  return (results ?? []).map((result) => result.migrationName)
}

/** Asks for the very table that migrations would write: another schema of the same database may have one too. */
async function appliedNames(kysely: Kysely<unknown>): Promise<string[]> {
  const { rows } = await sql<{ there: boolean }>`select to_regclass('kysely_migration') is not null as there`.execute(kysely)
  if (rows[0]?.there !== true) return []
  return (await sql<{ name: string }>`select name from kysely_migration`.execute(kysely)).rows.map((row) => row.name)
}
