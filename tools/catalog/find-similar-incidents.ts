import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { shortId } from '../../domain/ids.ts'
import { IncidentState } from '../../domain/incident.ts'
import { Severity } from '../../domain/severity.ts'
import { getEntities } from '../../store/entities.ts'
import type { Queryable } from '../../store/database.ts'
import { processesOf, sharingIncidents, type Similar } from '../../store/similar-incidents.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { IncidentMeant, incidentMeant } from '../views/find-incident.ts'

const Shared = z.object({ rules: z.array(Quoted), techniques: z.array(z.string()), places: z.array(Quoted), processes: z.array(Quoted) })
/** So many that share something are looked at closely. */
const mostWeighed = 40

/** What happened before that looks like this. */
export const findSimilarIncidentsTool = tool({
  name: 'find_similar_incidents',
  toolset: 'incidents',
  title: 'Find similar incidents',
  description:
    'Incidents that share rules, techniques, places or processes with one, the most alike first, each with what exactly is shared. Use it to ask whether this happened before and what became of it. Alike is not related: only get_case_file says what belongs together. Example: {"incident":"inc-1f9c04be2a"}',
  input: z.object({ incident: IncidentMeant, limit: z.number().int().min(1).max(20).default(5) }),
  output: z.object({
    incident: z.string(),
    similar: z.array(
      z.object({
        id: z.string(),
        title: Quoted,
        severity: Severity,
        state: IncidentState,
        cluster: z.string(),
        from: z.string(),
        likeness: z.number().int().describe('0 to 100: of all rules, techniques, places and processes of both, how much is shared'),
        shared: Shared,
      }),
    ),
    compared: z.number().int().describe('With so many of the newest incidents'),
    more: More,
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: false,
  run: async ({ incident, limit }, context) => {
    const { db, signal, progress } = context
    const about = await incidentMeant(context, incident)
    progress(0, 2, 'comparing rules, techniques and places')
    const { incidents, compared } = await sharingIncidents(db, about, { limit: mostWeighed })
    signal.throwIfAborted()
    progress(1, 2, 'comparing processes')
    const processes = await processesOf(db, [about.id, ...incidents.map(({ id }) => id)])
    signal.throwIfAborted()
    const own = processes.get(about.id) ?? []
    const weighed = incidents
      .map((one) => weigh(one, { about, own, processes: processes.get(one.id) ?? [] }))
      .sort((a, b) => b.likeness - a.likeness || (a.one.lastNs < b.one.lastNs ? 1 : -1) || (a.one.id < b.one.id ? 1 : -1))
    const names = await placeNames(
      db,
      weighed.slice(0, limit).flatMap(({ one }) => one.sharedEntities.slice(0, 5)),
    )
    const similar = fitting(weighed.slice(0, limit).map((each) => rowOf(each, names)))
    return {
      incident: shortId('incident', about.id),
      similar,
      compared,
      more: moreText(weighed.length - similar.length, 'ask with a higher limit'),
    }
  },
})

type Weighed = { one: Similar; likeness: number; sharedProcesses: string[] }
type Sides = {
  about: { rules: readonly string[]; techniques: readonly string[]; entityIds: readonly bigint[] }
  own: readonly string[]
  processes: readonly string[]
}

/** Rules and places tell more than techniques, which many rules share, and processes, whose names anybody may choose. */
function weigh(one: Similar, { about, own, processes }: Sides): Weighed {
  const sharedProcesses = processes.filter((name) => own.includes(name))
  const parts: [number, number, number][] = [
    [3, one.sharedRules.length, union(about.rules, one.rules)],
    [1, one.sharedTechniques.length, union(about.techniques, one.techniques)],
    [3, one.sharedEntities.length, union(about.entityIds, one.entityIds)],
    [2, sharedProcesses.length, union(own, processes)],
  ]
  const told = parts.filter(([, , of]) => of > 0)
  const all = told.reduce((sum, [weight]) => sum + weight, 0)
  const likeness = told.reduce((sum, [weight, shared, of]) => sum + (weight * shared) / of, 0)
  return { one, sharedProcesses, likeness: Math.round((100 * likeness) / Math.max(1, all)) }
}
const union = (a: readonly unknown[], b: readonly unknown[]): number => new Set([...a, ...b]).size

async function placeNames(db: Queryable, ids: readonly bigint[]): Promise<Map<bigint, Quoted>> {
  const found = await getEntities(db, [...new Set(ids)])
  return new Map(
    found.map(({ id, kind, namespace, name }) => [BigInt(id), quote(`${kind} ${namespace === null ? '' : `${namespace}/`}${name}`, 120)]),
  )
}

const rowOf = ({ one, likeness, sharedProcesses }: Weighed, names: ReadonlyMap<bigint, Quoted>) => ({
  id: shortId('incident', one.id),
  title: quote(one.title, 120),
  severity: one.severity,
  state: one.state,
  cluster: one.scope,
  from: formatEventTime(one.firstNs),
  likeness,
  shared: {
    rules: one.sharedRules.slice(0, 8).map((rule) => quote(rule, 100)),
    techniques: one.sharedTechniques.slice(0, 8),
    places: one.sharedEntities.slice(0, 5).flatMap((id) => names.get(id) ?? []),
    processes: sharedProcesses.slice(0, 8).map((name) => quote(name, 60)),
  },
})
