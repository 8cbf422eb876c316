/** Parts of a graph as the store would answer them: a shop whose checkout is broken into, and how large it may grow. */
import type { EntityKind } from '../../domain/entity.ts'
import type { GraphEdge, GraphNode, GraphView } from '../../domain/graph-view.ts'
import { cartographyLabel } from '../../domain/graph.ts'

export const node = (id: string, kind: EntityKind, name: string, depth: number, more: Partial<GraphNode> = {}): GraphNode => ({
  id,
  kind,
  label: cartographyLabel[kind] ?? kind,
  scope: 'lab',
  name,
  namespace: null,
  depth,
  marks: [],
  detail: null,
  href: `/cluster/${id}`,
  ...more,
})
export const edge = (from: string, to: string, type: string, more: Partial<GraphEdge> = {}): GraphEdge => ({
  from,
  to,
  type,
  title: type.toLowerCase().replaceAll('_', ' '),
  kind: 'relation',
  count: 1,
  because: null,
  ...more,
})

const shop = { namespace: 'shop' }
/** An intruder’s way from the internet through checkout to every Secret of the namespace. */
export function shopView(): GraphView {
  const nodes: GraphNode[] = [
    node('1', 'pod', 'checkout-7d9f6c5b4-x2x9q', 0, { ...shop, marks: ['incident'], detail: 'Terminal shell in container' }),
    node('2', 'workload', 'checkout', 1, { ...shop, label: 'Deployment', marks: ['entry'] }),
    node('3', 'container', 'app', 1, { ...shop, marks: ['incident', 'finding'] }),
    node('4', 'node', 'node-a', 1),
    node('5', 'service_account', 'checkout', 1, shop),
    node('6', 'service', 'checkout', 2, shop),
    node('7', 'ingress', 'shop', 3, shop),
    node('8', 'internet', 'the internet', 3, { scope: 'global', href: null }),
    node('9', 'image', 'registry.example/shop/checkout@sha256:5f3c1a9e0b7d4c2f8a6e5d4c3b2a19087f6e5d4c', 2, { marks: ['finding'] }),
    node('10', 'package', 'log4j-core 2.14.1', 3, { scope: 'global', marks: ['finding'] }),
    node('11', 'cve', 'CVE-2021-44228', 3, { scope: 'global', marks: ['finding'] }),
    node('12', 'role_binding', 'checkout-reads', 2, shop),
    node('13', 'role', 'secret-reader', 3, shop),
    node('14', 'secret', 'every Secret of namespace shop', 2, { ...shop, marks: ['target', 'declared'] }),
    node('15', 'namespace', 'shop', 2),
    node('16', 'pod', 'checkout-7d9f6c5b4-gone1', 2, { ...shop, marks: ['gone'] }),
    node('17', 'network_policy', 'default-deny', 3, shop),
  ]
  const edges = [
    edge('2', '1', 'OWNS'),
    edge('2', '16', 'OWNS'),
    edge('1', '3', 'HAS_CONTAINER', { title: 'has container' }),
    edge('1', '4', 'RUNS_ON', { title: 'runs on' }),
    edge('1', '5', 'RUNS_AS', { title: 'runs as' }),
    edge('3', '9', 'USES_IMAGE', { title: 'uses image' }),
    edge('9', '10', 'HAS_PACKAGE', { title: 'has package' }),
    edge('10', '11', 'AFFECTED_BY', { title: 'affected by', kind: 'finding' }),
    edge('7', '6', 'ROUTES_TO', { title: 'routes to' }),
    edge('6', '2', 'SELECTS', { title: 'selects' }),
    edge('8', '2', 'reach', { title: 'can reach', kind: 'step', because: 'Ingress shop routes to Service checkout' }),
    edge('1', '4', 'escape', { title: 'escapes to', kind: 'step', because: 'container app of Deployment shop/checkout is privileged' }),
    edge('5', '14', 'read_secrets', { title: 'may read', kind: 'step', because: 'Role secret-reader grants get on secrets' }),
    edge('12', '5', 'BINDS', { title: 'binds' }),
    edge('12', '13', 'GRANTS', { title: 'grants' }),
    edge('15', '2', 'CONTAINS', { title: 'contains' }),
    edge('17', '2', 'SELECTS', { title: 'selects' }),
    edge('3', '11', 'OPENED', { title: 'opened what it is in', kind: 'alert', count: 12 }),
  ]
  return {
    title: 'Around pod shop/checkout-7d9f6c5b4-x2x9q',
    centre: ['1'],
    nodes,
    edges,
    more: 0,
    asOf: null,
    freshness: 'Inventory of lab is 3 minutes old.',
  }
}

/** The shop with so many nodes: packages of its image, secrets its pod mounts, other pods with containers of their own. */
export function grownView(size: number): GraphView {
  const view = shopView()
  const { nodes, edges } = view
  for (let at = 0; nodes.length < size; at += 1) {
    const id = String(100 + nodes.length)
    if (at % 4 === 0) {
      nodes.push(node(id, 'package', `libpart-${at} 1.${at}.0`, 3, { scope: 'global' }))
      edges.push(edge('9', id, 'HAS_PACKAGE', { title: 'has package' }))
    } else if (at % 4 === 1) {
      nodes.push(node(id, 'secret', `credentials-of-${at}`, 2, shop))
      edges.push(edge('1', id, 'MOUNTS', { title: 'mounts' }))
    } else if (at % 4 === 2 || nodes.length + 2 > size) {
      nodes.push(node(id, 'pod', `cart-5c7d8f-${at}`, 2, shop))
      edges.push(edge(id, '5', 'RUNS_AS', { title: 'runs as' }), edge(id, '4', 'RUNS_ON', { title: 'runs on' }))
    } else {
      nodes.push(node(id, 'workload', `worker-${at}`, 3, { ...shop, label: 'CronJob' }), node(`${id}c`, 'container', `job-${at}`, 4, shop))
      edges.push(edge('15', id, 'CONTAINS', { title: 'contains' }), edge(id, `${id}c`, 'HAS_CONTAINER', { title: 'has container' }))
    }
  }
  return view
}
