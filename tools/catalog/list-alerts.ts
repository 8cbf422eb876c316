import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import { parseCursor } from '../../store/alerts.ts'
import { searchAlerts } from '../../store/alert-search.ts'
import { fittingPage, knownCursor, listInput, More, moreText } from '../page.ts'
import { tool } from '../tool.ts'
import { alertFilter, narrowBy, searchFrom } from '../views/alert-filter.ts'
import { AlertRow, alertRow } from '../views/alert.ts'

const budget = 4_800

/** The newest alerts that fit, each event once. */
export const listAlertsTool = tool({
  name: 'list_alerts',
  toolset: 'alerts',
  title: 'List alerts',
  description:
    'Alerts, newest first: who did what, where and when. Use it to look for alerts by rule, place, time or text, also outside an incident. For how many there are use count_alerts, for the order of events in one incident get_timeline, for one alert’s fields get_alert. Example: {"namespace":"shop","priority":"Warning","from":"2026-11-25T08:00:00Z"}',
  input: z.object({ ...alertFilter, ...listInput(50, 12) }),
  output: z.object({
    alerts: z.array(AlertRow),
    next: z.string().nullable(),
    more: More,
    lookedBackTo: z.string().nullable().describe('The search stopped there, not at the end; `next` goes on from there'),
    freshness: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ limit, cursor, ...filter }, { db, clock }) => {
    const after = knownCursor(cursor, parseCursor)
    const { search, watched } = await searchFrom(db, filter)
    let lookedBackTo: bigint | null = null
    const { entries, next } = await fittingPage(
      limit,
      async (most) => {
        const page = await searchAlerts(db, search, { limit: most, ...(after === undefined ? {} : { cursor: after }) })
        lookedBackTo = page.lookedBackTo
        return { entries: page.alerts.map((alert) => alertRow(alert)), next: page.next }
      },
      budget,
    )
    return {
      alerts: entries,
      next,
      more: next === null ? null : moreText(null, `pass \`next\` as cursor, or ${narrowBy}`),
      lookedBackTo: lookedBackTo === null ? null : formatEventTime(lookedBackTo),
      freshness: await watchedBy({ db, clock }, watched),
    }
  },
})
