/**
 * Whether a vulnerable package is used: a file that a scanner attributes to it was run or opened while a sensor watched. There is no "unused": what
 * was not observed may have been used before, or where nobody watched.
 */
import { formatEventTime } from './event-time.ts'

/** `notObservedSinceNs` null: no sensor reports from where the image runs, or it is not known to run. */
export type InUse =
  { inUse: true; path: string; kind: 'exec' | 'open'; alertId: string; atNs: bigint } | { inUse: null; notObservedSinceNs: bigint | null }

/** In words. The path is a sensor’s text: show it as such. */
export function inUseText(one: InUse): string {
  if (one.inUse === true) return `in use: ${one.path} was ${one.kind === 'exec' ? 'run' : 'opened'} ${shortDay(one.atNs)}`
  if (one.notObservedSinceNs === null) return 'never watched: no sensor reports from where it runs'
  return `not observed since ${shortDay(one.notObservedSinceNs)}`
}

/** Where only packages in use were asked for, and there are none. */
export const noneSeenInUse =
  'Of no package in these findings was a file seen run or opened. That is not to say that they are unused: alerts show little of what runs.'

const shortDay = (ns: bigint): string => `${formatEventTime(ns).slice(0, 16).replace('T', ' ')} UTC`
