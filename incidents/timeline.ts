/** What happened in an incident, in event order; what repeats is told once, with how often and until when. Pure. */
import type { Lead } from '../domain/alert.ts'

/** `others`: so many of the repeats were about another file or connection than the first. */
export type Entry<A extends Lead = Lead> = { alert: A; lastNs: bigint; times: number; others: number }

/** The same thing after so long is told again. */
const gapNs = 600_000_000_000n

export const placeOf = ({ pod, container, hostname }: Lead): string =>
  pod !== null ? `${pod.namespace}/${pod.name}` : container !== null ? (container.name ?? container.id.slice(0, 12)) : (hostname ?? '')
const kindOf = (alert: Lead): string =>
  `${alert.priority} ${alert.rule}\n${placeOf(alert)}\n${alert.process?.cmdline ?? alert.process?.name ?? ''}`
const about = ({ file, connection }: Lead): string => `${file}\n${connection?.serverIp}\n${connection?.serverPort}`

/** Entries of the longest beginning of these alerts (in event order) that is told in `most` of them; `taken`: how many alerts that are. */
export function entriesOf<A extends Lead>(alerts: readonly A[], most = Number.POSITIVE_INFINITY): { entries: Entry<A>[]; taken: number } {
  const entries: Entry<A>[] = []
  const open = new Map<string, Entry<A>>()
  for (const [taken, alert] of alerts.entries()) {
    const same = open.get(kindOf(alert))
    if (same !== undefined && alert.eventNs - same.lastNs <= gapNs) {
      same.times += 1
      same.lastNs = alert.eventNs
      if (about(alert) !== about(same.alert)) same.others += 1
      continue
    }
    if (entries.length >= most) return { entries, taken }
    const entry = { alert, lastNs: alert.eventNs, times: 1, others: 0 }
    entries.push(entry)
    open.set(kindOf(alert), entry)
  }
  return { entries, taken: alerts.length }
}
