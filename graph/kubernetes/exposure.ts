/**
 * What someone on the internet reaches: services that a cloud or every node offers outside, ingresses and what they route to, ports of nodes; minus
 * what network policies keep out. Whether a firewall stands before the nodes no record says: what is offered only on their ports costs one more.
 * Pure.
 */
import { list, record, strings, text, texts } from '../../collectors/kubernetes/fields.ts'
import type { Entity } from '../../domain/entity.ts'
import type { StepEvidence } from '../../domain/graph.ts'
import { holdsPublic, isPrivateAddress } from './addresses.ts'
import { listed, shown, titled } from '../evidence.ts'
import { type Isolation, isolation, isOutside, type Peer } from './network-policy.ts'
import { placesBehind, portsOf, serviceNamed, servicePorts, servicesTo, targetOf } from './selection.ts'
import type { Place, World } from '../world.ts'

/** `by`: what offers it, as it is called. `on`: the record that the first evidence is of. */
export type Offered = { cost: 0 | 1; by: string; text: string; on: Entity; evidence: StepEvidence[] }

/** How a service is offered outside the cluster; null: it is not. */
export function offeredService(service: Entity): Offered | null {
  const { type, externalIPs, loadBalancer, sourceRanges } = service.properties
  const title = titled('Service', service)
  const outside = texts(externalIPs).filter((address) => !isPrivateAddress(address))
  if (type === 'LoadBalancer' && !isInternal(service)) {
    const addresses = texts(loadBalancer)
    const ranges = texts(sourceRanges)
    const isKept =
      (addresses.length > 0 && addresses.every(isPrivateAddress)) ||
      (ranges.length > 0 && ranges.every((one) => holdsPublic(one, []) === false))
    const at = addresses.length === 0 ? 'an address that its cloud gives it' : listed(addresses)
    if (!isKept)
      return { cost: 0, by: title, text: `${title} is offered at ${at}`, on: service, evidence: [shown(service, 'properties.type', type)] }
  }
  if (outside.length > 0)
    return {
      cost: 0,
      by: title,
      text: `${title} is offered at ${listed(outside)}`,
      on: service,
      evidence: [shown(service, 'properties.externalIPs', outside.join(', '))],
    }
  if (type !== 'NodePort') return null
  const ports = listed(servicePorts(service).flatMap(({ nodePort }) => (nodePort === null ? [] : [String(nodePort)])))
  return {
    cost: 1,
    by: title,
    on: service,
    text: `${title} is offered on ${ports === '' ? 'a port' : `port ${ports}`} of every node`,
    evidence: [shown(service, 'properties.type', type)],
  }
}

/** As the clouds’ controllers are told that a load balancer is for their own network alone. */
const internalMarks: readonly (readonly [string, RegExp])[] = [
  ['service.beta.kubernetes.io/aws-load-balancer-internal', /^(?!false$|0\.0\.0\.0\/0$).+/],
  ['service.beta.kubernetes.io/aws-load-balancer-scheme', /^internal$/],
  ['service.beta.kubernetes.io/azure-load-balancer-internal', /^true$/],
  ['networking.gke.io/load-balancer-type', /^internal$/i],
  ['cloud.google.com/load-balancer-type', /^internal$/i],
  ['alb.ingress.kubernetes.io/scheme', /^internal$/],
  ['kubernetes.io/ingress.class', /internal/],
]
function isInternal({ properties }: Entity): boolean {
  const annotations = strings(properties.annotations)
  return internalMarks.some(([name, internal]) => internal.test(annotations[name] ?? ''))
}

export function offeredIngress(ingress: Entity): Offered | null {
  const { className, hosts } = ingress.properties
  // The AWS controller keeps to the own network unless it is told otherwise.
  const isKept = className === 'alb' && strings(ingress.properties.annotations)['alb.ingress.kubernetes.io/scheme'] !== 'internet-facing'
  if (isKept || isInternal(ingress) || /internal/.test(text(className) ?? '')) return null
  const names = texts(hosts)
  const at = names.length === 0 ? 'under any name' : `as ${listed(names)}`
  return {
    cost: 0,
    by: titled('Ingress', ingress),
    text: `${titled('Ingress', ingress)} is offered ${at}`,
    on: ingress,
    evidence: [shown(ingress, 'properties.hosts', names.join(', ') || '*')],
  }
}

