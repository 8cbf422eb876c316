/** Counts alerts by day for the baseline, in the correlator’s transaction. Each event counts once, where it was last placed. */
import type { Lead } from '../domain/alert.ts'
import { baselineIds, changeDays, type DayChange, incidentsResting, pruneIncidentBaselines } from '../store/baseline.ts'
import type { Transaction } from '../store/database.ts'
import { notePaths } from '../store/image-paths.ts'
import type { Membership } from '../store/memberships.ts'
import { noteWatchedDays } from '../store/watched-days.ts'
import { countedAs, dayOf } from './baseline.ts'
import type { AlertContext } from './context.ts'
import { seenPaths, watchedDaysOf } from './observed.ts'

/** An alert as it is placed now, and what was concluded of it before. */
export type Placed = { alert: Lead; context: AlertContext; before: Pick<Membership, 'incidentId' | 'baseline' | 'sameAs'> | undefined }
export type CountedAs = { of: ReadonlyMap<string, bigint>; crowded: bigint[] }
/** An alert that turned out to tell only of what another one told. */
export type Linked = { alertId: string; incidentId: string; eventNs: bigint; baseline: bigint | null }

/** What each alert is counted as: for its membership to keep. */
export async function baselinesOf(tx: Transaction, placed: readonly Placed[]): Promise<CountedAs> {
  const { ids, crowded } = await baselineIds(
    tx,
    placed.map(({ alert, context }) => countedAs(alert, context)),
  )
  return { of: new Map(placed.map(({ alert }, at) => [alert.id, ids[at] ?? 0n])), crowded }
}

/** `incidentOf`: where each alert is now. Answers the incidents, besides theirs, that must be derived again: they began later, and rest on these days. */
export async function countDays(
  tx: Transaction,
  placed: readonly Placed[],
  { of, crowded }: CountedAs,
  { incidentOf, linked, now }: { incidentOf: ReadonlyMap<string, string>; linked: readonly Linked[]; now: Date },
): Promise<string[]> {
  const [isLinked, isPlaced] = [new Set(linked.map(({ alertId }) => alertId)), new Set(placed.map(({ alert }) => alert.id))]
  const changes = new DayChanges()
  const [added, left]: [{ incidentId: string; id: bigint }[], { incidentId: string; id: bigint }[]] = [[], []]
  for (const { alert, before } of placed) {
    const [id, incidentId] = [of.get(alert.id) ?? 0n, incidentOf.get(alert.id) ?? '']
    const was = before?.sameAs == null ? (before?.baseline ?? null) : null
    const counts = !isLinked.has(alert.id) && before?.sameAs == null
    changes.add(was, alert.eventNs, -1)
    if (counts) changes.add(id, alert.eventNs, 1)
    if (counts) added.push({ incidentId, id })
    if (was !== null && (!counts || was !== id)) left.push({ incidentId, id: was })
  }
  for (const { alertId, incidentId, eventNs, baseline } of linked) {
    if (isPlaced.has(alertId) || baseline === null) continue
    changes.add(baseline, eventNs, -1)
    left.push({ incidentId, id: baseline })
  }
  await changeDays(tx, changes.all(), added, now)
  await pruneIncidentBaselines(tx, left)
  await notePaths(tx, seenPaths(placed))
  const { fresh, later } = await noteWatchedDays(tx, watchedDaysOf(placed))
  // On a scope’s newest day nothing rests yet; what was linked may be of another scope.
  return incidentsResting(tx, { counted: later || linked.length > 0 ? changes.all() : [], watched: fresh, crowded })
}

class DayChanges {
  readonly #changes = new Map<string, DayChange>()
  add(id: bigint | null, eventNs: bigint, by: number): void {
    if (id === null) return
    const day = dayOf(eventNs)
    const change = this.#changes.get(`${id} ${day}`)
    if (change === undefined) this.#changes.set(`${id} ${day}`, { id, day, by })
    else change.by += by
  }
  all(): DayChange[] {
    return [...this.#changes.values()].filter(({ by }) => by !== 0)
  }
}
