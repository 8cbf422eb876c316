/**
 * One investigation: reads the case from the store, lets an analyst write, re-reads every cited record, stores the report.
 * Holds no client of a cluster and no way to approve; the most it can do is ask for a proposal.
 */
import type { Clock } from '../domain/clock.ts'
import { FalconerError, InvariantError, NotFoundError } from '../domain/errors.ts'
import { ground, lastHeard } from '../incidents/grounding.ts'
import type { Database } from '../store/database.ts'
import { getIncident, markInvestigated } from '../store/incidents.ts'
import { finishInvestigation, type Investigation, startInvestigation } from '../store/investigations.ts'
import { type CaseOptions, readCase } from '../incidents/read-case.ts'
import { recordReader } from '../incidents/record-reader.ts'
import { addStep } from '../store/analyst-steps.ts'
import { type Analyst, checkedDraft, type Desk } from './analyst.ts'

export type InvestigateOptions = CaseOptions & {
  /** One that was asked for before, or cut off: it goes on. */ id?: string
  /** `told`: a step was added. */ desk?: Partial<Pick<Desk, 'hands' | 'signal'>> & { told?: (about: string) => void }
}

/** Throws NotFoundError; an analyst that fails leaves a failed investigation that says so. One that was told to stop leaves it as it is, to be gone on with. */
export async function investigate(
  db: Database,
  clock: Clock,
  analyst: Analyst,
  incidentId: string,
  options: InvestigateOptions,
): Promise<Investigation> {
  const incident = await getIncident(db, { id: incidentId })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${incidentId}.`)
  const id = await startInvestigation(db, {
    id: options.id,
    incidentId: incident.id,
    incidentRevision: incident.revision,
    analyst: analyst.name,
    at: clock.now(),
  })
  try {
    const file = await readCase(db, clock.now(), incident.id, options)
    // Taken before the analyst has the file: what it does to its copy widens nothing.
    const entityIds = new Set(file.entities.map((entity) => entity.id.toString()))
    const coverage = new Map(file.coverage.map((source) => [source.name, lastHeard(source)]))
    const desk: Desk = {
      investigationId: id,
      hands: options.desk?.hands ?? noHands,
      tell: async (step) => {
        await addStep(db, id, step, clock.now())
        options.desk?.told?.(id)
      },
      signal: options.desk?.signal ?? new AbortController().signal,
    }
    const draft = checkedDraft(analyst, await analyst.analyse(file, desk))
    desk.signal.throwIfAborted()
    const report = await ground(draft, recordReader(db), { severityFloor: incident.severityFloor, entityIds, coverage })
    const finished = await finishInvestigation(db, id, { report }, clock.now())
    await markInvestigated(db, incident.id, incident.revision)
    return finished
  } catch (error) {
    options.desk?.signal?.throwIfAborted()
    await markInvestigated(db, incident.id, incident.revision)
    return finishInvestigation(
      db,
      id,
      { error: error instanceof FalconerError ? error.message : 'The analyst failed; see the server’s log.' },
      clock.now(),
    ).finally(() => {
      if (!(error instanceof FalconerError)) console.error(error)
    })
  }
}

const noHands = (): never => {
  throw new InvariantError('This analyst was given no tools.')
}
