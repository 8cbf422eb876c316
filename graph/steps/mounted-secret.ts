import type { EntityRef } from '../../domain/entity.ts'
import type { StepRule } from '../step-rule.ts'

/** A Secret that a pod takes in as files or environment is read by whoever is in the pod. */
export const mountedSecret: StepRule = {
  name: 'mounted-secret',
  title: 'Read a Secret the pod takes in',
  technique: { id: 'T1552.007', name: 'Unsecured Credentials: Container API', tactic: 'TA0006', matrix: 'MS-TA9025' },
  unit: 'namespace',
  *steps({ places, secrets, scope }) {
    for (const { ref, title, entity, spec, specOf, fromNs, untilNs, declaredOnly } of places)
      for (const name of spec.secrets ?? []) {
        const known = secrets.find((secret) => secret.name === name && (secret.properties.declaredOnly === true) === declaredOnly)
        const to: EntityRef = { scope, kind: 'secret', key: known?.key ?? `${entity.namespace}/Secret/${name}` }
        yield {
          from: ref,
          to,
          cost: 0,
          precondition: 'code runs in one of its containers',
          because: `${title} takes in Secret ${name}`,
          evidence: [{ entity: { scope, kind: specOf.kind, key: specOf.key }, path: 'properties.secrets', value: name }],
          fix: { key: `secret-mount/${ref.key}/${name}`, text: `Do not give Secret ${name} to ${title}`, on: ref },
          fromNs,
          untilNs,
        }
      }
  },
}
