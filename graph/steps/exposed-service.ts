import { internet } from '../../domain/graph.ts'
import { fixed, refOf, titled, together } from '../evidence.ts'
import { entriesThrough, offeredService } from '../kubernetes/exposure.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A service that is offered outside the cluster, with something behind it that outsiders are let through to. */
export const exposedService: StepRule = {
  name: 'exposed-service',
  title: 'Reach a service from the internet',
  technique: techniques.exploitPublicApplication,
  unit: 'namespace',
  *steps(world) {
    for (const service of world.services) {
      const offered = offeredService(service)
      const span = together(service)
      if (offered === null || span === null || !entriesThrough(world, service).some(({ direct }) => direct !== null)) continue
      yield {
        from: internet,
        to: refOf(service),
        cost: offered.cost,
        precondition: offered.cost === 0 ? 'none' : 'the addresses of the nodes can be reached from outside',
        because: offered.text,
        evidence: offered.evidence,
        fix: fixed(`exposure/${service.key}`, `Do not offer ${titled('Service', service)} outside the cluster (type ClusterIP)`, service),
        ...span,
      }
    }
  },
}
