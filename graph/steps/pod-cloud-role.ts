import type { EntityRef } from '../../domain/entity.ts'
import { identityOfArn, identityRef } from '../../domain/cloud.ts'
import { fixed, shown } from '../evidence.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** A service account that stands for an identity of the cloud: its pods have a token the cloud takes. */
export const podCloudRole: StepRule = {
  name: 'pod-cloud-role',
  title: 'Use the cloud identity of a service account',
  technique: techniques.cloudAccountOfPod,
  unit: 'cloud',
  *steps({ scope, accounts }) {
    for (const account of accounts)
      for (const [annotation, value] of Object.entries((account.properties.annotations ?? {}) as Record<string, unknown>)) {
        const to = typeof value === 'string' ? identityIn(annotation, value) : undefined
        if (to === undefined) continue
        const from: EntityRef = { scope, kind: 'service_account', key: account.key }
        yield {
          from,
          to,
          cost: 1,
          precondition: 'code runs in a pod with its token',
          because: `ServiceAccount ${account.namespace}/${account.name} stands for ${to.key}`,
          evidence: [shown(from, `properties.annotations.${annotation}`, value)],
          fix: fixed(
            `cloud-role/${account.key}`,
            `Take the annotation ${annotation} from ServiceAccount ${account.namespace}/${account.name}, or give it an identity that may do less`,
            from,
          ),
          fromNs: account.validFromNs,
          untilNs: account.deletedNs,
        }
      }
  },
}

/** EKS by ARN; GKE by e-mail address; Azure by client id. */
function identityIn(annotation: string, value: string): EntityRef | undefined {
  switch (annotation) {
    case 'eks.amazonaws.com/role-arn': {
      const role = identityOfArn(value)
      return role?.identityKind === 'role' ? identityRef(role) : undefined
    }
    case 'iam.gke.io/gcp-service-account':
      return /^[^\s@]+@[^\s@]+$/.test(value) ? identityRef({ key: `gcp/${value}` }) : undefined
    case 'azure.workload.identity/client-id':
      return /^[\da-f-]{36}$/i.test(value) ? identityRef({ key: `azure/${value.toLowerCase()}` }) : undefined
    default:
      return undefined
  }
}
