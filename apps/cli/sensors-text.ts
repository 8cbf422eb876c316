/** What sensors say of themselves, as lines for a terminal. Where a count is missing nothing is claimed. */
import { safe, shortTime, table } from './output.ts'
import type { SensorRow } from './rows.ts'

export type SensorsAnswer = { sensors: SensorRow[]; total: number; dropping: number; silent: number }

export function sensorTable({ sensors, total, dropping, silent }: SensorsAnswer): string {
  if (total === 0)
    return 'No sensor has told of itself. Falco does when falco.yaml has metrics.enabled with output_rule, and syscall_event_drops.actions with alert.'
  const rows = sensors.map((one) => [
    safe(one.hostname === '' ? '(no name)' : one.hostname, 60),
    safe(one.scope, 40),
    one.eventSource === 'syscall' ? 'system calls' : safe(one.eventSource, 40),
    safe(one.snapshot?.falcoVersion ?? 'not told', 40),
    `${one.notObservedSince === null ? '' : 'not observed since '}${shortTime(one.lastHeardAt)}`,
    dropped(one),
  ])
  const more = total - sensors.length
  return [
    table(['host', 'cluster', 'watches', 'falco', 'last heard (UTC)', 'dropped'], rows),
    `${total} ${total === 1 ? 'sensor' : 'sensors'}: ${dropping} dropped events, ${silent} not observed for two hours.${more > 0 ? ` ${more} more: falconer sources sensors --limit 1000` : ''}`,
  ].join('\n')
}

function dropped({ gaps, drops, snapshot }: SensorRow): string {
  const says = gaps.map(
    (gap) => `${number(gap.dropped)} of ${number(gap.events)} events between ${shortTime(gap.from)} and ${shortTime(gap.to)}`,
  )
  if (drops !== null && drops.messages > gaps.reduce((sum, gap) => sum + gap.messages, 0))
    says.push(`${number(drops.dropped)} of ${number(drops.events)} in all since ${shortTime(drops.from)}`)
  if (snapshot !== null && snapshot.dropped !== null && (snapshot.dropped !== '0' || says.length === 0))
    says.push(`${number(snapshot.dropped)} of ${number(snapshot.events ?? '0')} events since its start, until ${shortTime(snapshot.at)}`)
  if (snapshot !== null && snapshot.alertsDropped !== null && snapshot.alertsDropped !== '0')
    says.push(`${number(snapshot.alertsDropped)} alerts it could not hand on`)
  return says.length === 0 ? 'not told' : says.join('; ')
}

const number = (digits: string): string => BigInt(digits).toLocaleString('en')
