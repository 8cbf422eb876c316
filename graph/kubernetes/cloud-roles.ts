/** The roles of a cloud that a service account may take on, as it is annotated for the cloud’s own admission. Pure. */
import { strings } from '../../collectors/kubernetes/fields.ts'
import type { Entity } from '../../domain/entity.ts'
import type { StepEvidence } from '../../domain/graph.ts'
import { shown } from '../evidence.ts'

const annotations = {
  'eks.amazonaws.com/role-arn': 'aws',
  'iam.gke.io/gcp-service-account': 'gcp',
  'azure.workload.identity/client-id': 'azure',
} as const

export type CloudRole = {
  provider: 'aws' | 'gcp' | 'azure'
  /** An ARN, an account’s address, a client’s id. */ role: string
  evidence: StepEvidence
}

export function cloudRoles(account: Entity): CloudRole[] {
  const own = strings(account.properties.annotations)
  return Object.entries(annotations).flatMap(([name, provider]) => {
    const role = own[name]
    return role === undefined || role === ''
      ? []
      : [{ provider, role, evidence: shown(account, `properties.annotations["${name}"]`, role) }]
  })
}
