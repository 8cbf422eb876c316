import type { Lead } from '../../domain/alert.ts'
import { type Entity, existedAt } from '../../domain/entity.ts'
import type { AlertContext, Inventory } from '../context.ts'
import { endOf, fieldOf, nameOf, placesOf, reaching } from '../origin.ts'
import { type CorrelationRule, type Fact, minutes, nothingReached, type Reached, waitFor } from '../rule.ts'

/**
 * A pod's cloud role used in the cloud: sessions of a role that one service account is annotated with (eks.amazonaws.com/role-arn), and signing in
 * as that account, when only one workload runs as it.
 */
export const cloudRoleUsed: CorrelationRule = {
  name: 'cloud-role-used',
  window: minutes(60),
  reach: { before: minutes(60), after: minutes(60) },
  facts: () => [],
  async reached(alert: Lead, _context: AlertContext, inventory: Inventory): Promise<Reached> {
    const used = roleOf(alert)
    if (used === null) return nothingReached
    const subject = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(fieldOf(alert, 'ct.user') ?? '')
    const accounts = (await inventory.accountsByRole(used.account, used.role, alert.eventNs)).filter(
      (one) => existedAt(one, alert.eventNs) && (subject === null || (one.namespace === subject[1] && one.name === subject[2])),
    )
    const pods = await Promise.all(
      accounts.map(({ scope, namespace, name }) => inventory.podsByAccount(scope, namespace ?? '', name, alert.eventNs)),
    )
    const places = await placesOf(pods.flat(), inventory)
    const waits = [
      waitFor.role(used.account, used.role),
      ...accounts.map(({ scope, namespace, name }) => waitFor.account(scope, namespace ?? '', name)),
    ]
    const [place, another] = places ?? []
    if (places === null || another !== undefined)
      return { facts: [], waits, note: `several run with the cloud role ${used.role}: not joined by a guess` }
    const account = accounts[pods.findIndex((found) => found.length > 0)]
    return { facts: place === undefined || account === undefined ? [] : [factOf(used, account, place, alert)], waits }
  },
}

type Used = { account: string; role: string }

function factOf({ account, role }: Used, owner: Entity, place: Entity, { scope }: Lead): Fact {
  const annotations = (owner.properties.annotations ?? {}) as Record<string, string>
  const arn = annotations['eks.amazonaws.com/role-arn'] ?? ''
  return reaching(place, `${account}/${role}`, {
    label: `cloud role ${role} of account ${account}, which service account ${nameOf(owner)} of ${place.kind} ${nameOf(place)} assumes`,
    inferred: true,
    relation: { from: endOf(owner), type: 'ASSUMES', to: endOf({ scope, kind: 'identity', key: arn }) },
  })
}

/** Of a session its role; of signing in with a service account's token the role that was asked for. Instances are node-role-used's. */
function roleOf(alert: Lead): Used | null {
  if (alert.sensorSource !== 'aws_cloudtrail') return null
  const session = /^arn:aws[\w-]*:sts::(\d{1,20}):assumed-role\/([^/]{1,64})\/(.+)$/.exec(fieldOf(alert, 'ct.user.arn') ?? '')
  if (session !== null) return isInstance(session[3] ?? '') ? null : { account: session[1] ?? '', role: session[2] ?? '' }
  if (fieldOf(alert, 'ct.name') !== 'AssumeRoleWithWebIdentity') return null
  const asked = /"roleArn"\s*:\s*"arn:aws[\w-]*:iam::(\d{1,20}):role\/(?:[^"]*\/)?([^"/]{1,64})"/.exec(fieldOf(alert, 'ct.request') ?? '')
  return asked === null ? null : { account: asked[1] ?? '', role: asked[2] ?? '' }
}

const isInstance = (session: string): boolean => /^i-[0-9a-f]{8,17}$/.test(session)
