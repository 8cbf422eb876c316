import type { EntityRef } from '../../domain/entity.ts'
import { internet } from '../../domain/graph.ts'
import { publicDataChecks } from '../cloud-checks.ts'
import { fixed } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A resource of which a scanner says that it is open to everyone. */
export const publicData: StepRule = {
  name: 'public-data',
  title: 'Read data that is open to everyone',
  technique: techniques.cloudStorage,
  unit: 'cloud',
  *steps({ failedChecks = [] }) {
    for (const { finding, check, title, resource, fromNs } of failedChecks) {
      if (resource.kind !== 'cloud_resource' || !publicDataChecks.includes(check)) continue
      const to: EntityRef = { scope: resource.scope, kind: 'cloud_resource', key: resource.key }
      const named = resource.name || resource.key
      yield {
        from: internet,
        to,
        cost: 1,
        precondition: 'its name is known',
        because: `${named} is open to everyone: ${title}`,
        evidence: [{ finding, check }],
        fix: fixed(`public/${resource.key}`, `Close ${named} to the public`, to),
        fromNs,
        untilNs: null,
      }
    }
  },
}
