import { listed, refOf, shown, titled, together } from '../evidence.ts'
import { entriesThrough } from '../kubernetes/exposure.ts'
import { wayIn } from '../kubernetes/flaws.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** From a service that outsiders reach into what stands behind it, by a flaw of what it runs. */
export const serviceToWorkload: StepRule = {
  name: 'service-to-workload',
  title: 'Break into what answers behind a service',
  technique: techniques.exploitPublicApplication,
  unit: 'namespace',
  *steps(world) {
    for (const service of world.services)
      for (const { place, ports } of entriesThrough(world, service)) {
        const span = together(service, place)
        if (span === null) continue
        const flaw = wayIn(world, place)
        yield {
          from: refOf(service),
          to: place.ref,
          cost: flaw.cost,
          precondition: 'what answers there has a flaw that lets in',
          because: `${titled('Service', service)} leads to ${place.title}, port ${listed(ports.map(String))}; ${flaw.text}`,
          evidence: [
            shown(service, 'properties.selector', service.properties.selector),
            shown(place.specOf, `${place.specPath}.labels`, place.spec.labels),
            ...flaw.evidence,
          ],
          fix: null,
          ...span,
        }
      }
  },
}