export type Routed = { ingress: Entity; service: Entity; evidence: StepEvidence; fromNames: string[] }
export function routesOf(world: World, ingress: Entity): Routed[] {
  const routes = list(ingress.properties.routes).map(record)
  const byService = Map.groupBy(routes.entries(), ([, { service }]) => text(service) ?? '')
  return [...byService].flatMap(([name, found]) => {
    const service = serviceNamed(world, ingress, name)
    const [first] = found
    if (service === undefined || first === undefined) return []
    const fromNames = found.flatMap(([, { host, path }]) => `${text(host) ?? '*'}${text(path) ?? '/'}`)
    return [{ ingress, service, fromNames, evidence: shown(ingress, `properties.routes[${first[0]}].service`, name) }]
  })
}

/** How the traffic of a service comes: straight from outside, or from the pods of an ingress controller, wherever in the cluster those run. */
type Coming = { direct: Offered | null; routes: Routed[] }
const coming = new WeakMap<World, Map<Entity, Coming>>()
function comingTo(world: World, service: Entity): Coming {
  let known = coming.get(world)
  if (known === undefined) {
    const routes = world.ingresses.flatMap((ingress) => (offeredIngress(ingress) === null ? [] : routesOf(world, ingress)))
    const routed = Map.groupBy(routes, (route) => route.service)
    known = new Map(world.services.map((one) => [one, { direct: offeredService(one), routes: routed.get(one) ?? [] }]))
    coming.set(world, known)
  }
  return known.get(service) ?? { direct: null, routes: [] }
}

/** A place that outsiders reach through a service. */
export type Entry = { service: Entity; place: Place; direct: Offered | null; routes: Routed[]; ports: number[]; isolation: Isolation }

export const entriesThrough = (world: World, service: Entity): Entry[] =>
  placesBehind(world, service).flatMap((place) => entryOf(world, service, place) ?? [])

function entryOf(world: World, service: Entity, place: Place): Entry | null {
  const { direct, routes } = comingTo(world, service)
  if (direct === null && routes.length === 0) return null
  const ports = servicePorts(service).flatMap((port) => targetOf(port, place))
  if (ports.length === 0) return null
  const its = isolation(world, place, 'ingress', ports)
  const open = its.by.length === 0
  const entry = {
    direct: direct !== null && (open || its.peers.some(isOutside)) ? direct : null,
    routes: open || its.peers.some(mayBeController) ? routes : [],
  }
  if (entry.direct === null && entry.routes.length === 0) return null
  return { service, place, ...entry, ports: [...new Set(ports.map(({ port }) => port))].sort((a, b) => a - b), isolation: its }
}

const mayBeController = (peer: Peer): boolean => isOutside(peer) || (peer.kind === 'pods' && peer.namespaces !== null)

/** Ports of the node that lead to the place, its own or those of its network. */
export function offeredOnNode(world: World, place: Place): (Offered & { ports: number[] }) | null {
  const open = portsOf(place).filter(({ hostPort }) => hostPort !== null || place.spec.hostNetwork)
  if (open.length === 0) return null
  const its = isolation(world, place, 'ingress', open)
  if (its.by.length > 0 && !its.peers.some(isOutside)) return null
  const ports = [...new Set(open.map(({ hostPort, port }) => hostPort ?? port))].sort((a, b) => a - b)
  const [first] = open
  const evidence =
    first?.hostPort == null
      ? shown(place.specOf, `${place.specPath}.hostNetwork`, true)
      : shown(place.specOf, `${place.specPath}.${first.at}.hostPort`, String(first.hostPort))
  const by = `port ${listed(ports.map(String))} of its node`
  return { cost: 1, ports, by, text: `${place.title} listens on ${by}`, on: place.specOf, evidence: [evidence] }
}

/** Each way in which someone on the internet reaches the place. */
export function exposuresOf(world: World, place: Place): Offered[] {
  const entries = servicesTo(world, place).flatMap((service) => entryOf(world, service, place) ?? [])
  const onNode = offeredOnNode(world, place)
  return [
    ...entries.flatMap(({ direct, routes }) => [
      ...(direct === null ? [] : [direct]),
      ...routes.map(({ ingress, service, evidence, fromNames }): Offered => ({
        cost: 0,
        by: `${titled('Ingress', ingress)} to ${titled('Service', service)}`,
        on: ingress,
        text: `${titled('Ingress', ingress)} routes ${listed(fromNames)} to ${titled('Service', service)}`,
        evidence: [evidence],
      })),
    ]),
    ...(onNode === null ? [] : [onNode]),
  ]
}
