import { z } from 'zod'
import type { Alert } from '../../domain/alert.ts'
import { InputError } from '../../domain/errors.ts'
import { sample } from '../../incidents/case-file.ts'
import { type ProcessNode, processTrees } from '../../incidents/process-chain.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import { getAlerts } from '../../store/alerts.ts'
import type { Queryable } from '../../store/database.ts'
import { alertCandidates, membershipsOf } from '../../store/memberships.ts'
import { fitting, More, moreText } from '../page.ts'
import { tool } from '../tool.ts'
import { alertOf } from '../views/find-alert.ts'
import { IncidentId, incidentOf } from '../views/find-incident.ts'
import { ProcessLine, processLines } from '../views/process.ts'

const budget = 4_800
const mostAlerts = 200

/** Which process started which. */
export const getProcessTreeTool = tool({
  name: 'get_process_tree',
  toolset: 'alerts',
  title: 'Process tree',
  description:
    'Which process started which, as alerts of an incident tell it, or around one alert: a line each, deeper lines below what started them. Only processes that alerts name are in it; others ran too. Use it to see how an intruder came in and what they ran. For all that happened, in order, use get_timeline. Example: {"incident":"inc-1f9c04be2a"} or {"alert":"019ac2f0-…"}',
  input: z.object({ incident: IncidentId.optional(), alert: z.string().max(64).optional().describe('Its id') }),
  output: z.object({
    processes: z.array(ProcessLine),
    alerts: z.number().int().describe('How many alerts it was put together from'),
    ofAlerts: z.number().int().describe('How many there are; of many a sample is read'),
    more: More,
    freshness: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ incident, alert }, { db, clock }) => {
    if ((incident === undefined) === (alert === undefined)) throw new InputError('Give either `incident` or `alert`.')
    const { alerts, total, trees, scope } = incident === undefined ? await aroundAlert(db, alert ?? '') : await ofIncident(db, incident)
    const lines = processLines(trees)
    const processes = fitting(lines, budget)
    return {
      processes,
      alerts,
      ofAlerts: total,
      more: moreText(lines.length - processes.length, 'ask for the tree of one alert'),
      freshness: await watchedBy({ db, clock }, scope),
    }
  },
})

type Told = { alerts: number; total: number; trees: ProcessNode[]; scope: string }

async function ofIncident(db: Queryable, given: string): Promise<Told> {
  const { id, alertCount, scope } = await incidentOf(db, given)
  const alerts = await sampled(db, id)
  return { alerts: alerts.length, total: alertCount, trees: processTrees(alerts), scope }
}

/** Of the incident's trees the one that the alert is in; not placed yet, its own alone. */
async function aroundAlert(db: Queryable, given: string): Promise<Told> {
  const alert = await alertOf(db, given)
  const [membership] = await membershipsOf(db, { alertIds: [alert.id] })
  const others = membership === undefined ? [] : await sampled(db, membership.incidentId)
  const all = [...others.filter(({ id }) => id !== alert.id), alert].toSorted((a, b) =>
    a.eventNs < b.eventNs ? -1 : a.eventNs > b.eventNs ? 1 : 0,
  )
  const trees = processTrees(all).filter((tree) => has(tree, alert.id))
  return { alerts: all.length, total: all.length, trees, scope: alert.scope }
}
const has = (node: ProcessNode, id: string): boolean =>
  node.alerts.some((one) => one.id === id) || node.children.some((child) => has(child, id))

const sampled = async (db: Queryable, incidentId: string): Promise<Alert[]> =>
  getAlerts(db, sample(await alertCandidates(db, incidentId), mostAlerts))
