import type { Lead } from '../../domain/alert.ts'
import { type CloudSession, identityOfArn, instanceOfSession } from '../../domain/cloud.ts'
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

const ofCredentials = (session: CloudSession): Fact[] => [...ofSession(session), ...behind(session), ...instances(session)]

/** By this the alerts are found again when the record comes in which its credentials were given. */
const ofSession = ({ session, identity }: CloudSession): Fact[] =>
  session === null || !session.startsWith('ASIA') ? [] : [fact(`session/${session}`, `session ${session} of ${identity}`)]

function behind({ identity, issuer, issuedTo }: CloudSession): Fact[] {
  const guest = identityOfArn(identity)?.identityKind === 'federated user' && issuer !== null
  return [
    ...(guest ? [fact(`ct.user.arn/${issuer}`, `identity ${issuer}, which asked for the session of ${identity}`)] : []),
    // A service of the provider’s takes roles for everybody.
    ...issuedTo.flatMap(({ actor, operation, role, activity }) =>
      actor.kind === 'service' || actor.id === 'unknown' || /^\d{12}$/.test(actor.id)
        ? []
        : [
            fact(
              `${identityOfArn(actor.id) === undefined ? 'ct.user.principalid' : 'ct.user.arn'}/${actor.id}`,
              `identity ${actor.id}, which took ${role ?? identity} by ${operation} (activity ${activity.slice(0, 12)})`,
            ),
          ],
    ),
  ]
}

/** Who sent an instance a command and whoever then uses that instance’s credentials are one: commands are how they are taken. */
function instances({ identity, commanded }: CloudSession): Fact[] {
  const own = instanceOfSession(identity)
  const ids = own === null ? (commanded.length > mostCommanded ? [] : commanded) : [own]
  return ids.map((id) =>
    fact(`instance/${id}`, own === null ? `command sent to instance ${id}` : `credentials of instance ${id}, which was sent a command`),
  )
}
/** Who commands a fleet does not come for the credentials of one. */
const mostCommanded = 5

const fact = (key: string, label: string): Fact => ({ key, label, inferred: false })
