import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

/**
 * Alerts from one process, or from a parent and its children, on a host. A pid means something only on its host and
 * for a while, hence the short window. Pid 0 and 1 are everybody's ancestors and join nothing.
 */
export const processLineage: CorrelationRule = {
  name: 'process-lineage',
  window: minutes(10),
  facts: (alert) => {
    if (alert.container !== null || alert.hostname === null || alert.process === null) return []
    const pids = [alert.process.pid, alert.process.parentPid].filter((pid): pid is bigint => pid !== null && pid > 1n)
    return pids.map((pid) => ({ key: `${alert.hostname}/${pid}`, label: `process ${pid} on ${alert.hostname}`, inferred: false }))
  },
}
