import { identityOfArn, instanceOfSession } from '../../domain/cloud.ts'
import { type CorrelationRule, minutes } from '../rule.ts'

/** Who commands a fleet does not come for the credentials of one. */
const mostCommanded = 5

/**
 * Credentials of an instance, used within the hour after somebody sent that instance a command: commands are how they are taken. Two who command
 * one instance are two, as long as nobody uses its credentials.
 */
export const instanceCommanded: CorrelationRule = {
  name: 'instance-commanded',
  window: minutes(60),
  reach: { before: 0n, after: minutes(60) },
  facts: (_alert, { session }) =>
    session === undefined || instanceOfSession(session.identity) !== null || session.commanded.length > mostCommanded
      ? []
      : session.commanded.map((instance) => ({
          key: `instance/${instance}`,
          label: `credentials of instance ${instance}, to which ${identityOfArn(session.identity)?.name ?? session.identity} sent a command`,
          inferred: true,
          reaches: { rule: 'cloud-identity', by: session.identity },
        })),
}
