/**
 * The cheapest path from the internet to each place, and what it goes in by. Of equally cheap ones the shortest, then by the name of the door, never by
 * row: the same records give the same answer in whatever order they came.
 */
import type { Entity, EntityRef } from '../../domain/entity.ts'
import { stepsBetween } from '../../store/attack-steps.ts'
import type { Transaction } from '../../store/database.ts'
import { getEntities } from '../../store/entities.ts'
import { idsOf, refKey } from '../../store/relations.ts'
import type { Way } from '../../store/risk-places.ts'
import { namedNode } from '../ask.ts'
import { shownIn } from '../evidence.ts'

/** What one leads to, and at what cost. */
export type Next = Map<bigint, { to: bigint; cost: number }[]>
/** `door`: by its rank. */
type Found = { cost: number; moves: number; door: number }

export async function waysFrom(tx: Transaction, next: Next, start: Entity, places: readonly bigint[]): Promise<Map<bigint, Way>> {
  const doors = (await getEntities(tx, [...new Set((next.get(start.id) ?? []).map(({ to }) => to))])).toSorted((a, b) =>
    refKey(a) < refKey(b) ? -1 : 1,
  )
  const found = cheapestFrom(next, start.id, new Map(doors.map(({ id }, rank) => [id, rank])))
  const used = new Set(places.flatMap((id) => found.get(id)?.door ?? []))
  const shownBy = await openedBy(
    tx,
    start,
    doors.filter((_, rank) => used.has(rank)),
  )
  return new Map(
    places.flatMap((id) => {
      const { moves, door: rank } = found.get(id) ?? { moves: 0, door: -1 }
      const door = doors[rank]
      return door === undefined ? [] : [[id, { by: namedNode(door).title, shownBy: shownBy.get(door.id) ?? null, moves }]]
    }),
  )
}

/** Costs are small whole numbers: one list for each cost. Within a cost the fewest moves come first, for none of them costs less than nothing. */
export function cheapestFrom(next: Next, start: bigint, rankOf: ReadonlyMap<bigint, number>): Map<bigint, Found> {
  const found = new Map<bigint, Found>()
  const waiting: { id: bigint; way: Found }[][] = []
  const put = (id: bigint, way: Found): void => {
    const known = found.get(id)
    if (id === start || (known !== undefined && !isBetter(way, known))) return
    found.set(id, way)
    ;(waiting[way.cost] ??= []).push({ id, way })
  }
  for (const { to, cost } of next.get(start) ?? []) put(to, { cost, moves: 1, door: rankOf.get(to) ?? 0 })
  for (let cost = 0; cost < waiting.length; cost += 1)
    // What follows at no cost is added to this very list.
    for (const { id, way } of waiting[cost] ?? [])
      if (found.get(id) === way)
        for (const step of next.get(id) ?? []) put(step.to, { cost: cost + step.cost, moves: way.moves + 1, door: way.door })
  return found
}

const isBetter = (a: Found, b: Found): boolean => (a.cost - b.cost || a.moves - b.moves || a.door - b.door) < 0

/** The field of a record that shows that each of these is open. */
async function openedBy(tx: Transaction, { id: src }: Entity, doors: readonly Entity[]): Promise<Map<bigint, NonNullable<Way['shownBy']>>> {
  const steps = await stepsBetween(
    tx,
    doors.map(({ id: dst }) => ({ src, dst })),
    null,
  )
  const shown = steps.flatMap(({ dst, evidence: [first] }) => (first !== undefined && 'path' in first ? [{ dst, first }] : []))
  const refs = new Map<string, EntityRef>(shown.map(({ first: { entity } }) => [refKey(entity), entity]))
  const ids = new Map(await idsOf(tx, [...refs]))
  return new Map(
    shown.toReversed().flatMap(({ dst, first }) => {
      const id = ids.get(refKey(first.entity))
      return id === undefined ? [] : [[dst, shownIn(id, first)]]
    }),
  )
}
