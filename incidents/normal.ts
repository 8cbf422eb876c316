/** What was normal before an incident or an alert, read from the store: for severity, pages and the case file, all the same. */
import type { Queryable } from '../store/database.ts'
import { type CountedDays, countsOfAlerts, countsOfIncidents, mostCounts } from '../store/baseline-counts.ts'
import { watchedDays } from '../store/watched-days.ts'
import type { SaidOf } from '../store/baseline-verdicts.ts'
import {
  dayBefore,
  dayOf,
  isAttack,
  isHarmless,
  type Normal,
  type NormalHere,
  nothingKnown,
  type Usual,
  usual,
  windowDays,
} from './baseline.ts'

type Began = { id: string; scope: string; firstNs: bigint }

/** Before the day on which each of these incidents began. Two statements, and one for each of their scopes. */
export async function normalBefore(db: Queryable, incidents: readonly Began[]): Promise<Map<string, Normal>> {
  const watched = await watchedOf(db, new Set(incidents.map(({ scope }) => scope)))
  const days = new Map(incidents.map(({ id, firstNs }) => [id, dayOf(firstNs)]))
  // Where nobody watched before, nothing that was counted says anything.
  const asked = incidents.filter(({ id, scope }) => watchedBefore(watched.get(scope) ?? [], days.get(id) ?? '').length > 0)
  const counts = Map.groupBy(
    await countsOfIncidents(
      db,
      asked.map(({ id }) => ({ incidentId: id, day: days.get(id) ?? '' })),
    ),
    ({ tag }) => tag,
  )
  return new Map(
    incidents.map(({ id, scope }) => [
      id,
      normalOf(
        (counts.get(id) ?? []).map((one) => withoutOwn(one, id)),
        days.get(id) ?? '',
        watched.get(scope) ?? [],
      ),
    ]),
  )
}

/** How usual each of these alerts was before its day; without an answer for one that was not placed yet. */
export async function usualOfAlerts(
  db: Queryable,
  alerts: readonly { id: string; scope: string; eventNs: bigint }[],
): Promise<Map<string, Usual>> {
  const counts = new Map(
    (
      await countsOfAlerts(
        db,
        alerts.map(({ id }) => id),
      )
    ).map((one) => [one.tag, one]),
  )
  const watched = await watchedOf(db, new Set([...counts.values()].map(({ scope }) => scope)))
  return new Map(
    alerts.flatMap(({ id, eventNs }) => {
      const one = counts.get(id)
      return one === undefined
        ? []
        : [[id, usual(one.days, dayOf(eventNs), { watched: watched.get(one.scope) ?? [], placeSince: one.placeSince }, one.said)] as const]
    }),
  )
}

export async function watchedOf(db: Queryable, scopes: ReadonlySet<string>): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const scope of scopes) found.set(scope, await watchedDays(db, scope))
  return found
}

const watchedBefore = (watched: readonly string[], day: string): string[] =>
  watched.filter((one) => one < day && one >= dayBefore(day, windowDays))

function normalOf(counts: readonly CountedDays[], day: string, watched: readonly string[]): Normal {
  const before = watchedBefore(watched, day)
  if (before.length === 0) return nothingKnown
  const here = counts
    .slice(0, mostCounts)
    .map(({ rule, place, process, crowded, days, placeSince, said }): NormalHere => ({
      rule,
      place,
      process,
      crowded,
      said,
      usual: usual(days, day, { watched, placeSince }, said),
    }))
    .toSorted((a, b) => a.usual.days - b.usual.days || a.usual.count - b.usual.count)
  const newPlaces = [...new Set(counts.filter(({ placeSince }) => placeSince === null).map(({ place }) => place))]
  return { here, newPlaces, watchedDays: before.length, whole: counts.length <= mostCounts, harmless: calledHarmless(here) }
}

/** That a person called an incident harmless makes it no less itself: its own verdict is none on what was before. That it is an attack counts. */
const withoutOwn = (count: CountedDays, incidentId: string): CountedDays => ({
  ...count,
  said: count.said.filter((one) => one.incident !== incidentId || isAttack(one)),
})

/** One verdict that is of all of it: of things that were called harmless one by one nobody has seen them together. */
function calledHarmless(here: readonly NormalHere[]): SaidOf | null {
  const [first, ...rest] = here
  if (first === undefined || here.some(({ said }) => said.some(isAttack))) return null
  return (
    first.said.filter(isHarmless).find(({ decision }) => rest.every(({ said }) => said.some((one) => one.decision === decision))) ?? null
  )
}
