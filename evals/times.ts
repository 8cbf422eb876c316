/** The times of a scenario’s records, all of them moved alike: Falco’s to the nanosecond, the API server’s to the microsecond, CloudTrail’s to the second. */
import { formatEventTime, parseEventTime } from '../domain/event-time.ts'
import type { Document, FalcoDocument, Scenario } from './scenario.ts'

export const timeOf = (alert: FalcoDocument): bigint => parseEventTime(alert.time) ?? 0n
const timed = ['requestReceivedTimestamp', 'stageTimestamp', 'eventTime'] as const
const timeOfLog = (entry: Document): bigint => parseEventTime(String(entry.requestReceivedTimestamp ?? entry.eventTime)) ?? 0n

/** Of everything that was recorded as it happened. */
export const recordedTimes = ({ alerts, audit, cloudtrail }: Pick<Scenario, 'alerts' | 'audit' | 'cloudtrail'>): bigint[] => [
  ...alerts.map(timeOf),
  ...[...audit, ...cloudtrail].map(timeOfLog),
]
export const latest = (times: readonly bigint[]): bigint => times.reduce((found, time) => (time > found ? time : found), 0n)

export function withTimes<T extends Pick<Scenario, 'alerts' | 'audit' | 'cloudtrail' | 'trivy'>>(
  scenario: T,
  move: (ns: bigint) => bigint,
): T {
  const { trivy, alerts, audit, cloudtrail } = scenario
  const moveLog = (entry: Document): Document => {
    const by = move(timeOfLog(entry)) - timeOfLog(entry)
    const moved = timed.flatMap((field) => {
      const ns = parseEventTime(String(entry[field] ?? ''))
      return ns === undefined ? [] : [[field, written(ns + by, String(entry[field]))] as const]
    })
    return { ...entry, ...Object.fromEntries(moved) }
  }
  return {
    ...scenario,
    trivy: trivy === null ? null : { ...trivy, CreatedAt: formatEventTime(move(parseEventTime(trivy.CreatedAt) ?? 0n)) },
    audit: audit.map(moveLog),
    cloudtrail: cloudtrail.map(moveLog),
    alerts: alerts.map((alert) => {
      const ns = move(timeOf(alert))
      // Falco writes all nine digits, and begins its prose with the time of day.
      const time = `${formatEventTime(ns).slice(0, 19)}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`
      const output = alert.output.replace(/^\d\d:\d\d:\d\d\.\d{9}/, time.slice(11, 29))
      return { ...alert, time, output, output_fields: { ...alert.output_fields, 'evt.time': ns } }
    }),
  }
}

/** With as many digits of a second as it was written with. */
function written(ns: bigint, as: string): string {
  const digits = /\.(\d+)Z$/.exec(as)?.[1]?.length ?? 0
  const part = (ns % 1_000_000_000n).toString().padStart(9, '0').slice(0, digits)
  return `${formatEventTime(ns).slice(0, 19)}${digits === 0 ? '' : `.${part}`}Z`
}
