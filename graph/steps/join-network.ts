import { meetingPoint } from '../../domain/graph.ts'
import { shown } from '../evidence.ts'
import { isAnyPod, isolation, namespacesOf } from '../kubernetes/network-policy.ts'
import type { Step, StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'
import type { Place, World } from '../world.ts'

/** Pods reach each other as if there were one network, unless a policy keeps what they send in: the namespace’s, and from there the cluster’s. */
export const joinNetwork: StepRule = {
  name: 'join-network',
  title: 'Look around in the cluster’s network',
  technique: techniques.networkDiscovery,
  unit: 'namespace',
  *steps(world) {
    const inside = world.places.filter((place) => !place.spec.hostNetwork && mayReachOut(world, place))
    for (const place of world.places.filter(({ spec }) => spec.hostNetwork))
      yield step(world, place, null, `${place.title} is on the network of its node, for which no network policy holds`, 'hostNetwork', true)
    for (const place of inside)
      yield step(
        world,
        place,
        world.namespace,
        `no network policy keeps ${place.title} from reaching other pods`,
        'labels',
        place.spec.labels,
      )
    const [first] = inside.toSorted((a, b) => (a.fromNs < b.fromNs ? -1 : a.fromNs > b.fromNs ? 1 : a.ref.key < b.ref.key ? -1 : 1))
    if (first === undefined || world.namespace === null) return
    yield {
      ...step(world, first, null, `pods of namespace ${world.namespace} are on the network of the cluster`, 'labels', first.spec.labels),
      from: meetingPoint(world.scope, 'pod-network', world.namespace),
      untilNs: inside.some(({ untilNs }) => untilNs === null) ? null : first.untilNs,
    }
  },
}

function step({ scope }: World, place: Place, of: string | null, because: string, path: string, value: unknown): Step {
  const evidence = [shown(place.specOf, `${place.specPath}.${path}`, value)]
  const { fromNs, untilNs } = place
  const to = meetingPoint(scope, 'pod-network', of)
  return { from: place.ref, to, cost: 0, precondition: 'code runs in one of its containers', because, evidence, fix: null, fromNs, untilNs }
}

function mayReachOut(world: World, place: Place): boolean {
  const { by, peers } = isolation(world, place, 'egress')
  return by.length === 0 || peers.some((peer) => isAnyPod(peer) || namespacesOf(peer, world).length > 0)
}
