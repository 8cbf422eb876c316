/** Reads the world of one unit from the store: its records, and those of the whole scope that they refer to by name. */
import { containerImage } from '../collectors/resources.ts'
import type { EntityKind } from '../domain/entity.ts'
import { entitiesOfPlaces, entitiesOfUnit } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import type { Unit } from '../store/graph-units.ts'
import { weaknessesOfImages } from '../store/weaknesses.ts'
import { readCloud } from './read-cloud.ts'
import type { UnitKind } from './step-rule.ts'
import type { Place, Weakness, World } from './world.ts'
import { worldFrom } from './world-from.ts'

export const unitKind = (unit: string): UnitKind => (unit.startsWith('namespace/') ? 'namespace' : (unit as UnitKind))

/** What rules of this kind of unit read of the whole scope. Whatever is here marks the unit when it changes (store/graph-units.ts). */
const wide: Readonly<Record<UnitKind, readonly EntityKind[]>> = {
  namespace: ['namespace'],
  access: ['role', 'role_binding', 'service_account', 'namespace'],
  nodes: ['node'],
  cloud: ['service_account', 'cloud_account', 'node'],
}
/** Of a namespace’s own; containers and images are told by their pods. */
const own: readonly EntityKind[] = ['workload', 'pod', 'service', 'ingress', 'network_policy', 'service_account', 'secret']

export async function readWorld(db: Queryable, { scope, unit }: Unit): Promise<World> {
  const kind = unitKind(unit)
  const namespace = kind === 'namespace' ? unit.slice('namespace/'.length) : null
  const records = await entitiesOfUnit(db, scope, { own: namespace === null ? null : { namespace, kinds: own }, wide: wide[kind] })
  const world = worldFrom({ scope, namespace }, records)
  if (kind === 'cloud') return { ...world, ...(await readCloud(db, scope, world.nodes)) }
  return { ...world, weaknesses: await weaknessesFor(db, world) }
}

/** The world that facts about the places of a namespace are told from: what is there now, and what its accounts may do. Of other accounts it tells nothing. */
export async function readPlaces(db: Queryable, scope: string, namespace: string): Promise<World> {
  const world = worldFrom({ scope, namespace }, await entitiesOfPlaces(db, scope, { namespace, kinds: own, wide: ['namespace', 'role'] }))
  return { ...world, weaknesses: await weaknessesFor(db, world) }
}

const mostWeaknesses = 5

async function weaknessesFor(db: Queryable, { scope, places }: World): Promise<World['weaknesses']> {
  const imagesOf = new Map(places.map((place) => [place, imageKeys(place, scope)]))
  const known = await weaknessesOfImages(db, scope, [...new Set([...imagesOf.values()].flat())].sort(), mostWeaknesses)
  return (place) => {
    const looked = (imagesOf.get(place) ?? []).map((key) => known.get(key)).filter((one) => one !== undefined)
    if (looked.length === 0) return undefined
    const unique = new Map(looked.flatMap((image) => image.map((one) => [one.finding, one])))
    return [...unique.values()].sort(easiestFirst).slice(0, mostWeaknesses)
  }
}

function imageKeys({ spec }: Place, scope: string): string[] {
  return spec.containers.filter(({ init }) => !init).flatMap((container) => containerImage(container, scope)?.key ?? [])
}

const easiestFirst = (a: Weakness, b: Weakness): number =>
  Number(b.kev) - Number(a.kev) || (b.epss ?? -1) - (a.epss ?? -1) || (b.cvss ?? -1) - (a.cvss ?? -1) || (rest(a) < rest(b) ? -1 : 1)
const rest = ({ check, package: name, finding }: Weakness): string => [check, name ?? '', finding].join('\n')
