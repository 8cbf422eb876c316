/**
 * Identities and accounts of a cloud, as ARNs name them: the session of a role is that role, and whoever asked for it. Pure.
 */
import type { NewActivity } from './activity.ts'
import type { EntityRef } from './entity.ts'

/** An activity’s credentials, and in whose hands they were put. */
export type CloudSession = {
  /** ARN of the session or the user. */ identity: string
  /** Id of the access key; null: the record has none. */ session: string | null
  /** ARN of the role or user that the session is of. */ issuer: string | null
  /** Records in which credentials were given, the nearest first: each to the actor who asked, for the role he then had. */
  issuedTo: { actor: NewActivity['actor']; operation: string; role: string | null; activity: string }[]
  /** Instances that the request names. */ commanded: string[]
}

export type IdentityKind = 'user' | 'role' | 'root' | 'federated user' | 'web identity' | 'SAML identity'
export type CloudIdentity = { key: string; name: string; account: string; identityKind: IdentityKind }

const user = /^arn:aws[a-z-]*:iam::(\d+):(user|role)\/(?:.*\/)?([^/]+)$/
const session = /^arn:(aws[a-z-]*):sts::(\d+):assumed-role\/([^/]+)(?:\/.*)?$/
const federated = /^arn:aws[a-z-]*:sts::(\d+):federated-user\/(.+)$/
const root = /^arn:aws[a-z-]*:iam::(\d+):root$/
const longest = 500

/** Whose ARN it is. Undefined: nobody’s. The path of a role stands in its own ARN only: of a session it is not known. */
export function identityOfArn(arn: string): CloudIdentity | undefined {
  if (arn.length > longest) return undefined
  const own = user.exec(arn)
  if (own !== null) return { key: arn, account: own[1] ?? '', identityKind: own[2] as 'user' | 'role', name: own[3] ?? '' }
  const assumed = session.exec(arn)
  if (assumed !== null) {
    const [, partition, account = '', role = ''] = assumed
    return { key: `arn:${partition}:iam::${account}:role/${role}`, account, identityKind: 'role', name: role }
  }
  const guest = federated.exec(arn)
  if (guest !== null) return { key: arn, account: guest[1] ?? '', identityKind: 'federated user', name: guest[2] ?? '' }
  const owner = root.exec(arn)
  return owner === null ? undefined : { key: arn, account: owner[1] ?? '', identityKind: 'root', name: 'root' }
}

/** Whether an ARN is of a user or role that is kept in the account, not of a session. */
export const isIdentityArn = (arn: string): boolean => user.test(arn)

export const identityRef = ({ key }: Pick<CloudIdentity, 'key'>): EntityRef => ({ scope: 'global', kind: 'identity', key })
export const accountRef = (account: string): EntityRef => ({ scope: 'global', kind: 'cloud_account', key: `aws/${account}` })

/** The instance a session of a role belongs to: its name is then the instance’s id. Recordings made unreadable mix the case. */
export const instanceOfSession = (arn: string): string | null => /:assumed-role\/[^/]+\/(i-[0-9a-zA-Z]{8,32})$/.exec(arn)?.[1] ?? null
