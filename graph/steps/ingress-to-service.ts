import { fixed, listed, refOf, titled, together } from '../evidence.ts'
import { entriesThrough, routesOf } from '../kubernetes/exposure.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** What an ingress passes on, where something behind the service lets its controller in. */
export const ingressToService: StepRule = {
  name: 'ingress-to-service',
  title: 'Pass through an ingress to a service',
  technique: techniques.exploitPublicApplication,
  unit: 'namespace',
  *steps(world) {
    for (const ingress of world.ingresses)
      for (const { service, evidence, fromNames } of routesOf(world, ingress)) {
        const span = together(ingress, service)
        const passes = entriesThrough(world, service).some(({ routes }) => routes.some((route) => route.ingress === ingress))
        if (span === null || !passes) continue
        yield {
          from: refOf(ingress),
          to: refOf(service),
          cost: 0,
          precondition: 'none',
          because: `${titled('Ingress', ingress)} routes ${listed(fromNames)} to ${titled('Service', service)}`,
          evidence: [evidence],
          fix: fixed(
            `route/${ingress.key}/${service.name}`,
            `Do not route ${titled('Ingress', ingress)} to ${titled('Service', service)}`,
            ingress,
          ),
          ...span,
        }
      }
  },
}
