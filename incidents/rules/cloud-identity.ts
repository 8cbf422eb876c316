import type { CorrelationRule } from '../rule.ts'
import { minutes } from '../rule.ts'

const identityFields = ['aws.user.arn', 'ct.user.arn', 'ct.user.principalid', 'gcp.user', 'ka.user.name']

/** Alerts about one cloud or cluster identity, as the audit sources name it; system calls have none. */
export const cloudIdentity: CorrelationRule = {
  name: 'cloud-identity',
  window: minutes(60),
  facts: (alert) =>
    (alert.sensorSource === 'syscall' ? [] : identityFields).flatMap((field) => {
      const value = alert.fields?.[field]
      return typeof value === 'string' && value !== '' && value !== '<NA>' && !value.startsWith('system:')
        ? [{ key: `${field}/${value}`, label: `identity ${value}`, inferred: false }]
        : []
    }),
}
