/**
 * Reads the posture of an incident's places from the store. Only what is of the incident's own scope, or the same everywhere (an image by its digest),
 * is read: another cluster's findings and steps never get here. Bounded, whatever the size of the incident.
 */
import { type Entity, PodProperties, WorkloadProperties } from '../domain/entity.ts'
import type { FindingClass } from '../domain/finding.ts'
import { keysOf } from '../store/aliases.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities, relationsOf } from '../store/entities.ts'
import { looksAt, openFindingsOf, openInImages, type Resource } from '../store/finding-facts.ts'
import { derivationState } from '../store/graph-units.ts'
import { inUse } from '../store/in-use.ts'
import type { CaseAlert } from './case-file.ts'
import type { IncidentPosture, Looked, PlacedFinding } from './posture.ts'
import { readReach, readSteps, readWaysIn } from './read-ways.ts'

const mostPlaces = 100
const mostVulnerabilities = 2_000
const mostOthers = 500

type About = { now: Date; scope: string; firstNs: bigint; lastNs: bigint; alerts: readonly Placed[]; others: readonly Entity[] }
type Placed = Pick<CaseAlert, 'alert' | 'context'>
/** What findings may be about, and of which places of the incident. */
type Subject = { resource: Resource; title: string; at: Set<bigint> }

/** `others`: records of the incident that no alert was placed at: identities. */
export async function readPosture(db: Queryable, { now, scope, firstNs, lastNs, alerts, others }: About): Promise<IncidentPosture> {
  const places = [...distinct([...alerts.flatMap(placesOf), ...others])]
    .filter((one) => one.scope === scope || one.scope === 'global')
    .slice(0, mostPlaces)
  const images = await imagesOf(db, alerts)
  const accounts = await accountsOf(db, places)
  const subjects = [...images.subjects, ...objectsOf(scope, places, accounts)]
  const findings = await findingsOf(db, now, scope, subjects)
  const standing = new Map<bigint, bigint[]>()
  for (const place of places) if (stepsFrom.has(place.kind)) standing.set(place.id, [place.id])
  for (const { entity, at } of accounts) if (entity.kind === 'service_account') standing.set(entity.id, [...at])
  const during = { firstNs, lastNs, scope }
  const reach = await readReach(db, [...standing.keys()], during)
  const inCloud = places.length > 0 && places.every((one) => one.scope === 'global')
  const state = await derivationState(db, inCloud ? 'global' : scope)
  return {
    findings,
    waysIn: await readWaysIn(
      db,
      places.filter(({ kind }) => stepsFrom.has(kind)).map(({ id }) => id),
      during,
    ),
    steps: await readSteps(db, standing, during),
    reached: reach.reached,
    reachedMore: reach.more,
    coverage: {
      looked: await lookedOf(db, scope, subjects),
      withoutImage: images.unknown,
      waiting: state.waiting,
      derivedAt: state.newest,
    },
  }
}

/** Where an intruder stands: rules of steps begin there. */
const stepsFrom: ReadonlySet<Entity['kind']> = new Set(['workload', 'pod', 'node', 'service_account', 'identity', 'cloud_resource'])

/** The node itself only for what happened on it: the pod's node is where the pod may lead. */
const placesOf = ({ context: { pod, workload, node, container, identity } }: Placed): Entity[] =>
  [container, pod, workload, pod === null ? node : null, identity ?? null].filter((one) => one !== null)

const distinct = (entities: readonly Entity[]): Iterable<Entity> => new Map(entities.map((one) => [one.id, one])).values()

/** Of the container an alert came from; where only the pod is known, of all its containers. */
async function imagesOf(db: Queryable, alerts: readonly Placed[]): Promise<{ subjects: Subject[]; unknown: number }> {
  const contained = alerts.filter(({ alert, context }) => alert.container !== null || context.pod !== null)
  const pods = contained.flatMap(({ context: { container, pod } }) => (container === null && pod !== null ? [pod.id] : []))
  const inPods = await relationsOf(db, [...new Set(pods)], ['HAS_CONTAINER'], 'out')
  const at = new Map<bigint, Set<bigint>>()
  const note = (container: bigint, ...places: (bigint | undefined)[]): void => {
    const set = at.get(container) ?? new Set()
    for (const place of places) if (place !== undefined) set.add(place)
    at.set(container, set)
  }
  for (const { context } of contained) {
    if (context.container !== null) note(context.container.id, context.container.id, context.pod?.id, context.workload?.id)
    else for (const { src, dst } of inPods) if (src === context.pod?.id) note(dst, src, context.workload?.id)
  }
  const used = await relationsOf(db, [...at.keys()].slice(0, mostPlaces), ['USES_IMAGE'], 'out')
  const images = new Map((await getEntities(db, [...new Set(used.map(({ dst }) => dst))])).map((image) => [image.id, image]))
  const subjects: Subject[] = []
  for (const image of images.values()) {
    const places = new Set(used.filter(({ dst }) => dst === image.id).flatMap(({ src }) => [...(at.get(src) ?? [])]))
    for (const key of await keysOf(db, image)) subjects.push({ resource: { kind: 'image', key }, title: image.name, at: places })
  }
  const withImage = new Set(used.map(({ src }) => src))
  const unknown = contained.filter(({ context: { container, pod } }) =>
    container === null ? !inPods.some(({ src, dst }) => src === pod?.id && withImage.has(dst)) : !withImage.has(container.id),
  ).length
  return { subjects, unknown }
}

