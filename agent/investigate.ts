/**
 * One investigation: reads the case from the store, lets an analyst write, re-reads every cited record, stores the report.
 * Holds no client of a cluster and no way to approve; the most it can do is ask for a proposal. One at a time of an incident; what a crash cut
 * off is gone on with. An analyst that stops leaves the playbook's report in its place, which says so.
 */
import type { Clock } from '../domain/clock.ts'
import { FalconerError, InvariantError, NotFoundError, UpstreamError } from '../domain/errors.ts'
import { isId } from '../domain/ids.ts'
import { claimParts, type DraftReport, type Report } from '../domain/report.ts'
import { ground, type Home } from '../incidents/grounding.ts'
import { lastHeard } from '../incidents/record-field.ts'
import type { CaseFile } from '../incidents/case-file.ts'
import { type CaseOptions, readCase } from '../incidents/read-case.ts'
import { recordReader } from '../incidents/record-reader.ts'
import { addStep } from '../store/analyst-steps.ts'
import { forgetCheckpoints } from '../store/checkpoints.ts'
import type { Database } from '../store/database.ts'
import { membershipsOf } from '../store/memberships.ts'
import { getIncident, markInvestigated } from '../store/incidents.ts'
import { finishInvestigation, type Investigation, letGoOfInvestigation, startInvestigation } from '../store/investigations.ts'
import { type Analyst, AnalystStopped, checkedDraft, type Desk, type Doubt } from './analyst.ts'
import type { Hands } from './hands.ts'
import { keepLease } from './lease.ts'
import { playbook } from './playbook/playbook.ts'

export type InvestigateOptions = CaseOptions & {
  /** Its own, closed when it is over. */ hands?: () => Promise<Hands>
  /** Aborted: it is let go of as it stands, and taken up by whoever investigates the incident next. */ signal?: AbortSignal
  /** One that was asked for before; it is gone on with under its id. */ id?: string
  /** A step was added. */ told?: (about: string) => void
}

