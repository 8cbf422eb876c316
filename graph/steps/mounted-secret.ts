import type { EntityRef } from '../../domain/entity.ts'
import { refOf, shown, together } from '../evidence.ts'
import { noSecret } from '../kubernetes/place-fixes.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'
import { visibleTo } from '../world.ts'

/** A Secret that a pod takes in as files or environment is read by whoever is in the pod. */
export const mountedSecret: StepRule = {
  name: 'mounted-secret',
  title: 'Read a Secret the pod takes in',
  technique: techniques.credentialsInFiles,
  unit: 'namespace',
  *steps({ places, secrets, scope }) {
    const named = (declaredOnly: boolean) => new Map(visibleTo(declaredOnly, secrets).map((secret) => [secret.name, secret]))
    const known = { declared: named(true), reported: named(false) }
    for (const place of places)
      for (const name of place.spec.secrets ?? []) {
        const secret = (place.declaredOnly ? known.declared : known.reported).get(name)
        const to: EntityRef = secret === undefined ? { scope, kind: 'secret', key: `${place.namespace}/Secret/${name}` } : refOf(secret)
        const span = together(place, ...(secret === undefined ? [] : [secret]))
        if (span === null) continue
        yield {
          from: place.ref,
          to,
          cost: 0,
          precondition: 'code runs in one of its containers',
          because: `${place.title} takes in Secret ${place.namespace}/${name}`,
          evidence: [shown(place.specOf, `${place.specPath}.secrets`, name)],
          fix: noSecret(place, name),
          ...span,
        }
      }
  },
}
