import { meetingPoint } from '../../domain/graph.ts'
import { fixed, listed, shown } from '../evidence.ts'
import { mayForgePackets } from '../kubernetes/privilege.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/**
 * Runtimes give containers NET_RAW unless it is dropped: with it root answers for its neighbours on the node and reads what was meant for them. Where it
 * leads is in their traffic, which no record shows; so it ends there.
 */
export const spoofNeighbours: StepRule = {
  name: 'spoof-neighbours',
  title: 'Pose as a neighbour on the network',
  technique: techniques.arpPoisoning,
  unit: 'namespace',
  *steps({ places, scope }) {
    for (const place of places) {
      const those = place.spec.containers.flatMap((one, at) => (mayForgePackets(one) ? [{ ...one, at }] : []))
      const [first] = those
      if (first === undefined) continue
      yield {
        from: place.ref,
        to: meetingPoint(scope, 'pod-traffic', null),
        cost: 3,
        precondition: 'pods of the node are on one bridge, and what they send is not encrypted',
        because: `${listed(those.map(({ name }) => name))} of ${place.title} may forge packets (NET_RAW is not dropped)`,
        evidence: [
          shown(
            place.specOf,
            `${place.specPath}.containers[${first.at}].security.capabilitiesDropped`,
            (first.security?.capabilitiesDropped ?? []).join(', '),
          ),
        ],
        fix: fixed(`drop-capabilities/${place.name}`, `Drop all capabilities that ${place.title} does not need`, place.ref),
        fromNs: place.fromNs,
        untilNs: place.untilNs,
      }
    }
  },
}
