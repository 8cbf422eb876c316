/** What there is as OCSF events, page by page, in an order in which whoever fetches again from where they stopped misses nothing. */
import { toDate } from '../../domain/event-time.ts'
import { factsOfIncidents } from '../../notify/incident-facts.ts'
import { detectionFinding } from '../../notify/ocsf/detection.ts'
import type { OcsfEvent } from '../../notify/ocsf/event.ts'
import { findingEvent } from '../../notify/ocsf/finding.ts'
import { incidentFinding } from '../../notify/ocsf/incident.ts'
import { searchAlerts } from '../../store/alert-search.ts'
import { everyFinding, newestWitnesses } from '../../store/finding-search.ts'
import { changedIncidents } from '../../store/incidents.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl } from './urls.ts'

type Asked = { since?: bigint; cursor?: string; limit: number }
type Events = { events: OcsfEvent[]; next: string | null }

/** Least recently changed first; merged and closed ones too. */
export async function incidentEvents(falconer: Falconer, { since, cursor, limit }: Asked): Promise<Events> {
  const { db } = falconer
  const { incidents, next } = await changedIncidents(db, { since: since === undefined ? undefined : toDate(since), cursor, limit })
  const facts = await factsOfIncidents(db, incidents, baseUrl(falconer))
  return { events: facts.map((one) => incidentFinding(one)), next }
}

/** In the order they were first stored, those that are fixed too. */
export async function findingEvents(falconer: Falconer, { since, cursor, limit }: Asked): Promise<Events> {
  const { db, clock } = falconer
  const { findings, next } = await everyFinding(db, clock.now(), { sinceNs: since, after: cursor, limit })
  const witnesses = await newestWitnesses(
    db,
    findings.map(({ id }) => id),
  )
  const base = baseUrl(falconer)
  const events = findings.map((finding) =>
    findingEvent({ finding, witness: witnesses.get(finding.id), url: `${base}/findings/${finding.id}` }),
  )
  return { events, next }
}

/** Newest first, each event once. */
export async function alertEvents(falconer: Falconer, { since, cursor, limit }: Asked): Promise<Events> {
  const { alerts, next } = await searchAlerts(falconer.db, { fromNs: since }, { cursor, limit })
  const base = baseUrl(falconer)
  return { events: alerts.map((alert) => detectionFinding(alert, `${base}/alerts/${alert.id}`)), next }
}
