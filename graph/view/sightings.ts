/**
 * What alerts saw, as nodes beside inventory: processes, files and addresses. They are leads, read from the alerts whenever they are looked at; they are
 * no rows, so that no text of an alert ever becomes an entity. What many alerts tell is told once, with how often.
 */
import type { Alert } from '../../domain/alert.ts'
import type { EntityKind } from '../../domain/entity.ts'
import type { GraphEdge, GraphNode } from '../../domain/graph-view.ts'
import { relationWords } from './words.ts'

/** Where an alert's place stands in the picture: its container, pod or node; null: inventory does not know it. */
export type Sighting = { alert: Alert; placeId: string | null; depth: number }
type Part = { nodes: GraphNode[]; edges: GraphEdge[] }

export function sightings(of: readonly Sighting[], limit = 40): Part {
  const nodes = new Map<string, GraphNode>()
  const edges = new Map<string, GraphEdge>()
  const node = (kind: EntityKind, { alert, depth }: Sighting, key: string, name: string, more: Partial<GraphNode> = {}): string | null => {
    const id = `${kind}:${alert.scope}/${key}`
    if (!nodes.has(id) && nodes.size >= limit) return null
    const at = {
      id,
      kind,
      label: kind,
      scope: alert.scope,
      name,
      namespace: null,
      depth: depth + 1,
      marks: [],
      detail: null,
      href: `/alerts/${alert.id}`,
    }
    nodes.set(id, nodes.get(id) ?? { ...at, ...more })
    return id
  }
  const edge = (from: string | null, to: string | null, type: 'EXECUTED' | 'OPENED' | 'CONNECTED_TO', because: string): void => {
    if (from === null || to === null || from === to) return
    const key = `${from}\n${type}\n${to}`
    const before = edges.get(key)
    if (before === undefined) edges.set(key, { from, to, type, title: relationWords(type), kind: 'alert', count: 1, because })
    else before.count += 1
  }
  for (const one of of) {
    const { alert, placeId } = one
    const { process } = alert
    const host = alert.container?.id.slice(0, 12) ?? alert.hostname ?? '-'
    const own =
      process === null
        ? null
        : node(
            'process',
            one,
            `${host}/${process.pid ?? '-'}/${process.startNs ?? process.name ?? '-'}`,
            process.cmdline ?? process.name ?? 'a process',
            { detail: alert.rule, marks: ['incident'] },
          )
    if (own !== null) edge(placeId, own, 'EXECUTED', alert.rule)
    const actor = own ?? placeId
    if (alert.file !== null) edge(actor, node('file', one, `${host}${alert.file}`, alert.file), 'OPENED', alert.rule)
    const { serverIp, serverPort } = alert.connection ?? { serverIp: null, serverPort: null }
    if (serverIp !== null) {
      const address = serverPort === null ? serverIp : serverIp.includes(':') ? `[${serverIp}]:${serverPort}` : `${serverIp}:${serverPort}`
      edge(actor, node('endpoint', one, address, address), 'CONNECTED_TO', alert.rule)
    }
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}
