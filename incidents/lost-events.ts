/** What sensors lost while it went on: on the hosts of its alerts, from ten minutes before to ten minutes after. What they did not see cannot be denied. */
import type { Alert } from '../domain/alert.ts'
import type { Queryable } from '../store/database.ts'
import { listSensors } from '../store/sensors.ts'

export type LostEvents = { hostname: string; fromNs: bigint; toNs: bigint; dropped: bigint }

const aroundNs = 600_000_000_000n
const mostSensors = 5_000

export async function lostAround(
  db: Queryable,
  { scope, firstNs, lastNs, alerts }: { scope: string; firstNs: bigint; lastNs: bigint; alerts: readonly Pick<Alert, 'hostname'>[] },
): Promise<LostEvents[]> {
  const hosts = new Set(alerts.flatMap(({ hostname }) => hostname ?? []))
  if (hosts.size === 0) return []
  const { sensors } = await listSensors(db, { scope, limit: mostSensors, silentBeforeNs: 0n })
  return sensors
    .filter(({ hostname }) => hosts.has(hostname))
    .flatMap(({ hostname, gaps }) =>
      gaps
        .filter((gap) => gap.dropped > 0n && gap.fromNs <= lastNs + aroundNs && gap.toNs >= firstNs - aroundNs)
        .map(({ fromNs, toNs, dropped }) => ({ hostname, fromNs, toNs, dropped })),
    )
}
