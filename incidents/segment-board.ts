/** Segments under change within one batch: what is stored, and what replaces it. Nothing is written here. */
import type { JoinReason } from '../domain/incident.ts'
import { place, type Placed, scopeOf, type Segment, spaceOf } from './correlate.ts'

export class SegmentBoard {
  readonly #stored: ReadonlySet<Segment>
  readonly #current = new Map<string, Segment[]>()

  constructor(stored: readonly Segment[]) {
    this.#stored = new Set(stored)
    for (const segment of stored) this.#bucket(segment).push(segment)
  }

  touching(alert: Placed): Segment[] {
    const keys = new Set(alert.facts.map((fact) => `${scopeOf(alert, fact)}\n${spaceOf(fact)}\n${fact.key}`))
    return [...keys].flatMap((key) => this.#current.get(key) ?? [])
  }

  apply(replaced: readonly Segment[], written: readonly Segment[]): void {
    for (const segment of replaced) {
      const bucket = this.#bucket(segment)
      const at = bucket.indexOf(segment)
      if (at >= 0) bucket.splice(at, 1)
    }
    for (const segment of written) this.#bucket(segment).push(segment)
  }

  rename(merged: readonly string[], survivor: string): void {
    for (const bucket of this.#current.values())
      for (const [index, segment] of bucket.entries())
        if (merged.includes(segment.incidentId)) bucket[index] = { ...segment, incidentId: survivor }
  }

  /** Stored ones that are no longer as they were. */
  removed(): Segment[] {
    const current = new Set([...this.#current.values()].flat())
    return [...this.#stored].filter((segment) => !current.has(segment))
  }
  added(): Segment[] {
    return [...this.#current.values()].flat().filter((segment) => !this.#stored.has(segment))
  }

  #bucket(segment: Segment): Segment[] {
    const key = `${segment.scope}\n${segment.rule}\n${segment.key}`
    const bucket = this.#current.get(key) ?? []
    this.#current.set(key, bucket)
    return bucket
  }
}

/** The segments that alerts of one incident make, fact by fact, and for each alert why it joined those before it. */
export function segmentsOf(alerts: readonly Placed[], incidentId: string): { segments: Segment[]; reasons: Map<string, JoinReason[]> } {
  const board = new SegmentBoard([])
  const reasons = new Map<string, JoinReason[]>()
  for (const alert of alerts) {
    const placement = place(alert, board.touching(alert), () => incidentId)
    board.apply(placement.replaced, placement.written)
    reasons.set(alert.id, placement.reasons)
  }
  return { segments: board.added(), reasons }
}
