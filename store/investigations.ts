/** Investigations: who looked at an incident, when, at which revision of it, and the report that came of it. Appended; a newer one does not replace an older. */
import { sql } from 'kysely'
import { InputError } from '../domain/errors.ts'
import { newId } from '../domain/ids.ts'
import { noModel, type Report } from '../domain/report.ts'
import { standingReport } from '../domain/standing-report.ts'
import type { Database, Queryable } from './database.ts'
import { announce } from './incident-notices.ts'
import { lockIncidents } from './segments.ts'
import { triageDue } from './triage.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

export type Investigation = {
  id: string
  incidentId: string
  incidentRevision: number
  analyst: string
  status: 'running' | 'done' | 'failed'
  report: Report | null
  error: string | null
  startedAt: Date
  finishedAt: Date | null
}
type Row = {
  id: string
  incident_id: string
  incident_revision: number
  analyst: string
  status: Investigation['status']
  report: Report | null
  error: string | null
  started_at: Date
  finished_at: Date | null
}
const columns = sql`id::text, incident_id::text, incident_revision, analyst, status, report, error, started_at, finished_at`
/** Parts that reports written before there were any do not have. */
const laterParts = { rootCause: [], rootCauses: 0, fixFirst: [], blastRadius: [], ...noModel }
const fromRow = (row: Row): Investigation => ({
  id: row.id,
  incidentId: row.incident_id,
  incidentRevision: row.incident_revision,
  analyst: row.analyst,
  status: row.status,
  report: row.report === null ? null : { ...laterParts, ...unescapeDeep(row.report) },
  error: row.error === null ? null : unescapeText(row.error),
  startedAt: row.started_at,
  finishedAt: row.finished_at,
})

/** So long it is held without a sign of life. */
const leaseMs = 60_000
export const holdEveryMs = leaseMs / 3
const until = (at: Date): Date => new Date(at.getTime() + leaseMs)

/** `id`: one that was asked for before, and may have been begun. */
type Wanted = { id?: string; incidentId: string; incidentRevision: number; analyst: string; at: Date }
/** `resumed`: an earlier process of ours began it, of this revision of the incident. */
export type Started = { id: string; incidentRevision: number; resumed: boolean; lease: Lease }
/** Until when it is held: as whoever runs it wrote it last, and may have written it where no answer came. Who finds another time there has lost it. */
export type Lease = readonly Date[]
const heldBy = (lease: Lease) => sql`status = 'running' and held_until = any(${lease}::timestamptz[])`

/**
 * Begins one, or takes up what the same analyst left when its process died. Held by whoever runs it: see `holdInvestigation`. Throws InputError while
 * another one of the incident runs.
 */
export async function startInvestigation(db: Queryable, wanted: Wanted): Promise<Started> {
  const begun = (await takeUp(db, wanted)) ?? (await begin(db, wanted))
  if (begun !== undefined) return begun
  await db.query(
    sql`update investigations set status = 'failed', error = 'Falconer stopped while this ran; it is run again.', finished_at = ${wanted.at} where incident_id = ${wanted.incidentId} and status = 'running' and coalesce(held_until, '-infinity') <= ${wanted.at}`,
  )
  const next = (await takeUp(db, wanted)) ?? (await begin(db, wanted))
  if (next !== undefined) return next
  const [running] = await db.query(
    sql<{
      analyst: string
      started_at: Date
    }>`select analyst, started_at from investigations where incident_id = ${wanted.incidentId} and status = 'running'`,
  )
  throw new InputError(
    running === undefined
      ? 'This incident was being investigated a moment ago. Look at its report, or ask again.'
      : `This incident is being investigated by ${running.analyst} since ${running.started_at.toISOString()}. Follow its steps, or wait for its report.`,
  )
}

async function begin(db: Queryable, { id = newId(), incidentId, incidentRevision, analyst, at }: Wanted): Promise<Started | undefined> {
  const [row] = await db.query(
    sql<{ id: string }>`insert into investigations (id, incident_id, incident_revision, analyst, status, started_at, held_until)
      values (${id}, ${incidentId}, ${incidentRevision}, ${analyst}, 'running', ${at}, ${until(at)})
      on conflict (incident_id) where status = 'running' do nothing returning id::text`,
  )
  return row && { id: row.id, incidentRevision, resumed: false, lease: [until(at)] }
}

async function takeUp(db: Queryable, { id, incidentId, analyst, at }: Wanted): Promise<Started | undefined> {
  // Who has asked for one by name has it alone: whatever has become of it meanwhile, it goes on, unless another runs.
  const which =
    id === undefined
      ? sql`incident_id = ${incidentId} and status = 'running' and analyst = ${analyst} and coalesce(held_until, '-infinity') <= ${at}`
      : sql`id = ${id} and status <> 'done' and not exists (select 1 from investigations o where o.incident_id = ${incidentId} and o.status = 'running' and o.id <> ${id})`
  const [row] = await db.query(
    sql<{
      id: string
      incident_revision: number
    }>`update investigations set status = 'running', error = null, finished_at = null, held_until = ${until(at)}
      where ${which} returning id::text, incident_revision`,
  )
  return row && { id: row.id, incidentRevision: row.incident_revision, resumed: true, lease: [until(at)] }
}

