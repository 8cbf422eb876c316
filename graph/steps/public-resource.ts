import type { EntityRef } from '../../domain/entity.ts'
import { internet } from '../../domain/graph.ts'
import { publicServiceChecks } from '../cloud-checks.ts'
import { fixed } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A resource of which a scanner says that it is reached from the internet. */
export const publicResource: StepRule = {
  name: 'public-resource',
  title: 'Reach a resource that listens to the internet',
  technique: techniques.exploitCloudResource,
  unit: 'cloud',
  *steps({ failedChecks = [] }) {
    for (const { finding, check, title, resource, fromNs } of failedChecks) {
      if (resource.kind !== 'cloud_resource' || !publicServiceChecks.includes(check)) continue
      const to: EntityRef = { scope: resource.scope, kind: 'cloud_resource', key: resource.key }
      const named = resource.name || resource.key
      yield {
        from: internet,
        to,
        cost: 4,
        precondition: 'it has a flaw that lets in, or a password that is guessed',
        because: `${named} is reached from the internet: ${title}`,
        evidence: [{ finding, check }],
        fix: fixed(`public/${resource.key}`, `Do not let ${named} be reached from the internet`, to),
        fromNs,
        untilNs: null,
      }
    }
  },
}
