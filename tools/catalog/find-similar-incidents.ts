import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { shortId } from '../../domain/ids.ts'
import { IncidentState } from '../../domain/incident.ts'
import { Severity } from '../../domain/severity.ts'
import { getEntities } from '../../store/entities.ts'
import type { Queryable } from '../../store/database.ts'
import { causesOf, type Compared, processesOf, sharingIncidents, type Similar } from '../../store/similar-incidents.ts'
import { type PersonsVerdict, verdictsOn } from '../../store/verdicts.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { IncidentMeant, incidentMeant } from '../views/find-incident.ts'
import { VerdictRow, verdictRow } from '../views/incident.ts'

const Shared = z.object({
  rules: z.array(Quoted),
  techniques: z.array(z.string()),
  places: z.array(Quoted),
  processes: z.array(Quoted),
  causes: z.array(Quoted).describe('What the last reports of both say made it possible'),
})
/** A person's word makes an incident worth more than one that nobody looked at, though never more than one that is far more alike. */
const verdictWeighs = 15
/** So many that share something are looked at closely. */
const mostWeighed = 40

/** What happened before that looks like this. */
export const findSimilarIncidentsTool = tool({
  name: 'find_similar_incidents',
  toolset: 'incidents',
  title: 'Find similar incidents',
  description:
    'Incidents most like one: what they share (rules, techniques, places, processes, root causes), and the verdict a person gave; one with a verdict goes before others as alike. Use it to ask whether this happened before and what became of it. Alike is not related: only get_case_file says what belongs together. Example: {"incident":"inc-1f9c04be2a"}',
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
        likeness: z
          .number()
          .int()
          .describe('0 to 100: of all rules, techniques, places, processes and root causes of both, how much is shared'),
        shared: Shared,
        why: z.string().describe('In how many respects it is alike'),
        verdict: VerdictRow.nullable().describe(
          'A person’s last word on it; null: nobody gave one. It decides nothing about this incident',
        ),
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
    const ids = incidents.map(({ id }) => id)
    const processes = await processesOf(db, [about.id, ...ids])
    const causes = await causesOf(db, [about.id, ...ids])
    const verdicts = await verdictsOn(db, ids)
    signal.throwIfAborted()
    const of = (id: string) => ({ processes: processes.get(id) ?? [], causes: causes.get(id) ?? [] })
    const weighed = incidents
      .map((one) => ({ ...weigh(one, about, of(about.id), of(one.id)), verdict: verdicts.get(one.id) ?? null }))
      .sort((a, b) => rankOf(b) - rankOf(a) || (a.one.lastNs < b.one.lastNs ? 1 : -1) || (a.one.id < b.one.id ? 1 : -1))
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

type Weighed = { one: Similar; likeness: number; sharedProcesses: string[]; sharedCauses: string[]; verdict: PersonsVerdict | null }
type Side = { processes: readonly string[]; causes: readonly string[] }
const rankOf = ({ likeness, verdict }: Weighed): number => likeness + (verdict === null ? 0 : verdictWeighs)

/** Rules, places and what made it possible tell more than techniques, which many rules share, and processes, whose names anybody may choose. */
function weigh(one: Similar, about: Compared, own: Side, other: Side): Omit<Weighed, 'verdict'> {
  const sharedProcesses = other.processes.filter((name) => own.processes.includes(name))
  const sharedCauses = other.causes.filter((name) => own.causes.includes(name))
  const parts: [number, number, number][] = [
    [3, one.sharedRules.length, union(about.rules, one.rules)],
    [1, one.sharedTechniques.length, union(about.techniques, one.techniques)],
    [3, one.sharedEntities.length, union(about.entityIds, one.entityIds)],
    [2, sharedProcesses.length, union(own.processes, other.processes)],
    // What one of them knows nothing of tells neither for nor against.
    [3, sharedCauses.length, own.causes.length === 0 || other.causes.length === 0 ? 0 : union(own.causes, other.causes)],
  ]
  const told = parts.filter(([, , of]) => of > 0)
  const all = told.reduce((sum, [weight]) => sum + weight, 0)
  const likeness = told.reduce((sum, [weight, shared, of]) => sum + (weight * shared) / of, 0)
  return { one, sharedProcesses, sharedCauses, likeness: Math.round((100 * likeness) / Math.max(1, all)) }
}

function whyOf({ one, sharedProcesses, sharedCauses }: Weighed): string {
  const parts: [number, string][] = [
    [one.sharedRules.length, 'rule'],
    [one.sharedTechniques.length, 'technique'],
    [one.sharedEntities.length, 'place'],
    [sharedProcesses.length, 'process name'],
    [sharedCauses.length, 'root cause'],
  ]
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}${count === 1 ? '' : 's'}`)
  return `both have ${said.join(', ')}`
}
const union = (a: readonly unknown[], b: readonly unknown[]): number => new Set([...a, ...b]).size

async function placeNames(db: Queryable, ids: readonly bigint[]): Promise<Map<bigint, Quoted>> {
  const found = await getEntities(db, [...new Set(ids)])
  return new Map(
    found.map(({ id, kind, namespace, name }) => [BigInt(id), quote(`${kind} ${namespace === null ? '' : `${namespace}/`}${name}`, 120)]),
  )
}

const rowOf = (weighed: Weighed, names: ReadonlyMap<bigint, Quoted>) => {
  const { one, likeness, sharedProcesses, sharedCauses, verdict } = weighed
  return {
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
      causes: sharedCauses.slice(0, 8).map((name) => quote(name, 60)),
    },
    why: whyOf(weighed),
    verdict: verdict === null ? null : verdictRow(verdict),
  }
}
