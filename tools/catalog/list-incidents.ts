import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { type Incident, IncidentState } from '../../domain/incident.ts'
import { Severity } from '../../domain/severity.ts'
import { listIncidents } from '../../store/incidents.ts'
import { fittingPage, listInput, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'

/** The most severe and newest incidents, in the fields one chooses by. */
export const listIncidentsTool = tool({
  name: 'list_incidents',
  toolset: 'incidents',
  title: 'List incidents',
  description:
    'Incidents, most severe and newest first: id, title, severity, state, how many alerts, when. Begin here when you do not know which incident is meant. Not for alerts (list_alerts) or findings (list_findings). Example: {"state":"open","minSeverity":"high"}',
  input: z.object({
    state: IncidentState.optional().describe('Only in this state'),
    minSeverity: Severity.optional().describe('At least this severe'),
    cluster: z.string().max(253).optional(),
    ...listInput(50, 10),
  }),
  output: z.object({
    incidents: z.array(
      z.object({
        id: z.string(),
        title: Quoted,
        severity: Severity,
        state: IncidentState,
        cluster: z.string(),
        alerts: z.number().int(),
        from: z.string(),
        to: z.string(),
        techniques: z.array(z.string()),
      }),
    ),
    next: z.string().nullable(),
    more: More,
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ state, minSeverity, cluster, limit, cursor }, { db }) => {
    const { entries, next } = await fittingPage(limit, async (most) => {
      const page = await listIncidents(db, { state, minSeverity, scope: cluster }, { cursor, limit: most })
      return { entries: page.incidents.map(row), next: page.next }
    })
    return {
      incidents: entries,
      next,
      more: next === null ? null : moreText(null, 'pass `next` as cursor, or narrow by state, minSeverity or cluster'),
    }
  },
})

const row = (one: Incident) => ({
  id: one.id,
  title: quote(one.title, 120),
  severity: one.severity,
  state: one.state,
  cluster: one.scope,
  alerts: one.alertCount,
  from: formatEventTime(one.firstNs),
  to: formatEventTime(one.lastNs),
  techniques: one.techniques,
})
