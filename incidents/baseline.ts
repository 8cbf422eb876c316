/**
 * What is normal in a place, from the days before: pure, and only from days strictly before the one it is asked for, so that the alerts of an incident
 * never make it usual, and the order in which alerts came makes no difference. It says; what follows from it is for severity.ts to decide.
 */
import type { Lead } from '../domain/alert.ts'
import { toDate } from '../domain/event-time.ts'
import { visible } from '../domain/untrusted.ts'
import { otherProcesses } from '../store/baseline.ts'
import type { SaidOf } from '../store/baseline-verdicts.ts'
import type { AlertContext } from './context.ts'

/** How many days back usual is counted. Baselines are kept three times as long, so that an incident of last month can be derived again. */
export const windowDays = 31
/** Whoever wants to be taken for noise must keep at it for so many days, and on so large a part of all days. */
const leastUsualDays = 7
const usualPart = 0.8

export type DayCount = { day: string; count: number }
/** `unknown`: nobody watched before. */
export type UsualLevel = 'unknown' | 'new' | 'rare' | 'recurring' | 'usual'
export type Usual = { count: number; days: number; ofDays: number; firstSeen: string | null; text: string; level: UsualLevel }
/** Days of which anything is known: those on which its scope had an alert; `placeSince`: since when the place itself had one. */
export type WatchedBefore = { watched: readonly string[]; placeSince: string | null }

/** `days`: on which it was seen; `at`: the day of the question (YYYY-MM-DD, UTC). */
export function usual(days: readonly DayCount[], at: string, { watched, placeSince }: WatchedBefore, said: readonly SaidOf[] = []): Usual {
  const from = dayBefore(at, windowDays)
  const seen = days.filter(({ day, count }) => day < at && count > 0)
  const counted = seen.filter(({ day }) => day >= from)
  const count = counted.reduce((sum, one) => sum + one.count, 0)
  const ofDays = new Set(
    [...watched, ...counted.map(({ day }) => day)].filter((day) => day >= from && day < at && day >= (placeSince ?? from)),
  ).size
  const firstSeen = seen.reduce<string | null>((first, { day }) => (first === null || day < first ? day : first), null)
  const counts = levelOf(counted.length, ofDays, firstSeen)
  const text = textOf(counts, count, counted.length, ofDays, firstSeen)
  const level = counts === 'usual' && said.some(isAttack) ? 'recurring' : counts
  return { count, days: counted.length, ofDays, firstSeen, level, text: [text, ...saidText(said)].join('; ') }
}

/** What a person called an attack is never usual, however often it comes. */
export const isAttack = ({ verdict }: SaidOf): boolean => verdict === 'true_positive'
const harmless: ReadonlySet<string> = new Set(['benign', 'false_positive'])
export const isHarmless = ({ verdict }: SaidOf): boolean => harmless.has(verdict)

/** “Ada called it benign on 2026-11-24, and so did 2 more”; what was called an attack comes first. */
function saidText(said: readonly SaidOf[]): string[] {
  const each = [said.filter(isAttack), said.filter((one) => !isAttack(one))]
  return each.flatMap(([last, ...more]) =>
    last === undefined
      ? []
      : [`${whoSaid(last)}${more.length === 0 ? '' : `; ${more.length} further ${more.length === 1 ? 'verdict' : 'verdicts'} of people`}`],
  )
}
/** “Ada called it a true positive on 2026-11-24” */
export const whoSaid = ({ by, verdict, at }: SaidOf, what = 'it'): string =>
  `${visible(by, 60)} called ${what} ${verdict.endsWith('_positive') ? 'a ' : ''}${verdict.replaceAll('_', ' ')} on ${at.slice(0, 10)}`

function levelOf(days: number, ofDays: number, firstSeen: string | null): UsualLevel {
  if (firstSeen === null) return ofDays === 0 ? 'unknown' : 'new'
  if (days >= leastUsualDays && days >= ofDays * usualPart) return 'usual'
  return days >= 3 ? 'recurring' : 'rare'
}

function textOf(level: UsualLevel, count: number, days: number, ofDays: number, firstSeen: string | null): string {
  const of = `${ofDays.toLocaleString('en')} ${ofDays === 1 ? 'day' : 'days'}`
  if (level === 'unknown') return 'not known: no earlier day was watched'
  if (level === 'new') return `not seen before on ${of} here`
  if (days === 0) return `not seen on ${of} here; before that since ${firstSeen ?? ''}`
  return `seen ${count.toLocaleString('en')} ${count === 1 ? 'time' : 'times'} on ${days} of ${of} here`
}

export const dayOf = (eventNs: bigint): string => toDate(eventNs).toISOString().slice(0, 10)
export const dayBefore = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10)

export type Counted = { scope: string; rule: string; place: string; process: string }

/** What an alert is counted as: its rule, where it was (the workload by its name, so that a new pod is no new place), and by which process. */
export const countedAs = (alert: Lead, context: AlertContext): Counted => ({
  scope: alert.scope,
  rule: alert.rule,
  place: placeOf(alert, context),
  process: processOf(alert),
})

function placeOf(alert: Lead, { pod, workload }: AlertContext): string {
  if (workload !== null) return named(String(workload.properties.workloadKind ?? 'workload'), `${workload.namespace}/${workload.name}`)
  if (pod !== null) return named('Pod', `${pod.namespace}/${pod.name}`)
  if (alert.pod !== null) return named('Pod', `${alert.pod.namespace}/${alert.pod.name}`)
  if (alert.container !== null) return named('container', alert.container.name ?? alert.container.id.slice(0, 12))
  return alert.hostname === null ? '' : named('host', alert.hostname)
}
const named = (kind: string, name: string): string => `${kind} ${name}`.slice(0, 400)

/** '' when the alert names none: then nobody can say that it is the same. */
function processOf({ process }: Lead): string {
  const path = process?.exepath?.replace(/ \(deleted\)$/, '')
  return (path === undefined || path === '' || path === '<NA>' ? (process?.name ?? '') : path).slice(0, 300)
}

/** One count that an incident has to do with. `crowded`: so many processes had this rule here that which one it was says nothing. */
export type NormalHere = Omit<Counted, 'scope'> & { crowded: boolean; usual: Usual; /** What people called it. */ said: SaidOf[] }
/** `here`: the least usual first, which is what is worth a look. `newPlaces`: of which nothing was ever reported before, though others were. */
export type Normal = {
  here: NormalHere[]
  newPlaces: string[]
  watchedDays: number
  whole: boolean
  /** The last verdict of a person on another incident in which all of this was: benign or a false positive, and nobody called any of it an attack. */
  harmless: SaidOf | null
}
export const nothingKnown: Normal = { here: [], newPlaces: [], watchedDays: 0, whole: true, harmless: null }

/** Which process it was is known, and says something. */
export const isToldApart = ({ process, crowded }: NormalHere): boolean => !crowded && process !== '' && process !== otherProcesses
/** The same thing by the same process on most days: only of this, and of what a person called harmless, may severity make less. */
export const isUsual = (one: NormalHere): boolean => one.usual.level === 'usual' && isToldApart(one)
