/** What risk asks of the places of a unit: read off its world and off the facts derived from it. Pure. */
import type { PodProperties } from '../../domain/entity.ts'
import { digestIn, imageResource } from '../../collectors/resources.ts'
import type { PlaceImage, RiskPlace } from '../../store/risk-places.ts'
import { criticalityOf } from './criticality.ts'
import { shownIn } from '../evidence.ts'
import { type FactCode, factsOf } from '../facts.ts'
import { exposuresOf } from '../kubernetes/exposure.ts'
import type { Exposure, Privilege, RiskFacts } from './risk.ts'
import type { Place, World } from '../world.ts'

/** What is gone is no place any more. */
export const riskPlacesOf = (world: World): RiskPlace[] =>
  world.places.filter(({ untilNs }) => untilNs === null).map((place) => riskPlace(world, place))

function riskPlace(world: World, place: Place): RiskPlace {
  const { entity, title, pods, spec } = place
  const running = pods.filter((pod) => pod.entity.deletedNs === null)
  const specs = running.length > 0 ? running.map(({ properties }) => properties) : [spec]
  return {
    id: entity.id,
    scope: entity.scope,
    namespace: entity.namespace,
    title,
    facts: { ...fromFacts(world, place), ...waysIn(world, place), criticality: criticality(world, place) },
    images: imagesOf(specs, entity.scope),
    members: [entity.id, ...pods.map((pod) => pod.entity.id)],
    objects: objectsOf(place, running),
  }
}

/** What opens it to the internet: of several the easiest, then by name. */
function waysIn(world: World, place: Place): Pick<RiskFacts, 'door' | 'recorded'> {
  const [open] = exposuresOf(world, place).toSorted((a, b) => a.cost - b.cost || (a.by < b.by ? -1 : 1))
  const [shown] = open?.evidence ?? []
  const shownBy = open === undefined || shown === undefined || !('path' in shown) ? null : shownIn(open.on.id, shown)
  return {
    recorded: world.services.length + world.ingresses.length > 0 ? 'whole' : 'without',
    ...(open === undefined ? {} : { door: { by: open.by, shownBy } }),
  }
}

/** Scanners speak of the Deployment, of its ReplicaSet or of a pod of it. */
function objectsOf({ name, namespace }: Place, running: Place['pods']): string[] {
  const parts = running.flatMap(({ entity, properties: { owner } }) => [
    `${namespace}/Pod/${entity.name}`,
    ...(owner === null ? [] : [`${namespace}/${owner.kind}/${owner.name}`]),
  ])
  return [...new Set([name, ...parts])].sort()
}

function imagesOf(specs: readonly PodProperties[], scope: string): PlaceImage[] {
  const found = new Map<string, PlaceImage>()
  const add = (image: PlaceImage): void => {
    const key = `${image.scope}\n${image.key}`
    if (found.get(key)?.byName !== false) found.set(key, image)
  }
  for (const { containers } of specs)
    for (const { image, imageId } of containers) {
      const digests = [digestIn(imageId), digestIn(image)].filter((one) => one !== null)
      for (const key of digests) add({ scope: 'global', key, byName: false })
      const name = image.replace(/@.*$/, '')
      if (name !== '') add({ scope, key: imageResource({ reference: name }, scope).key, byName: digests.length === 0 })
    }
  return [...found.values()].sort((a, b) => (`${a.scope}\n${a.key}` < `${b.scope}\n${b.key}` ? -1 : 1))
}

function criticality({ annotations, namespaces, namespace }: World, { entity, spec }: Place): RiskFacts['criticality'] {
  return criticalityOf(entity.properties, spec, { annotations, labels: namespaces.get(namespace ?? '') })
}

const exposures: Partial<Record<FactCode, Exposure>> = {
  internet_reachable: 'internet',
  reachable_in_cluster: 'cluster',
  isolated: 'isolated',
}
const privileges: Partial<Record<FactCode, Privilege>> = {
  privileged: 'host',
  host_pid: 'host',
  host_path: 'host',
  runtime_socket: 'host',
  cluster_admin: 'host',
  escalates_rights: 'host',
  impersonates: 'host',
  uses_kubelets: 'host',
  capability: 'elevated',
  host_ipc: 'elevated',
  host_network: 'elevated',
  host_path_read: 'elevated',
  reads_secrets: 'elevated',
  creates_pods: 'elevated',
  execs_into_pods: 'elevated',
  mints_tokens: 'elevated',
  changes_admission: 'elevated',
  cloud_role: 'elevated',
  token_not_mounted: 'plain',
}
const worse: readonly (Exposure | Privilege)[] = ['isolated', 'plain', 'cluster', 'elevated', 'internet', 'host']
/** The worst that a fact says; what none speaks of stays unknown. */
function fromFacts(world: World, place: Place): Pick<RiskFacts, 'exposure' | 'privilege'> {
  const codes = factsOf(world, place).map(({ code }) => code)
  const worst = <T extends Exposure | Privilege>(of: Partial<Record<FactCode, T>>): T | undefined =>
    codes
      .map((code) => of[code])
      .filter((one) => one !== undefined)
      .sort((a, b) => worse.indexOf(a) - worse.indexOf(b))
      .at(-1)
  return { exposure: worst(exposures), privilege: worst(privileges) }
}
