/** Quiet hours: from a time of day to another, in one time zone, also past midnight. Read off that zone's own clock, so that they stay where people sleep. */
import { z } from 'zod'

const zones = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
const time = /^([01]\d|2[0-3]):([0-5]\d)$/

export const QuietHours = z.strictObject({
  from: z.string().regex(time, 'is a time of day, e.g. "22:00"'),
  to: z.string().regex(time, 'is a time of day, e.g. "07:00"'),
  zone: z.string().refine(zones, 'is no time zone that is known here, e.g. Europe/Berlin'),
})
export type QuietHours = z.infer<typeof QuietHours>

export function isQuiet(hours: QuietHours | null, at: Date): boolean {
  if (hours === null) return false
  const now = minutesIn(hours.zone, at)
  const [from, to] = [minutes(hours.from), minutes(hours.to)]
  return from <= to ? now >= from && now < to : now >= from || now < to
}

/** All the time from one moment to a later one. */
export function isQuietUntil(hours: QuietHours | null, from: Date, until: Date): boolean {
  for (let at = from.getTime(); at < until.getTime(); at += minuteMs) if (!isQuiet(hours, new Date(at))) return false
  return isQuiet(hours, until)
}
const minuteMs = 60_000

const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

/** One each: to make one costs far more than to ask it. */
const clocks = new Map<string, Intl.DateTimeFormat>()

function minutesIn(zone: string, at: Date): number {
  const clock =
    clocks.get(zone) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  clocks.set(zone, clock)
  return minutes(clock.format(at))
}
