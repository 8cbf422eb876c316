/** Whom selectors select: labels as Kubernetes compares them, services to the places behind them, and which ports of a place they lead to. Pure. */
import { list, record, strings, text, texts } from '../../collectors/kubernetes/fields.ts'
import type { Entity } from '../../domain/entity.ts'
import { isDeclaredOnly, type Place, visibleTo, type World } from '../world.ts'

type Labels = Readonly<Record<string, string>>

/** matchLabels and matchExpressions together; an empty selector selects all. What cannot be read selects nothing. */
export function selects(selector: unknown, labels: Labels): boolean {
  const { matchLabels, matchExpressions } = record(selector)
  return (
    Object.entries(strings(matchLabels)).every(([key, value]) => has(labels, key) && labels[key] === value) &&
    list(matchExpressions).every((one) => {
      const { key, operator, values } = record(one)
      const name = text(key) ?? ''
      const isAmong = has(labels, name) && texts(values).includes(labels[name] ?? '')
      switch (operator) {
        case 'In':
          return isAmong
        case 'NotIn':
          return !isAmong
        case 'Exists':
          return has(labels, name)
        case 'DoesNotExist':
          return !has(labels, name)
        default:
          return false
      }
    })
  )
}
const has = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key)

/** A port that a container says it listens on. */
export type OpenPort = { port: number; name: string | null; protocol: string; hostPort: number | null; at: string }

export const portsOf = ({ spec }: Place): OpenPort[] =>
  spec.containers.flatMap(({ init, ports }, container) =>
    init ? [] : (ports ?? []).map((one, at) => ({ ...one, at: `containers[${container}].ports[${at}]` })),
  )

export type ServicePort = {
  port: number | null
  name: string | null
  targetPort: number | string | null
  nodePort: number | null
  protocol: string
}
export const servicePorts = ({ properties }: Entity): ServicePort[] =>
  list(properties.ports).map((one) => record(one) as unknown as ServicePort)

/** Where on the place a service’s port leads; a name that no container has leads nowhere. */
export function targetOf(
  { targetPort, port, protocol }: ServicePort,
  place: Place,
): { port: number; protocol: string; name: string | null }[] {
  const target = targetPort ?? port
  if (target === null) return []
  const open = portsOf(place).filter(
    (one) => one.protocol === protocol && (typeof target === 'number' ? one.port === target : one.name === target),
  )
  if (open.length > 0) return open.map(({ port: number, name }) => ({ port: number, protocol, name }))
  return typeof target === 'number' ? [{ port: target, protocol, name: null }] : []
}

const indexes = new WeakMap<World, Map<string, Place[]>>()

/** Places behind a service: those whose pods have all of its selector’s labels. One without a selector has its addresses from elsewhere. */
export function placesBehind(world: World, service: Entity): Place[] {
  const wanted = Object.entries(strings(service.properties.selector))
  const [first] = wanted
  if (first === undefined) return []
  const candidates = indexOf(world).get(first.join('\n')) ?? []
  return candidates.filter(
    (place) =>
      wanted.every(([key, value]) => has(place.spec.labels, key) && place.spec.labels[key] === value) &&
      servicesOf(world, place).has(service),
  )
}

function indexOf(world: World): Map<string, Place[]> {
  const known = indexes.get(world)
  if (known !== undefined) return known
  const made = new Map<string, Place[]>()
  for (const place of world.places)
    for (const label of Object.entries(place.spec.labels)) {
      const key = label.join('\n')
      const those = made.get(key)
      if (those === undefined) made.set(key, [place])
      else those.push(place)
    }
  indexes.set(world, made)
  return made
}

const visible = new WeakMap<World, Record<'declared' | 'reported', ReadonlySet<Entity>>>()
/** Services that may lead to it. */
function servicesOf(world: World, { declaredOnly }: Pick<Place, 'declaredOnly'>): ReadonlySet<Entity> {
  let known = visible.get(world)
  if (known === undefined) {
    known = { declared: new Set(visibleTo(true, world.services)), reported: new Set(visibleTo(false, world.services)) }
    visible.set(world, known)
  }
  return declaredOnly ? known.declared : known.reported
}

const behind = new WeakMap<World, Map<Place, Entity[]>>()
/** Services that lead to the place. */
export function servicesTo(world: World, place: Place): readonly Entity[] {
  let known = behind.get(world)
  if (known === undefined) {
    known = new Map()
    for (const service of world.services)
      for (const one of placesBehind(world, service)) known.set(one, [...(known.get(one) ?? []), service])
    behind.set(world, known)
  }
  return known.get(place) ?? []
}

/** Every port someone could reach the place by: what its containers name, and where services lead. */
export function reachablePorts(world: World, place: Place): Pick<OpenPort, 'port' | 'name' | 'protocol'>[] {
  const targets = servicesTo(world, place).flatMap((service) => servicePorts(service).flatMap((port) => targetOf(port, place)))
  return [...new Map([...portsOf(place), ...targets].map((one) => [`${one.protocol}/${one.port}`, one])).values()]
}

/** The service that an ingress calls by name. */
export function serviceNamed(world: World, ingress: Entity, name: string): Entity | undefined {
  for (const service of servicesOf(world, { declaredOnly: isDeclaredOnly(ingress) })) if (service.name === name) return service
  return undefined
}