/** Throws NotFoundError; InputError while another runs; an analyst that fails leaves a failed investigation that says so. */
export async function investigate(
  db: Database,
  clock: Clock,
  analyst: Analyst,
  incidentId: string,
  options: InvestigateOptions,
): Promise<Investigation> {
  const incident = await getIncident(db, { id: incidentId })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${incidentId}.`)
  const asked = { id: options.id, incidentId: incident.id, incidentRevision: incident.revision, analyst: analyst.name, at: clock.now() }
  const { id, incidentRevision, resumed, lease } = await startInvestigation(db, asked)
  const keeping = keepLease(db, clock, id, lease)
  const signal = options.signal === undefined ? keeping.lost : AbortSignal.any([options.signal, keeping.lost])
  const { desk, close } = deskOf(db, clock, id, { ...options, signal })
  let outcome: { report: Report } | { error: string }
  try {
    await desk.tell({ kind: 'began', text: resumed ? 'gone on with where it was cut off' : '' })
    const report = await reportOf(db, clock, analyst, incident.id, options, desk)
    await desk.tell({ kind: 'done', text: report.verdict })
    outcome = { report }
  } catch (error) {
    if (desk.signal.aborted) {
      await letGoOfInvestigation(db, id, await keeping.end(), clock.now())
      throw cutOff(error)
    }
    if (!(error instanceof FalconerError)) console.error(error)
    outcome = { error: error instanceof FalconerError ? error.message : 'The analyst failed; see the server’s log.' }
  } finally {
    keeping.stop()
    await close()
  }
  const finished = await finishInvestigation(db, { id, lease: await keeping.end() }, outcome, clock.now())
  if (finished === undefined) throw cutOff(new Error('another has taken it up, and its report is the one that counts'))
  await markInvestigated(db, incident.id, incidentRevision)
  await forgetCheckpoints(db, id)
  return finished
}

const cutOff = (cause: unknown): UpstreamError =>
  new UpstreamError('The investigation was cut off; it goes on when the incident is investigated next.', { cause, retryable: true })

function deskOf(
  db: Database,
  clock: Clock,
  id: string,
  { hands: open = noHands, told, signal }: InvestigateOptions & { signal: AbortSignal },
): { desk: Desk; close: () => Promise<void> } {
  let hands: Promise<Hands> | null = null
  return {
    desk: {
      investigationId: id,
      hands: async () => (hands ??= open()),
      tell: async (step) => {
        await addStep(db, id, step, clock.now())
        told?.(id)
      },
      signal,
    },
    close: async () => (await hands?.catch(() => null))?.close(),
  }
}

/** Grounded, and mended once where records do not bear it out. */
async function reportOf(
  db: Database,
  clock: Clock,
  analyst: Analyst,
  incidentId: string,
  options: CaseOptions,
  desk: Desk,
): Promise<Report> {
  const file = await readCase(db, clock.now(), incidentId, options)
  const grounded = groundingOf(db, file)
  let draft: DraftReport
  try {
    draft = checkedDraft(analyst, await analyst.analyse(file, desk))
  } catch (error) {
    if (!(error instanceof AnalystStopped)) throw error
    if (error.cause !== undefined) console.error(error.cause)
    await desk.tell({ kind: 'stopped', text: error.message })
    // Read again: what the analyst did to its copy is gone with it.
    const fresh = await readCase(db, clock.now(), incidentId, options)
    return grounded(playbook, { ...checkedDraft(playbook, await playbook.analyse(fresh)), ...error.asked, partial: partialWords(error) })
  }
  const report = await grounded(analyst, draft)
  await desk.tell({ kind: 'drafted', text: `${report.verdict}; ${report.ungrounded} of ${claimsOf(report)} claims not borne out` })
  if (report.ungrounded === 0 || analyst.mend === undefined) return report
  return mended(analyst, draft, report, grounded, desk)
}

async function mended(analyst: Analyst, draft: DraftReport, report: Report, grounded: Grounding, desk: Desk): Promise<Report> {
  try {
    const again = await grounded(analyst, checkedDraft(analyst, await analyst.mend?.(draft, doubtsOf(report), desk)))
    const better = again.ungrounded < report.ungrounded
    await desk.tell({ kind: 'mended', text: better ? `${again.ungrounded} claims not borne out are left` : 'no claim held any better' })
    return better ? again : { ...report, spend: again.spend }
  } catch (error) {
    if (desk.signal.aborted || !(error instanceof FalconerError)) throw error
    await desk.tell({ kind: 'stopped', text: `Claims in doubt stay in doubt. ${error.message}` })
    return error instanceof AnalystStopped ? { ...report, spend: error.asked.spend ?? report.spend } : report
  }
}

const doubtsOf = (report: Report): Doubt[] =>
  claimParts.flatMap((part) => report[part].flatMap(({ grounded, text, problems }, at) => (grounded ? [] : [{ part, at, text, problems }])))
const claimsOf = (report: Report): number => claimParts.reduce((sum, part) => sum + report[part].length, 0)

function partialWords({ message, asked: { spend } }: AnalystStopped): string {
  const calls = spend?.calls ?? 0
  return `The model stopped after ${calls} ${calls === 1 ? 'call' : 'calls'}. ${message} What stands here is the playbook’s.`
}

type Grounding = (by: Analyst, draft: DraftReport) => Promise<Report>
/** Taken before the analyst has the file: what it does to its copy widens nothing. */
function groundingOf(db: Database, file: CaseFile): Grounding {
  const entityIds = new Set(file.entities.map((entity) => entity.id.toString()))
  const coverage = new Map(file.coverage.map((source) => [source.name, lastHeard(source)]))
  // As it was when it was read: alerts may have come since, and what was counted then is what was said.
  const incident = structuredClone(file.incident)
  const reader = recordReader(db)
  const asRead = { ...reader, incident: async (id: string) => (id.toLowerCase() === incident.id ? incident : reader.incident(id)) }
  const about = { severityFloor: incident.severityFloor, entityIds, coverage }
  const home = homeOf(db, file)
  return (by, draft) => ground(draft, asRead, by.byCode === true ? about : { ...about, home })
}

function homeOf(db: Database, { incident: { id, scope }, alerts, entities }: CaseFile): Home {
  const own = new Set(alerts.map(({ alert }) => alert.id))
  return {
    scopes: new Set([scope, ...alerts.map(({ alert }) => alert.scope), ...entities.map((entity) => entity.scope)]),
    otherIncidentOf: async (alertId) => {
      if (own.has(alertId.toLowerCase()) || !isId(alertId)) return null
      const [membership] = await membershipsOf(db, { alertIds: [alertId] })
      return membership === undefined || membership.incidentId === id ? null : membership.incidentId
    },
  }
}

const noHands = (): never => {
  throw new InvariantError('This analyst was given no tools.')
}