/** A sign of life of whoever runs it. Null: it is another's by now, and no word of whoever lost it counts. */
export async function holdInvestigation(db: Queryable, id: string, lease: Lease, at: Date): Promise<Lease | null> {
  const held = await db.query(sql`update investigations set held_until = ${until(at)} where id = ${id} and ${heldBy(lease)} returning 1`)
  return held.length === 0 ? null : [until(at)]
}
/** What is tried next, where nobody knows whether the last sign of life arrived. */
export const perhapsHeld = (lease: Lease, at: Date): Lease => [...lease, until(at)]
/** It stays as it stands, for the next who takes it up. */
export async function letGoOfInvestigation(db: Queryable, id: string, lease: Lease, at: Date): Promise<void> {
  await db.query(sql`update investigations set held_until = ${at} where id = ${id} and ${heldBy(lease)}`)
}
/** A verdict is news of its incident: it counts as changed, and who is to be told is. Undefined: another has it, or has ended it, and nothing was written. */
export async function finishInvestigation(
  db: Database,
  { id, lease }: { id: string; lease: Lease },
  outcome: { report: Report } | { error: string },
  at: Date,
): Promise<Investigation | undefined> {
  return db.transaction(async (tx) => {
    await lockIncidents(tx)
    const [row] = await tx.query(
      sql<Row>`update investigations set status = ${'report' in outcome ? 'done' : 'failed'}, report = ${'report' in outcome ? json(outcome.report) : null}, error = ${'error' in outcome ? escapeText(outcome.error) : null}, finished_at = ${at} where id = ${id} and ${heldBy(lease)} returning ${columns}`,
    )
    if (row === undefined) return undefined
    const finished = fromRow(row)
    if (finished.status === 'done') {
      await tx.query(sql`update incidents set updated_at = greatest(updated_at, ${at}) where id = ${finished.incidentId}`)
      await announce(tx, [finished.incidentId], at)
      // Once the playbook has read it, whether a model is asked is decided.
      const [asked] = await tx.query(sql`select 1 from deepenings where id = ${id}`)
      if (asked === undefined) await triageDue(tx, finished.incidentId, id, at)
    }
    return finished
  })
}
/** Nobody goes on with it, not even who holds it. */
export async function giveUpInvestigation(db: Queryable, id: string, error: string, at: Date): Promise<void> {
  await db.query(
    sql`update investigations set status = 'failed', error = ${escapeText(error)}, finished_at = ${at} where id = ${id} and status = 'running'`,
  )
}
/**
 * What a crash left running is nobody's, and is taken up; their incidents count as not investigated, so that somebody does. `which` 'lapsed': another
 * server on this database may be at work, and says so.
 */
export async function releaseInterrupted(db: Queryable, at: Date, which: 'all' | 'lapsed'): Promise<void> {
  if (which === 'all') await db.query(sql`update investigations set held_until = ${at} where status = 'running'`)
  await db.query(
    sql`update incidents i set investigated_revision = least(i.investigated_revision, v.incident_revision - 1) from investigations v
      where v.incident_id = i.id and v.status = 'running' and coalesce(v.held_until, '-infinity') <= ${at}
        and not exists (select 1 from deepenings d where d.id = v.id and d.state in ('waiting', 'running'))`,
  )
}
export async function getInvestigation(db: Queryable, id: string): Promise<Investigation | undefined> {
  const [row] = await db.query(sql<Row>`select ${columns} from investigations where id = ${id}`)
  return row && fromRow(row)
}
/** Newest first. */
export async function investigationsOf(db: Queryable, incidentId: string, limit = 20): Promise<Investigation[]> {
  return (
    await db.query(
      sql<Row>`select ${columns} from investigations where incident_id = ${incidentId} order by started_at desc, id desc limit ${limit}`,
    )
  ).map(fromRow)
}
/** The report that stands first of each of these incidents: see domain/standing-report.ts. */
export async function latestReports(db: Queryable, incidentIds: readonly string[]): Promise<Map<string, Investigation>> {
  const byPlaybook = sql`v.incident_id = i.id and v.status = 'done' and not exists (select 1 from deepenings d where d.id = v.id)`
  const newest = sql`order by v.started_at desc, v.id desc limit 1`
  const byModel = sql`select v.id, v.started_at from deepenings d join investigations v on v.id = d.id where v.incident_id = i.id and v.status = 'done'`
  const whole = sql`${byModel} and v.report->>'partial' is null ${newest}`
  const rows = await db.query(sql<Row>`select ${columns} from (
      select v.* from unnest(${incidentIds}::uuid[]) i(id) cross join lateral (
        (select v.id from investigations v where ${byPlaybook} ${newest}) union (select m.id from (${whole}) m) union (select m.id from (${byModel} ${newest}) m)
        union (select v.id from (${whole}) m cross join lateral (select v.id from investigations v where ${byPlaybook} and (v.started_at, v.id) < (m.started_at, m.id) ${newest}) v)
      ) p join investigations v on v.id = p.id) v order by started_at desc, id desc`)
  const byIncident = Map.groupBy(rows.map(fromRow), (one) => one.incidentId)
  return new Map(
    [...byIncident].flatMap(([id, those]): [string, Investigation][] => {
      const first = standingReport(those)
      return first === undefined ? [] : [[id, first]]
    }),
  )
}
/** Notes which recommendations could not be proposed, and why; the rest of the report stays as written. */
export async function noteRefusals(db: Queryable, investigation: Investigation, refusals: ReadonlyMap<number, string>): Promise<void> {
  if (investigation.report === null || refusals.size === 0) return
  const actions = investigation.report.actions.map((action, index) => ({ ...action, blocked: refusals.get(index) ?? action.blocked }))
  await db.query(sql`update investigations set report = ${json({ ...investigation.report, actions })} where id = ${investigation.id}`)
}
