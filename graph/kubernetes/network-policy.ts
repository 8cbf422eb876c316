/**
 * Network policies, as Kubernetes reads them: a place that none selects is open; one that any selects lets in what the rules of all of them together
 * let in, and nothing else. They do not hold for what is on the network of its node. Pure; assumes the network plug-in enforces them.
 */
import { list, record, text, texts } from '../../collectors/kubernetes/fields.ts'
import type { Entity } from '../../domain/entity.ts'
import { holdsPrivate, holdsPublic } from './addresses.ts'
import { type OpenPort, selects } from './selection.ts'
import { type Place, visibleTo, type World } from '../world.ts'

type Direction = 'ingress' | 'egress'
type Port = Pick<OpenPort, 'port' | 'name' | 'protocol'>

/** Whom one entry of a rule lets through. `namespaces`/`pods` null: that selector is not there. */
export type Peer = { policy: Entity; /** properties.ingress[0].from[1] */ path: string } & (
  { kind: 'anyone' } | { kind: 'addresses'; cidr: string; except: string[] } | { kind: 'pods'; namespaces: unknown; pods: unknown }
)
/** `by` empty: no policy selects it. */
export type Isolation = { by: Entity[]; peers: Peer[] }

/** `ports` undefined: whatever port. A peer counts when it is let in on any of them. */
export function isolation(world: World, place: Place, direction: Direction, ports?: readonly Port[]): Isolation {
  if (place.spec.hostNetwork) return { by: [], peers: [] }
  const by = policiesFor(world, place.declaredOnly).filter(
    ({ properties }) => typesOf(properties).includes(direction) && selects(properties.podSelector, place.spec.labels),
  )
  return { by, peers: by.flatMap((policy) => peersOf(policy, direction, place, ports)) }
}

const cache = new WeakMap<World, Record<'declared' | 'reported', Entity[]>>()
function policiesFor(world: World, declaredOnly: boolean): Entity[] {
  let known = cache.get(world)
  if (known === undefined) {
    const present = world.policies.filter(({ deletedNs }) => deletedNs === null)
    known = { declared: visibleTo(true, present), reported: visibleTo(false, present) }
    cache.set(world, known)
  }
  return declaredOnly ? known.declared : known.reported
}

/** A policy that does not say is about ingress, and about egress if it has rules for it. */
function typesOf({ policyTypes, egress }: Entity['properties']): Direction[] {
  const types = texts(policyTypes).map((one) => one.toLowerCase() as Direction)
  return types.length > 0 ? types : Array.isArray(egress) && egress.length > 0 ? ['ingress', 'egress'] : ['ingress']
}

function peersOf(policy: Entity, direction: Direction, place: Place, ports: readonly Port[] | undefined): Peer[] {
  return list(policy.properties[direction]).flatMap((value, at) => {
    const rule = record(value)
    if (ports !== undefined && !ports.some((port) => letsThrough(list(rule.ports), port, place))) return []
    const field = direction === 'ingress' ? 'from' : 'to'
    const path = `properties.${direction}[${at}]`
    const peers = list(rule[field])
    if (peers.length === 0) return [{ policy, path, kind: 'anyone' as const }]
    return peers.flatMap((peer, index) => peerOf(record(peer), policy, `${path}.${field}[${index}]`))
  })
}

function peerOf({ ipBlock, namespaceSelector, podSelector }: Record<string, unknown>, policy: Entity, path: string): Peer[] {
  const { cidr, except } = record(ipBlock)
  if (text(cidr) !== null) return [{ policy, path, kind: 'addresses', cidr: text(cidr) ?? '', except: texts(except) }]
  if (namespaceSelector == null && podSelector == null) return []
  return [{ policy, path, kind: 'pods', namespaces: namespaceSelector ?? null, pods: podSelector ?? null }]
}

/** A rule that names no port lets all through; a name stands for what a container of the place calls so. */
function letsThrough(rulePorts: readonly unknown[], wanted: Port, place: Place): boolean {
  if (rulePorts.length === 0) return true
  return rulePorts.map(record).some(({ port, endPort, protocol }) => {
    if ((text(protocol) ?? 'TCP') !== wanted.protocol) return false
    if (port == null) return true
    if (typeof port === 'string')
      return place.spec.containers.some(({ ports }) =>
        (ports ?? []).some((one) => one.name === port && one.port === wanted.port && one.protocol === wanted.protocol),
      )
    return typeof endPort === 'number' ? wanted.port >= (port as number) && wanted.port <= endPort : wanted.port === port
  })
}

/** Someone on the internet is among them. */
export const isOutside = (peer: Peer): boolean =>
  peer.kind === 'anyone' || (peer.kind === 'addresses' && holdsPublic(peer.cidr, peer.except) === true)

/** Any pod of the cluster is among them, whatever its namespace. */
export const isAnyPod = (peer: Peer): boolean =>
  peer.kind === 'anyone' ||
  (peer.kind === 'addresses' && holdsPrivate(peer.cidr, peer.except)) ||
  (peer.kind === 'pods' && peer.namespaces !== null && isEverything(peer.namespaces) && isEverything(peer.pods))

const isEverything = (selector: unknown): boolean => {
  const { matchLabels, matchExpressions } = record(selector)
  return Object.keys(record(matchLabels)).length === 0 && list(matchExpressions).length === 0
}

/** Namespaces whose pods may be among them. */
export function namespacesOf(peer: Peer, world: World): string[] {
  if (peer.kind !== 'pods') return []
  if (peer.namespaces === null) return world.namespace === null ? [] : [world.namespace]
  return [...world.namespaces].flatMap(([name, labels]) => (selects(peer.namespaces, labels) ? [name] : []))
}
