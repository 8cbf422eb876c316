/** What there is as OCSF events, for others to build on: incidents (2005), findings (2002, 2003) and alerts (2004), fetched page by page. */
import { z } from 'zod'
import { alertEvents, findingEvents, incidentEvents } from '../ocsf.ts'
import { EventMoment, operation } from './operation.ts'

const pageOf = (cursor: RegExp, since: string) =>
  z.object({
    since: EventMoment.optional().describe(since),
    cursor: z.string().regex(cursor, 'is not the `next` of a page').optional().describe('`next` of the page before'),
    limit: z.coerce.number().int().min(1).max(500).default(100),
  })
const moment = /^-?\d{1,19}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const response = z.object({
  events: z.array(z.record(z.string(), z.unknown())).describe('OCSF events, secrets masked'),
  next: z.string().nullable().describe('Null: this is the end'),
})

export const ocsfOperations = [
  operation({
    id: 'listOcsfIncidents',
    method: 'GET',
    path: '/ocsf/incidents',
    permission: 'incidents.read',
    summary: 'Incidents as OCSF Incident Findings, least recently changed first',
    query: pageOf(moment, 'Changed since then, by our clock'),
    response,
    run: ({ falconer, query }) => incidentEvents(falconer, query),
  }),
  operation({
    id: 'listOcsfFindings',
    method: 'GET',
    path: '/ocsf/findings',
    permission: 'findings.read',
    summary: 'Findings as OCSF Vulnerability and Compliance Findings, in the order they were first stored',
    query: pageOf(id, 'Seen or changed since then, by the scans’ own times'),
    response,
    run: ({ falconer, query }) => findingEvents(falconer, query),
  }),
  operation({
    id: 'listOcsfAlerts',
    method: 'GET',
    path: '/ocsf/alerts',
    permission: 'incidents.read',
    summary: 'Alerts as OCSF Detection Findings, newest first, each event once',
    query: pageOf(moment, 'Event time, not before'),
    response,
    run: ({ falconer, query }) => alertEvents(falconer, query),
  }),
]
