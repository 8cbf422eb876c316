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

/** Throws NotFoundError; an analyst that fails leaves a failed investigation that says so. */
export async function investigate(
  db: Database,
  clock: Clock,
  analyst: Analyst,
  incidentId: string,
  options: CaseOptions & { desk?: Partial<Pick<Desk, 'hands' | 'signal'>> },
): Promise<Investigation> {
  const incident = await getIncident(db, { id: incidentId })
  if (incident === undefined) throw new NotFoundError(`There is no incident ${incidentId}.`)
  const id = await startInvestigation(db, {
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
      tell: async (step) => void (await addStep(db, id, step, clock.now())),
      signal: options.desk?.signal ?? new AbortController().signal,
    }
    const draft = checkedDraft(analyst, await analyst.analyse(file, desk))
    const report = await ground(draft, recordReader(db), { severityFloor: incident.severityFloor, entityIds, coverage })
    const finished = await finishInvestigation(db, id, { report }, clock.now())
    await markInvestigated(db, incident.id, incident.revision)
    return finished
  } catch (error) {
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
