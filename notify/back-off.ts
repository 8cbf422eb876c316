/** How long a destination that fails is left alone: twice as long each time, or as it asks; spread, so that many who wait do not come back together. */
import type { Clock } from '../domain/clock.ts'

/** A server holds a destination for so long: longer than any channel waits for an answer. */
export const holdMs = 60_000
const leastMs = 1_000
const mostMs = 5 * 60_000
const mostAskedMs = 24 * 3_600_000

export const later = (clock: Clock, ms: number): Date => new Date(clock.now().getTime() + ms)

export const backOff = (failures: number, most: number): number =>
  Math.min(most, leastMs * 2 ** Math.min(failures, 20)) * (0.75 + Math.random() / 4)

/** Of one that takes nothing at all. `asked`: by its own Retry-After. */
export const failingMs = (failures: number, asked: number): number => Math.max(Math.min(asked, mostAskedMs), backOff(failures, mostMs))
