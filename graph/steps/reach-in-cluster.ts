import { meetingPoint } from '../../domain/graph.ts'
import { listed, refOf, shown, together } from '../evidence.ts'
import { wayIn } from '../kubernetes/flaws.ts'
import { isAnyPod, type Isolation, isolation, namespacesOf, type Peer } from '../kubernetes/network-policy.ts'
import { keptFromOthers } from '../kubernetes/place-fixes.ts'
import { reachablePorts, selects } from '../kubernetes/selection.ts'
import type { Step, StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'
import type { Place, World } from '../world.ts'

/** So many neighbours are named one by one; more are the namespace. */
const mostNeighbours = 20

/** From inside the cluster into what listens, by a flaw of what it runs: from anywhere, or from where network policies let in from. */
export const reachInCluster: StepRule = {
  name: 'reach-in-cluster',
  title: 'Break into what listens in the cluster',
  technique: techniques.exploitRemoteService,
  unit: 'namespace',
  *steps(world) {
    for (const place of world.places) {
      const ports = reachablePorts(world, place)
      if (ports.length === 0) continue
      const its = isolation(world, place, 'ingress', ports)
      const flaw = wayIn(world, place)
      const common: Omit<Step, 'from' | 'because' | 'evidence'> = {
        to: place.ref,
        cost: flaw.cost,
        precondition: 'what listens there has a flaw that lets in',
        fix: keptFromOthers(place),
        fromNs: place.fromNs,
        untilNs: place.untilNs,
      }
      const listens = `${place.title} listens on ${listed([...new Set(ports.map(({ port }) => String(port)))])}`
      const open = [shown(place.specOf, `${place.specPath}.labels`, place.spec.labels), ...flaw.evidence]
      if (its.by.length === 0)
        yield {
          ...common,
          from: network(world, null),
          because: `${listens} and no network policy selects it; ${flaw.text}`,
          evidence: open,
        }
      else
        yield* letIn(world, place, its, (policy) => `${listens} and NetworkPolicy ${policy} lets them in; ${flaw.text}`, {
          ...common,
          evidence: flaw.evidence,
        })
    }
  },
}

const network = ({ scope }: World, namespace: string | null) => meetingPoint(scope, 'pod-network', namespace)

function* letIn(
  world: World,
  place: Place,
  { peers }: Isolation,
  because: (policy: string) => string,
  common: Omit<Step, 'from' | 'because'>,
): Iterable<Step> {
  for (const peer of peers)
    for (const from of sourcesOf(world, place, peer)) {
      const span = together(place, peer.policy)
      if (span === null) continue
      const evidence = [
        shown(peer.policy, peer.path, peer.kind === 'anyone' ? 'anyone' : JSON.stringify(peerSays(peer))),
        ...common.evidence,
      ]
      yield { ...common, ...span, from, because: because(peer.policy.name), evidence }
    }
}
const peerSays = (peer: Exclude<Peer, { kind: 'anyone' }>): unknown =>
  peer.kind === 'addresses' ? { cidr: peer.cidr, except: peer.except } : { namespaceSelector: peer.namespaces, podSelector: peer.pods }

/** Of neighbours in the own namespace the very ones; of others their namespaces, for who runs there this unit does not know. */
function sourcesOf(world: World, place: Place, peer: Peer): Step['from'][] {
  if (isAnyPod(peer)) return [network(world, null)]
  if (peer.kind !== 'pods') return []
  if (peer.namespaces !== null) return namespacesOf(peer, world).map((name) => network(world, name))
  const neighbours = world.places.filter((one) => one !== place && !one.spec.hostNetwork && selects(peer.pods, one.spec.labels))
  return neighbours.length > mostNeighbours ? [network(world, world.namespace)] : neighbours.map(refOfPlace)
}
const refOfPlace = ({ entity }: Place): Step['from'] => refOf(entity)
