/**
 * A part of the graph to be looked at, put together: what stands around an entity or an incident, how it can be entered and what it leads to, the
 * worst open findings, and of an incident what its alerts saw. Bounded everywhere, and what is left out is counted.
 */
import type { EntityKind } from '../../domain/entity.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import type { GraphEdge, GraphMark, GraphNode, GraphView } from '../../domain/graph-view.ts'
import type { Incident } from '../../domain/incident.ts'
import { severityId } from '../../domain/severity.ts'
import { getAlerts } from '../../store/alerts.ts'
import type { Queryable } from '../../store/database.ts'
import { findingsAt } from '../../store/findings-at.ts'
import type { AsOf } from '../../store/graph.ts'
import { alertCandidates, membershipsOf } from '../../store/memberships.ts'
import { internetNode, type NamedNode, neighbourhood } from '../ask.ts'
import type { HeldGraph } from '../held.ts'
import { type AttackPath, attackPaths, pathGoals } from '../paths.ts'
import { type Sighting, sightings } from './sightings.ts'
import { relationWords, stepWords } from './words.ts'

export type ViewOptions = AsOf & { now: Date; depth: number; freshness: string }
/** Most nodes read; a picture shows fewer, grouped. */
const mostNodes = 300
const mostAlerts = 60

/** Around one entity. */
export async function viewOfNode(db: Queryable, node: NamedNode, options: ViewOptions): Promise<GraphView> {
  const parts = await around(db, [node.id], options)
  return finished(`Around ${node.title}`, parts, options)
}

/** An incident: its places and what stands around them, ways in, ways on, and what its alerts saw. */
export async function viewOfIncident(db: Queryable, held: HeldGraph, incident: Incident, options: ViewOptions): Promise<GraphView> {
  const places = incident.entityIds
  const parts = await around(db, places, options)
  const start = await internetNode(db)
  const question = { k: 3, maxSteps: 8, atNs: options.atNs }
  const entry =
    start === undefined || places.length === 0
      ? []
      : (await attackPaths(db, held, { ...question, from: [start.id], to: { ids: places } })).paths
  const onward = places.length === 0 ? [] : (await attackPaths(db, held, { ...question, from: places, to: { goals: pathGoals } })).paths
  for (const path of entry) parts.addPath(path, 'entry')
  for (const path of onward) parts.addPath(path, 'target')
  for (const id of places) parts.mark(id.toString(), 'incident')
  parts.addAlerts(await seen(db, incident, parts))
  return finished(incident.title, parts, options)
}

async function around(db: Queryable, centre: readonly bigint[], options: ViewOptions): Promise<Parts> {
  const found = await neighbourhood(db, centre, { ...options, limit: mostNodes })
  const parts = new Parts(centre.map(String), found.more ? 1 : 0)
  for (const node of found.nodes) parts.addNode(node, node.depth)
  for (const { src, type, dst, lastNs } of found.relations)
    parts.addEdge({
      from: src.toString(),
      to: dst.toString(),
      type,
      title: relationWords(type),
      kind: 'relation',
      count: 1,
      because: `last seen ${formatEventTime(lastNs)}`,
    })
  for (const step of found.steps) parts.addStep(step)
  for (const finding of await findingsAt(
    db,
    found.nodes.filter(({ kind }) => judged.has(kind)).map(({ id }) => id),
    { now: options.now, per: 3 },
  ))
    parts.addFinding(finding)
  return parts
}
/** What findings are about; packages are counted with their images. */
const judged: ReadonlySet<EntityKind> = new Set([
  'image',
  'workload',
  'pod',
  'node',
  'cluster',
  'namespace',
  'service_account',
  'role',
  'service',
  'ingress',
  'identity',
  'cloud_account',
  'cloud_resource',
])

async function seen(db: Queryable, { id }: Incident, parts: Parts): Promise<Sighting[]> {
  const candidates = (await alertCandidates(db, id))
    .toSorted((a, b) => severityId(b.severity) - severityId(a.severity) || (a.eventNs < b.eventNs ? -1 : 1))
    .slice(0, mostAlerts)
  const ids = candidates.map((one) => one.id)
  const contexts = new Map((await membershipsOf(db, { alertIds: ids })).map(({ alertId, context }) => [alertId, context]))
  return (await getAlerts(db, ids)).map((alert) => {
    const context = contexts.get(alert.id)
    const place = [context?.container, context?.pod, context?.workload, context?.node].find((one) => one != null && parts.has(one)) ?? null
    return { alert, placeId: place, depth: place === null ? 0 : parts.depthOf(place) }
  })
}