/** The accounts that these places run as, and the roles that bindings give those. */
async function accountsOf(db: Queryable, places: readonly Entity[]): Promise<{ entity: Entity; at: Set<bigint> }[]> {
  const pods = places.filter(({ kind }) => kind === 'pod')
  const workloadOf = new Map(places.flatMap((one) => (one.kind === 'workload' ? [[one.key, one.id] as const] : [])))
  const runs = await relationsOf(
    db,
    pods.map(({ id }) => id),
    ['RUNS_AS'],
    'out',
  )
  const at = new Map<bigint, Set<bigint>>()
  for (const { src, dst } of runs) {
    const pod = pods.find(({ id }) => id === src)
    const owner = PodProperties.safeParse(pod?.properties).data?.workload?.uid
    const top = owner === undefined ? undefined : workloadOf.get(owner)
    at.set(dst, new Set([...(at.get(dst) ?? []), src, ...(top === undefined ? [] : [top])]))
  }
  const bound = await relationsOf(db, [...at.keys()], ['BINDS'], 'in')
  const granted = await relationsOf(
    db,
    bound.map(({ src }) => src),
    ['GRANTS'],
    'out',
  )
  for (const { src: binding, dst: role } of granted)
    for (const { src, dst: account } of bound)
      if (src === binding) at.set(role, new Set([...(at.get(role) ?? []), ...(at.get(account) ?? [])]))
  return (await getEntities(db, [...at.keys()])).map((entity) => ({ entity, at: at.get(entity.id) ?? new Set() }))
}

/** What scanners call the same objects: they know names, not UIDs. */
function objectsOf(scope: string, places: readonly Entity[], accounts: readonly { entity: Entity; at: Set<bigint> }[]): Subject[] {
  const found = new Map<string, Subject>()
  const add = (resource: Resource, title: string, ...at: bigint[]): void => {
    const before = found.get(`${resource.kind} ${resource.key}`)
    for (const one of at) before?.at.add(one)
    if (before === undefined) found.set(`${resource.kind} ${resource.key}`, { resource, title, at: new Set(at) })
  }
  for (const place of places) {
    const { id, kind, namespace, name, properties, key } = place
    if (kind === 'identity' || kind === 'cloud_resource')
      for (const one of ['identity', 'cloud_resource'] as const) add({ kind: one, key }, name, id)
    if (kind === 'node') add({ kind: 'node', key: `-/Node/${name}` }, `Node ${name}`, id)
    if (kind !== 'pod' && kind !== 'workload') continue
    const own = kind === 'pod' ? 'Pod' : (WorkloadProperties.safeParse(properties).data?.workloadKind ?? 'Deployment')
    add({ kind, key: `${namespace}/${own}/${name}` }, `${own} ${namespace}/${name}`, id)
    const owner = kind === 'pod' ? PodProperties.safeParse(properties).data?.owner : null
    if (owner != null)
      add({ kind: 'workload', key: `${namespace}/${owner.kind}/${owner.name}` }, `${owner.kind} ${namespace}/${owner.name}`, id)
    add({ kind: 'namespace', key: `-/Namespace/${namespace}` }, `Namespace ${namespace}`, id)
    add({ kind: 'cluster', key: scope }, `cluster ${scope}`, id)
  }
  for (const { entity, at } of accounts)
    if (entity.kind === 'service_account' || entity.kind === 'role') add({ kind: entity.kind, key: entity.key }, entity.name, ...at)
  return [...found.values()]
}

const settings: readonly FindingClass[] = ['misconfiguration', 'compliance']
async function findingsOf(db: Queryable, now: Date, scope: string, subjects: readonly Subject[]): Promise<PlacedFinding[]> {
  const images = subjects.filter(({ resource }) => resource.kind === 'image')
  const others = subjects.filter(({ resource }) => resource.kind !== 'image')
  const keys = images.map(({ resource }) => resource.key)
  const flaws = await openFindingsOf(db, now, {
    scope,
    resources: images.map(({ resource }) => resource),
    classes: ['vulnerability', ...settings],
    limit: mostVulnerabilities,
  })
  const secrets = await openInImages(db, now, { scope, keys, classes: ['secret'], limit: mostOthers })
  const set = await openFindingsOf(db, now, {
    scope,
    resources: others.map(({ resource }) => resource),
    classes: settings,
    limit: mostOthers,
  })
  const places = (finding: PlacedFinding['finding']): bigint[] =>
    [...new Set(subjects.filter(({ resource }) => isAbout(finding, resource)).flatMap(({ at }) => [...at]))].sort((a, b) =>
      a < b ? -1 : 1,
    )
  const used = await inUse(db, { findings: flaws.map(({ id }) => id) })
  return [...flaws, ...secrets, ...set].map((finding) => ({ finding, at: places(finding), use: used.get(finding.id) ?? null }))
}
const isAbout = ({ resource: { kind, key } }: PlacedFinding['finding'], about: Resource): boolean =>
  (kind === about.kind && key === about.key) || (kind === 'file' && about.kind === 'image' && key.startsWith(`${about.key}:`))

/** Images by any of their names; of objects the workloads and pods alone: that a whole cluster was looked at says little of one of them. */
async function lookedOf(db: Queryable, scope: string, subjects: readonly Subject[]): Promise<Looked[]> {
  const wanted = subjects.filter(({ resource: { kind } }) => kind === 'image' || kind === 'workload' || kind === 'pod')
  const looks = await looksAt(
    db,
    scope,
    wanted.map(({ resource }) => resource),
  )
  const found = new Map<string, Looked>()
  for (const { resource, title } of wanted) {
    const one = found.get(title) ?? { title, kind: resource.kind === 'image' ? 'image' : 'object', looks: [] }
    for (const { key, ...look } of looks) if (key === resource.key) one.looks.push(look)
    found.set(title, one)
  }
  return [...found.values()].sort((a, b) => (a.kind === b.kind ? (a.title < b.title ? -1 : 1) : a.kind === 'image' ? -1 : 1))
}
