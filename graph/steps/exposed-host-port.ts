import { internet } from '../../domain/graph.ts'
import { fixed, listed } from '../evidence.ts'
import { offeredOnNode } from '../kubernetes/exposure.ts'
import { wayIn } from '../kubernetes/flaws.ts'
import { noHostNetwork } from '../kubernetes/place-fixes.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A port of the node that leads to the place, by hostPort or because it is on the node’s network. */
export const exposedHostPort: StepRule = {
  name: 'exposed-host-port',
  title: 'Break in through a port of the node',
  technique: techniques.exploitPublicApplication,
  unit: 'namespace',
  *steps(world) {
    for (const place of world.places) {
      const offered = offeredOnNode(world, place)
      if (offered === null) continue
      const flaw = wayIn(world, place)
      const ports = listed(offered.ports.map(String))
      yield {
        from: internet,
        to: place.ref,
        cost: flaw.cost + offered.cost,
        precondition: 'the addresses of the nodes can be reached from outside, and what answers there has a flaw that lets in',
        because: `${offered.text}; ${flaw.text}`,
        evidence: [...offered.evidence, ...flaw.evidence],
        fix: place.spec.hostNetwork
          ? noHostNetwork(place)
          : fixed(`host-port/${place.name}`, `Give ${place.title} no port of its node (hostPort ${ports})`, place.ref),
        fromNs: place.fromNs,
        untilNs: place.untilNs,
      }
    }
  },
}
