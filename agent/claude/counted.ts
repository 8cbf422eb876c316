/** Whether a number that a model reckoned is borne out by the records its sentence cites: how many of a thing they are or name, or how long between them. */
import type { EvidenceRef } from '../../domain/evidence.ts'
import type { CitedRecord, RecordValue } from '../../incidents/record-values.ts'
import { isInstantPath } from '../../incidents/sentence-parts.ts'
import type { Counted } from './numbers.ts'

type Kind = EvidenceRef['record']
/** What is counted of records, by the word for one: the records themselves, or what differs among them at a path. */
const things: Readonly<Record<string, readonly (readonly [Kind, string | null])[]>> = {
  alert: [['alert', null]],
  event: [['alert', null]],
  detection: [['alert', null]],
  pod: [['alert', 'pod']],
  rule: [
    ['alert', 'rule'],
    ['rule', null],
  ],
  host: [['alert', 'hostname']],
  node: [['alert', 'hostname']],
  image: [['alert', 'container.image']],
  container: [['alert', 'container.id']],
  command: [['alert', 'process.cmdline']],
  process: [
    ['alert', 'process.name'],
    ['alert', 'process.cmdline'],
  ],
  program: [['alert', 'process.name']],
  user: [['alert', 'process.user']],
  file: [['alert', 'file']],
  address: [['alert', 'connection.serverIp']],
  port: [['alert', 'connection.serverPort']],
  finding: [['finding', null]],
  flaw: [['finding', 'check']],
  vulnerability: [['finding', 'check']],
  weakness: [['finding', 'check']],
  package: [['finding', 'package']],
  incident: [['incident', null]],
  source: [['coverage', null]],
  sensor: [['coverage', null]],
  step: [['step', null]],
  proposal: [['proposal', null]],
  change: [['fix', null]],
  record: [],
}
/** Where records themselves say how many there are of a thing. */
const held: readonly (readonly [Kind, RegExp, RegExp])[] = [
  ['incident', /^alertCount$/u, /^(?:alert|event|detection|time)$/u],
  ['fix', /^findings$/u, /^(?:finding|flaw|vulnerability|weakness)$/u],
  ['fix', /^workloads$/u, /^(?:workload|deployment|place)$/u],
  ['entity', /replicas$/iu, /^(?:replica|pod|copy|instance)$/u],
]
const seconds: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3_600, day: 86_400, week: 604_800 }

/** `quotes`: values that the sentence quotes. The value that says so, if one does. */
export function borneOut(given: Counted, records: readonly CitedRecord[], quotes: ReadonlySet<string>): { by: EvidenceRef | null } | null {
  // “Two of the pods”: there may be more.
  const number: Counted = given.of[0] === 'of' ? { ...given, is: 'at least' } : given
  const words = number.of.map(singular)
  const of = words.flatMap((one, index) => [`${one}_${words[index + 1] ?? ''}`, one])
  const unit = words.slice(0, 2).find((name) => Object.hasOwn(seconds, name))
  if (unit !== undefined) return spans(records, (seconds[unit] ?? 1) * 1_000).some((span) => isAbout(span, number)) ? { by: null } : null
  const said = records.flatMap(({ record, id, values }) =>
    values.flatMap(({ path, value }) => {
      const fits = held.some(
        ([kind, at, name]) => kind === record && at.test(path) && (of.length === 0 || of.some((one) => name.test(one))),
      )
      return fits && /^\d+$/u.test(value) && agrees(Number(value), number) ? [{ record, id, path, value }] : []
    }),
  )
  if (said[0] !== undefined) return { by: said[0] }
  return countsOf(number, of, records, quotes).some((count) => agrees(count, number)) ? { by: null } : null
}

function countsOf({ text }: Counted, of: readonly string[], records: readonly CitedRecord[], quotes: ReadonlySet<string>): number[] {
  const thing = of.find((name) => Object.hasOwn(things, name) || records.some((record) => isA(record, name)))
  const perKind = [...Map.groupBy(records, ({ record }) => record).values()].map((those) => those.length)
  // In digits it may be a port, a user, anything.
  if (thing === undefined) return /\d/u.test(text) ? [] : [records.length, quotes.size, ...perKind]
  const named = (things[thing] ?? []).map(([kind, path]) => {
    const those = records.filter(({ record }) => record === kind)
    return path === null ? those.length : new Set(those.flatMap(({ values }) => at(values, path) ?? [])).size
  })
  return [...named, records.filter((record) => isA(record, thing)).length, quotes.size, ...(thing === 'record' ? [records.length] : [])]
}
const at = (values: readonly RecordValue[], path: string): string | undefined => values.find((one) => one.path === path)?.value
/** An inventory record of that kind: a pod, a Deployment, a service_account. */
const isA = ({ record, values }: CitedRecord, name: string): boolean =>
  record === 'entity' && [at(values, 'kind'), at(values, 'properties.workloadKind')].some((kind) => kind?.toLowerCase() === name)

const singular = (name: string): string =>
  name
    .replace(/ies$/u, 'y')
    .replace(/(?<=ss|sh|ch|x)es$/u, '')
    .replace(/(?<![su])s$/u, '')

const agrees = (count: number, { value, is }: Counted): boolean => {
  // That there is none of something is not told by what is cited.
  if (count === 0) return false
  if (is === 'at least') return count >= value
  if (is === 'at most') return count <= value && count > 0
  return is === 'about' ? Math.abs(count - value) <= Math.max(1, value / 10) : count === value
}
/** As people say how long something took: to the whole unit below or above. */
const isAbout = (span: number, { value, is }: Counted): boolean => {
  if (is === 'at least') return span >= value
  if (is === 'at most') return span <= value
  return is === 'about' ? Math.abs(span - value) <= Math.max(0.5, value / 10) : [Math.floor(span), Math.round(span)].includes(value)
}

/** Between any two moments that the records hold, in units. */
function spans(records: readonly CitedRecord[], unit: number): number[] {
  const moments = records.flatMap(({ values }) => values.flatMap(({ path, value }) => (isInstantPath(path) ? [Date.parse(value)] : [])))
  return moments.flatMap((from, at) => moments.slice(at + 1).map((to) => Math.abs(to - from) / unit)).filter((span) => !Number.isNaN(span))
}
