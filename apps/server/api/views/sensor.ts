/** How the API shows what sensors say of themselves. Counts are strings of digits: Falco counts in 64 bits. */
import { z } from 'zod'
import { formatEventTime } from '../../../../domain/event-time.ts'
import type { Gap } from '../../../../store/internal-messages.ts'
import type { Sensor } from '../../../../store/sensors.ts'
import { time } from './fields.ts'

const digits = z.string().regex(/^\d+$/)
export const GapView = z.object({
  from: time,
  to: time,
  messages: z.number().int().describe('How many messages of the sensor say so'),
  dropped: digits.describe('At least so many system calls were not seen'),
  events: digits.describe('Of so many'),
})
export const SensorView = z.object({
  source: z.string().nullable(),
  scope: z.string(),
  hostname: z.string().describe('Empty where the sensor does not say'),
  eventSource: z.string().describe('syscall, or the name of a plug-in’s source'),
  messages: z.number().int(),
  firstHeardAt: time,
  lastHeardAt: time,
  notObservedSince: time.nullable().describe('Set when nothing was heard for two hours: nothing is known since then'),
  snapshot: z
    .object({
      at: time,
      falcoVersion: z.string().nullable(),
      kernel: z.string().nullable(),
      engine: z.string().nullable(),
      startedAt: time.nullable(),
      events: digits.nullable().describe('Since it started; null: it does not say'),
      dropped: digits.nullable().describe('Of these events, not seen; null: it does not say, which is not none'),
      alertsDropped: digits.nullable().describe('Alerts that Falco made and could not hand on'),
    })
    .nullable()
    .describe('The newest metrics snapshot'),
  drops: z
    .object({ messages: z.number().int(), dropped: digits, events: digits, from: time, to: time })
    .nullable()
    .describe('The sum of all its messages about dropped events'),
  gaps: z.array(GapView).describe('The newest stretches in which events were dropped'),
})

export const gapView = ({ fromNs, toNs, messages, dropped, events }: Gap): z.infer<typeof GapView> => ({
  from: formatEventTime(fromNs),
  to: formatEventTime(toNs),
  messages,
  dropped: String(dropped),
  events: String(events),
})
const text = (value: bigint | null): string | null => (value === null ? null : String(value))

export const sensorView = (sensor: Sensor, silentBeforeNs: bigint): z.infer<typeof SensorView> => {
  const { snapshot, drops } = sensor
  return {
    source: sensor.sourceName,
    scope: sensor.scope,
    hostname: sensor.hostname,
    eventSource: sensor.eventSource,
    messages: sensor.messages,
    firstHeardAt: formatEventTime(sensor.firstNs),
    lastHeardAt: formatEventTime(sensor.lastNs),
    notObservedSince: sensor.lastNs < silentBeforeNs ? formatEventTime(sensor.lastNs) : null,
    snapshot: snapshot && {
      at: formatEventTime(snapshot.atNs),
      falcoVersion: snapshot.version,
      kernel: snapshot.kernel,
      engine: snapshot.engine,
      startedAt: snapshot.startedNs === null ? null : formatEventTime(snapshot.startedNs),
      events: text(snapshot.events),
      dropped: text(snapshot.dropped),
      alertsDropped: text(snapshot.queueDropped),
    },
    drops: drops && {
      messages: drops.messages,
      dropped: String(drops.dropped),
      events: String(drops.events),
      from: formatEventTime(drops.firstNs),
      to: formatEventTime(drops.lastNs),
    },
    gaps: sensor.gaps.map(gapView),
  }
}
