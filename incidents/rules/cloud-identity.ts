import type { Lead } from '../../domain/alert.ts'
import { type CloudSession, identityOfArn, identityRef, instanceOfSession } from '../../domain/cloud.ts'
import { type CorrelationRule, type Fact, minutes } from '../rule.ts'

const identityFields = ['aws.user.arn', 'ct.user.arn', 'ct.user.principalid', 'gcp.user', 'ka.user.name']

/**
 * Alerts about one cloud or cluster identity, as the audit sources name it; system calls have none. The session of a role is also whoever asked
 * for it: a record says to whom the very credentials were given. Two who took the same role are two.
 */
export const cloudIdentity: CorrelationRule = {
  name: 'cloud-identity',
  window: minutes(60),
  facts: (alert, context) => [
    ...(alert.sensorSource === 'syscall' ? [] : named(alert)),
    ...(context.session === undefined ? [] : ofCredentials(context.session)),
  ],
}

const named = ({ fields }: Lead): Fact[] =>
  identityFields.flatMap((field) => {
    const value = fields?.[field]
    return typeof value === 'string' && value !== '' && value !== '<NA>' && !value.startsWith('system:')
      ? [fact(`${field}/${value}`, `identity ${value}`)]
      : []
  })

const ofCredentials = (session: CloudSession): Fact[] => [...ofSession(session), ...behind(session), ...ofInstance(session)]

/** By this the alerts are found again when the record comes in which its credentials were given. */
const ofSession = ({ session, identity }: CloudSession): Fact[] =>
  session === null || !session.startsWith('ASIA') ? [] : [fact(`session/${session}`, `session ${session} of ${identity}`)]

function behind({ identity, issuer, issuedTo }: CloudSession): Fact[] {
  const guest = identityOfArn(identity)?.identityKind === 'federated user' && issuer !== null
  return [
    ...(guest ? [taken(issuer, identity, `identity ${issuer}, which asked for the session of ${identity}`)] : []),
    ...issuedTo.flatMap(({ actor, operation, role, activity }) =>
      // A service of the provider’s takes roles for everybody.
      actor.kind === 'service' || actor.id === 'unknown' || /^\d{12}$/.test(actor.id)
        ? []
        : [
            taken(
              actor.id,
              role ?? identity,
              `identity ${actor.id}, which took ${role ?? identity} by ${operation} (activity ${activity.slice(0, 12)})`,
            ),
          ],
    ),
  ]
}

/** `to`: the role or guest that was taken. */
function taken(by: string, to: string, label: string): Fact {
  const taker = identityOfArn(by)
  const end = (key: string) => ({ ...identityRef({ key }), id: null })
  return {
    ...fact(`${taker === undefined ? 'ct.user.principalid' : 'ct.user.arn'}/${by}`, label),
    relation: { from: end(taker?.key ?? by), type: 'ASSUMES', to: end(identityOfArn(to)?.key ?? to) },
  }
}

/** Met by who sent the instance a command (instance-commanded). */
function ofInstance({ identity }: CloudSession): Fact[] {
  const instance = instanceOfSession(identity)
  return instance === null ? [] : [fact(`instance/${instance}`, `credentials of instance ${instance}`)]
}

const fact = (key: string, label: string): Fact => ({ key, label, inferred: false })
