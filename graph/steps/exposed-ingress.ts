import { internet } from '../../domain/graph.ts'
import { fixed, refOf, titled, together } from '../evidence.ts'
import { offeredIngress } from '../kubernetes/exposure.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** An ingress that is not marked as one for the own network alone. */
export const exposedIngress: StepRule = {
  name: 'exposed-ingress',
  title: 'Reach an ingress from the internet',
  technique: techniques.exploitPublicApplication,
  unit: 'namespace',
  *steps({ ingresses }) {
    for (const ingress of ingresses) {
      const offered = offeredIngress(ingress)
      const span = together(ingress)
      if (offered === null || span === null) continue
      yield {
        from: internet,
        to: refOf(ingress),
        cost: offered.cost,
        precondition: 'a controller serves it at an address that can be reached from outside',
        because: offered.text,
        evidence: offered.evidence,
        fix: fixed(
          `exposure/${ingress.key}`,
          `Take away ${titled('Ingress', ingress)}, or let its controller serve your own network only`,
          ingress,
        ),
        ...span,
      }
    }
  },
}