const finished = (title: string, parts: Parts, { atNs, freshness }: ViewOptions): GraphView => ({
  title,
  ...parts.done(),
  asOf: atNs === null ? null : formatEventTime(atNs),
  freshness,
})

/** Nodes and edges as they are collected, each once. */
class Parts {
  readonly #centre: string[]
  #more: number
  readonly #nodes = new Map<string, GraphNode>()
  readonly #edges = new Map<string, GraphEdge>()
  constructor(centre: string[], more: number) {
    this.#centre = centre
    this.#more = more
  }
  has(id: string): boolean {
    return this.#nodes.has(id)
  }
  depthOf(id: string): number {
    return this.#nodes.get(id)?.depth ?? 0
  }
  mark(id: string, mark: GraphMark): void {
    const node = this.#nodes.get(id)
    if (node !== undefined && !node.marks.includes(mark)) node.marks.push(mark)
  }
  addNode(node: NamedNode, depth: number): void {
    const id = node.id.toString()
    if (this.#nodes.has(id)) return
    const marks: GraphMark[] = [...(node.declaredOnly ? (['declared'] as const) : []), ...(node.gone ? (['gone'] as const) : [])]
    const { kind, label, scope, name, namespace } = node
    this.#nodes.set(id, { id, kind, label, scope, name, namespace, depth, marks, detail: node.title, href: `/graph?node=${id}` })
  }
  addEdge(edge: GraphEdge): void {
    const key = `${edge.from}\n${edge.type}\n${edge.to}`
    if (!this.#edges.has(key)) this.#edges.set(key, edge)
  }
  addStep({ src, dst, type, because }: { src: bigint; dst: bigint; type: string; because: string }): void {
    this.addEdge({ from: src.toString(), to: dst.toString(), type, title: stepWords(type), kind: 'step', count: 1, because })
  }
  addPath({ nodes, steps }: AttackPath, mark: 'entry' | 'target'): void {
    const own = nodes.findIndex(({ id }) => this.#centre.includes(id.toString()))
    for (const [index, node] of nodes.entries()) this.addNode(node, mark === 'entry' ? nodes.length - 1 - index : index)
    for (const step of steps) this.addStep(step)
    const end = mark === 'entry' ? nodes[0] : nodes.at(-1)
    if (end !== undefined && own !== -1) this.mark(end.id.toString(), mark)
  }
  addFinding(finding: Awaited<ReturnType<typeof findingsAt>>[number]): void {
    const of = finding.entityId.toString()
    const [kind, type] = finding.class === 'vulnerability' ? (['cve', 'AFFECTED_BY'] as const) : (['control', 'VIOLATES'] as const)
    // One for each resource: two that share a CVE are not connected.
    const id = `${kind}:${of}/${finding.check}`
    const scope = this.#nodes.get(of)?.scope ?? ''
    const detail = `${finding.severity ?? 'not rated'}: ${finding.title}`
    this.#nodes.set(id, {
      id,
      kind,
      label: kind === 'cve' ? 'CVE' : 'control',
      scope,
      name: finding.check,
      namespace: null,
      depth: this.depthOf(of) + 1,
      marks: ['finding'],
      detail,
      href: `/findings/${finding.id}`,
    })
    this.addEdge({
      from: of,
      to: id,
      type,
      title: relationWords(type),
      kind: 'finding',
      count: 1,
      because: `one of ${finding.total} open findings`,
    })
  }
  addAlerts(of: readonly Sighting[]): void {
    const part = sightings(of)
    for (const node of part.nodes) this.#nodes.set(node.id, node)
    for (const edge of part.edges) this.addEdge(edge)
  }
  done(): Pick<GraphView, 'centre' | 'nodes' | 'edges' | 'more'> {
    const edges = [...this.#edges.values()].filter(({ from, to }) => this.#nodes.has(from) && this.#nodes.has(to))
    return { centre: this.#centre.filter((id) => this.#nodes.has(id)), nodes: [...this.#nodes.values()], edges, more: this.#more }
  }
}
