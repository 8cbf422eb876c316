import { z } from 'zod'
import type { Lead } from '../../domain/alert.ts'
import { entriesOf } from '../../incidents/timeline.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import { getLeads, parseCursor } from '../../store/alerts.ts'
import { alertsInOrder } from '../../store/memberships.ts'
import { fittingPage, knownCursor, listInput, More, moreText } from '../page.ts'
import { tool, type ToolContext } from '../tool.ts'
import { EntryRow, entryRow } from '../views/alert.ts'
import { IncidentMeant, incidentMeant } from '../views/find-incident.ts'

const budget = 4_800
/** A page of a storm ends after so many alerts, however few entries tell of them. */
const mostAlerts = 2_000
const atOnce = 500

/** What happened, in order. */
export const getTimelineTool = tool({
  name: 'get_timeline',
  toolset: 'incidents',
  title: 'Timeline of an incident',
  description:
    'What happened in an incident, in event order; what repeats within ten minutes is one entry with `times` and `until`. Use it to follow an attack step by step, or to go on where get_case_file left alerts out. Not across incidents (list_alerts). Example: {"incident":"inc-1f9c04be2a"}',
  input: z.object({ incident: IncidentMeant, ...listInput(50, 20) }),
  output: z.object({
    entries: z.array(EntryRow),
    alerts: z.number().int().describe('How many alerts these entries tell of'),
    ofAlerts: z.number().int().describe('How many the incident has'),
    next: z.string().nullable(),
    more: More,
    freshness: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ incident: given, limit, cursor }, { db, clock, signal, ask }) => {
    const incident = await incidentMeant({ db, ask }, given)
    const after = knownCursor(cursor, parseCursor)
    const { alerts, end } = await stretch({ db, signal }, incident.id, after === undefined ? undefined : parseCursor(after), limit)
    let told = 0
    const { entries, next } = await fittingPage(
      limit,
      async (most) => {
        const { entries: some, taken } = entriesOf(alerts, most)
        told = taken
        const last = alerts[taken - 1]
        return {
          entries: some.map((one) => entryRow(one)),
          next: last === undefined || (end && taken === alerts.length) ? null : `${last.eventNs}_${last.id}`,
        }
      },
      budget,
    )
    return {
      entries,
      alerts: told,
      ofAlerts: incident.alertCount,
      next,
      more: next === null ? null : moreText(null, 'pass `next` as cursor, or use count_alerts to see what the rest is made of'),
      freshness: await watchedBy({ db, clock }, incident.scope),
    }
  },
})

/** Alerts behind a place, until they make more entries than are wanted. `end`: there are no more. */
async function stretch(
  { db, signal }: Pick<ToolContext, 'db' | 'signal'>,
  incidentId: string,
  after: { eventNs: bigint; id: string } | undefined,
  entries: number,
): Promise<{ alerts: Lead[]; end: boolean }> {
  const alerts: Lead[] = []
  let from = after
  for (;;) {
    signal.throwIfAborted()
    const ids = await alertsInOrder(db, incidentId, { ...(from === undefined ? {} : { after: from }), limit: atOnce })
    alerts.push(...(await getLeads(db, ids)))
    const last = alerts.at(-1)
    if (ids.length < atOnce || last === undefined) return { alerts, end: true }
    if (alerts.length >= mostAlerts || entriesOf(alerts, entries).taken < alerts.length) return { alerts, end: false }
    from = { eventNs: last.eventNs, id: last.id }
  }
}
