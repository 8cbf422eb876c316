/**
 * Which process started which, as the sensor's pids and parents tell it: a tree per container or host. A parent that no
 * alert is about is `implied`: only its name and command line are known. Names above it have no pid and stay a list.
 */
import type { Alert } from '../domain/alert.ts'

export type ProcessNode = {
  pid: bigint | null
  name: string | null
  cmdline: string | null
  user: string | null
  /** Known only as the parent of another process. `alerts` are then those of its children. */
  implied: boolean
  /** In event order. */
  alerts: Alert[]
  /** Of a root: names of what started it, nearest first, as far as the sensor gave them. */
  above: string[]
  children: ProcessNode[]
}

type Key = string
const placeOf = (alert: Alert): string => alert.container?.id.slice(0, 12) ?? `host ${alert.hostname ?? ''}`

/** Trees in the order of their first alert. Alerts without a process are left out. */
export function processTrees(alerts: readonly Alert[]): ProcessNode[] {
  const nodes = new Map<Key, ProcessNode>()
  const parentOf = new Map<Key, Key>()
  for (const alert of alerts) {
    if (alert.process === null) continue
    const { pid, name, cmdline, user, parentPid } = alert.process
    const key = `${placeOf(alert)}/${pid ?? `${name} ${cmdline}`}`
    const known = nodes.get(key)
    if (known === undefined || known.implied) {
      nodes.set(key, { pid, name, cmdline, user, implied: false, alerts: [alert], above: alert.process.ancestors.slice(1), children: [] })
    } else known.alerts.push(alert)
    if (parentPid === null && alert.process.parentName === null) continue
    const parentKey = `${placeOf(alert)}/${parentPid ?? `parent ${alert.process.parentName}`}`
    if (parentKey !== key) parentOf.set(key, parentKey)
    if (!nodes.has(parentKey)) nodes.set(parentKey, impliedParent(alert))
  }
  const roots: ProcessNode[] = []
  for (const [key, node] of nodes) {
    const parent = loops(key, parentOf) ? undefined : nodes.get(parentOf.get(key) ?? '')
    if (parent === undefined) roots.push(node)
    else parent.children.push(node)
  }
  return sorted(roots)
}

function impliedParent(alert: Alert): ProcessNode {
  const { parentPid, parentName, parentCmdline, ancestors } = alert.process as NonNullable<Alert['process']>
  return {
    pid: parentPid,
    name: parentName,
    cmdline: parentCmdline,
    user: null,
    implied: true,
    alerts: [alert],
    above: ancestors.slice(1),
    children: [],
  }
}

/** Pids are reused and fields can be forged: a process is never its own ancestor. */
function loops(key: Key, parentOf: ReadonlyMap<Key, Key>): boolean {
  const seen = new Set([key])
  for (let at = parentOf.get(key); at !== undefined; at = parentOf.get(at)) {
    if (seen.has(at)) return true
    seen.add(at)
  }
  return false
}

function sorted(nodes: ProcessNode[]): ProcessNode[] {
  for (const node of nodes) sorted(node.children)
  return nodes.sort((a, b) => (firstNs(a) < firstNs(b) ? -1 : firstNs(a) > firstNs(b) ? 1 : 0))
}
const firstNs = (node: ProcessNode): bigint => node.alerts[0]?.eventNs ?? 0n

/** The path from a root to a leaf that holds the most alerts; the deepest of equals. Empty when no alert has a process. */
export function mainChain(trees: readonly ProcessNode[]): ProcessNode[] {
  let best: { alerts: number; path: ProcessNode[] } = { alerts: 0, path: [] }
  const walk = (node: ProcessNode, path: ProcessNode[], count: number): void => {
    const here = [...path, node]
    const alerts = count + (node.implied ? 0 : node.alerts.length)
    if (alerts > best.alerts || (alerts === best.alerts && here.length > best.path.length)) best = { alerts, path: here }
    for (const child of node.children) walk(child, here, alerts)
  }
  for (const tree of trees) walk(tree, [], 0)
  return best.path
}
