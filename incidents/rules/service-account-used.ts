import type { Lead } from '../../domain/alert.ts'
import { type Entity, existedAt } from '../../domain/entity.ts'
import type { AlertContext, Inventory } from '../context.ts'
import { endOf, fieldOf, livedAt, nameOf, placesOf, reaching, specOf } from '../origin.ts'
import { type CorrelationRule, minutes, nothingReached, type Reached, waitFor } from '../rule.ts'

type Account = { namespace: string; name: string }

/**
 * A pod's service account used at the Kubernetes API: the pod its token is bound to, else the pod that has the address it came from and runs
 * as the account, else the only workload that does.
 */
export const serviceAccountUsed: CorrelationRule = {
  name: 'service-account-used',
  window: minutes(60),
  reach: { before: minutes(60), after: minutes(60) },
  facts: () => [],
  async reached(alert: Lead, _context: AlertContext, inventory: Inventory): Promise<Reached> {
    const account = accountOf(alert)
    if (account === null) return nothingReached
    const { scope } = alert
    const waits = [waitFor.account(scope, account.namespace, account.name)]
    const origin = await originOf(alert, account, inventory)
    if (typeof origin === 'string') return { facts: [], waits, note: origin }
    const { place, inferred, how } = origin
    const title = `${account.namespace}/${account.name}`
    const relation = {
      from: endOf(place),
      type: 'RUNS_AS' as const,
      to: endOf({ scope, kind: 'service_account', key: `${account.namespace}/ServiceAccount/${account.name}` }),
    }
    const label = `service account ${title}, which ${place.kind === 'pod' ? 'pod' : 'workload'} ${nameOf(place)} runs as (${how})`
    return { facts: [reaching(place, `${scope}/${place.key}`, { label, inferred, relation })], waits }
  },
}

/** Whose token it was; what it impersonated with that is another question. */
function accountOf(alert: Lead): Account | null {
  if (alert.sensorSource !== 'k8s_audit') return null
  const [, namespace, name] = /^system:serviceaccount:([^:]{1,253}):([^:]{1,253})$/.exec(fieldOf(alert, 'ka.user.name') ?? '') ?? []
  return namespace === undefined || name === undefined ? null : { namespace, name }
}

type Origin = { place: Entity; inferred: boolean; how: string }

async function originOf(alert: Lead, { namespace, name }: Account, inventory: Inventory): Promise<Origin | string> {
  const runsAs = (pod: Entity): boolean => pod.namespace === namespace && specOf(pod)?.serviceAccount === name
  const { scope, eventNs } = alert
  const uid = fieldOf(alert, 'ka.user.pod.uid')
  if (uid !== null) {
    const pod = await inventory.podByUid(scope, uid)
    if (pod !== undefined && existedAt(pod, eventNs) && runsAs(pod)) return { place: pod, inferred: false, how: 'its token is bound to it' }
    return 'the pod that the token was bound to is not known to inventory as one that ran as this account then'
  }
  const address = addressOf(alert)
  const there = address === null ? [] : await inventory.byAddress(scope, address, eventNs)
  const [pod, second] = there.filter((one) => one.kind === 'pod' && livedAt(one, eventNs) && runsAs(one))
  if (pod !== undefined && second === undefined) return { place: pod, inferred: true, how: 'the request came from its address' }
  const pods = (await inventory.podsByAccount(scope, namespace, name, eventNs)).filter((one) => existedAt(one, eventNs))
  const places = await placesOf(pods, inventory)
  const [place, another] = places ?? []
  if (places === null || another !== undefined)
    return `several run as service account ${namespace}/${name}, and neither token nor address tells which: not joined by a guess`
  if (place === undefined) return `inventory knows nobody that ran as service account ${namespace}/${name} then`
  return { place, inferred: true, how: 'the only one that did' }
}

/** The last is the API server's own; those before it a client may write as it likes. */
function addressOf(alert: Lead): string | null {
  const value = alert.fields?.['ka.sourceips']
  const given = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[\s,[\]()"]+/) : []
  const last = given.filter((one): one is string => typeof one === 'string' && one !== '').at(-1)
  return last !== undefined && /^[0-9a-f.:]{2,45}$/i.test(last) ? last : null
}
