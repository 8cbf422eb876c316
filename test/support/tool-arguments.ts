/** Valid calls of every tool, made from its own input schema and what the store holds: ids by the names of parameters, and what only some tools take. */
import { z } from 'zod'
import { searchAlerts } from '../../store/alert-search.ts'
import { listEntities } from '../../store/entities.ts'
import { listFindings } from '../../store/finding-search.ts'
import { listFixes } from '../../store/fixes.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import type { Tool } from '../../tools/tool.ts'
import type { Site } from './site.ts'

const nouns = ['incident', 'alert', 'finding', 'entity', 'proposal', 'fix'] as const
export type Known = Record<(typeof nouns)[number], string[]> & {
  /** What free parameters are tried with. */ words: string[]
  texts: string[]
  rules: string[]
}
export type Arguments = Record<string, unknown>

export async function knownOf(
  { db, clock }: Pick<Site, 'db' | 'clock'>,
  texts: readonly string[],
  words: readonly string[],
  most = 80,
): Promise<Known> {
  const alerts = (await searchAlerts(db, {}, { limit: 500 })).alerts
  return {
    incident: (await listIncidents(db, {}, { limit: most })).incidents.map(({ id }) => id),
    alert: alerts.map(({ id }) => id),
    finding: (await listFindings(db, clock.now(), {}, { limit: most })).findings.map(({ id }) => id),
    entity: (await Promise.all((['pod', 'image', 'workload', 'node'] as const).map((kind) => listEntities(db, { kind, limit: most }))))
      .flat()
      .map(({ id }) => String(id)),
    proposal: (await listProposals(db, {}, most)).map(({ id }) => id),
    fix: (await listFixes(db, {}, { limit: most })).fixes.map(({ id }) => id),
    words: [...words],
    texts: [...texts],
    rules: [...new Set(alerts.map(({ rule }) => rule))].slice(0, most),
  }
}

type Json = { type?: string; maximum?: number; enum?: unknown[] }

/** At least one; all of them valid. */
export function callsOf(tool: Tool, known: Known): Arguments[] {
  const { properties = {}, required = [] } = schemaOf(tool)
  const given = Object.entries(properties).flatMap(([name]) => {
    const values = valuesOf(tool.name, name, known)
    return values === undefined || values.length === 0 ? [] : [{ name, values, needed: required.includes(name) }]
  })
  const widest: Arguments = {
    ...(properties.limit?.maximum === undefined ? {} : { limit: properties.limit.maximum }),
    ...(properties.detail?.enum?.includes('full') === true ? { detail: 'full' } : {}),
  }
  const needed = given.filter((one) => one.needed)
  const length = Math.max(1, ...needed.map(({ values }) => values.length))
  const must = Array.from({ length }, (_, at) => Object.fromEntries(needed.map(({ name, values }) => [name, values[at % values.length]])))
  // What may be given is given one at a time, beside what must be.
  const may = given
    .filter((one) => !one.needed)
    .flatMap(({ name, values }) => some(values, 30).map((value, at) => ({ ...must[at % must.length], ...widest, [name]: value })))
  return [exampleCall(tool, known), ...some(must, 10), ...must.map((one) => ({ ...one, ...widest })), ...may]
}

/** Spread over all of them. */
const some = <T>(those: readonly T[], most: number): T[] => those.filter((_one, at) => at % Math.ceil(those.length / most) === 0)

/** The call that the description shows, asked of what there is here. */
const exampleCall = (tool: Tool, known: Known): Arguments =>
  Object.fromEntries(
    Object.entries(exampleOf(tool)).map(([name, value]) => [
      name,
      (nounOf(tool.name, name) === undefined ? null : valuesOf(tool.name, name, known)?.[0]) ?? value,
    ]),
  )

/** What stands behind “Example:”. */
export function exampleOf({ name, description }: Pick<Tool, 'name' | 'description'>): Arguments {
  const text = description.slice(description.indexOf('Example'))
  const begin = text.indexOf('{')
  const ends = [...text.matchAll(/\}/g)].map(({ index }) => index + 1).filter((end) => end > begin)
  for (const end of begin < 0 ? [] : ends)
    try {
      return JSON.parse(text.slice(begin, end)) as Arguments
    } catch {
      // A brace inside; the next one may close it.
    }
  throw new Error(`${name} shows no example`)
}

const schemaOf = ({ input }: Tool) =>
  z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as { properties?: Record<string, Json>; required?: string[] }

const nounOf = (tool: string, name: string): (typeof nouns)[number] | undefined => nouns.find((one) => one === name)

/** Undefined: nothing to try, the parameter is left out. */
function valuesOf(tool: string, name: string, known: Known): unknown[] | undefined {
  const noun = nounOf(tool, name)
  if (noun !== undefined) return known[noun]
  const fields = ['rule', 'process', 'namespace', 'pod', 'fields.proc.cmdline', 'fields.fd.name', 'fields.user.name', 'fields.evt.args']
  const values: Record<string, unknown[]> = {
    from: tool === 'find_attack_paths' ? known.entity : [],
    entityId: known.entity,
    node: known.entity,
    query: known.words,
    q: known.words,
    text: tool.startsWith('add_') ? known.texts : known.words,
    note: known.texts,
    reason: known.texts,
    rule: known.rules,
    field: fields,
    by: fields.map((field) => [field]),
    action: ['kubernetes.isolate_pod', 'kubernetes.collect_logs'],
    verdict: ['true_positive', 'benign'],
    status: tool === 'list_findings' ? ['any'] : [],
    kind: tool === 'get_coverage' ? ['source', 'sensor', 'scan', 'destination', 'knowledge'] : [],
    sql: [
      'select * from alerts limit 100',
      'select * from findings limit 100',
      'select * from incidents',
      'select * from entities limit 100',
    ],
  }
  return values[name]
}
