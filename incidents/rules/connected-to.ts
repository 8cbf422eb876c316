import type { Lead } from '../../domain/alert.ts'
import { type Entity, existedAt } from '../../domain/entity.ts'
import type { AlertContext, Inventory } from '../context.ts'
import { endOf, livedAt, nameOf, placesOf, reaching, specOf } from '../origin.ts'
import { type CorrelationRule, minutes, nothingReached, type Reached, waitFor } from '../rule.ts'

/**
 * A connection from one pod to another's address, or to a service that one workload stands behind: meets the alerts of what was reached, never
 * those of others that reached it. The addresses are the sensor's own fields.
 */
export const connectedTo: CorrelationRule = {
  name: 'connected-to',
  window: minutes(30),
  reach: { before: minutes(30), after: minutes(30) },
  facts: () => [],
  async reached(alert: Lead, { pod: source }: AlertContext, inventory: Inventory): Promise<Reached> {
    const ip = alert.connection?.serverIp ?? null
    if (source === null || ip === null || !isElsewhere(ip)) return nothingReached
    const waits = [waitFor.address(alert.scope, ip)]
    const { target, via, within } = await targetOf(alert, ip, inventory)
    if (within !== null) waits.push(waitFor.namespace(alert.scope, within))
    if (target === null || target.id === source.id) return { facts: [], waits }
    const kind = target.kind === 'pod' ? 'pod' : 'workload'
    const service = via === null ? '' : ` through service ${nameOf(via)}`
    const label = `a connection from pod ${nameOf(source)} to ${kind} ${nameOf(target)}${service}, at ${ip}`
    const relation = { from: endOf(source), type: 'CONNECTED_TO' as const, to: endOf(target) }
    const crowd = { key: source.key, label: `pods that ${nameOf(source)} connected to`, inferred: false, counts: target.key }
    return { facts: [reaching(target, source.key, { label, inferred: via !== null, relation }), crowd], waits }
  },
}

/** Loopback and link-local addresses are everybody's own. */
const isElsewhere = (ip: string): boolean => !/^(?:127\.|169\.254\.|0\.0\.0\.0$|::1?$|fe80:|::ffff:127\.)/i.test(ip) && ip.length <= 45

type Target = { target: Entity | null; via: Entity | null; /** Namespace whose pods the answer hangs on. */ within: string | null }

async function targetOf(alert: Lead, ip: string, inventory: Inventory): Promise<Target> {
  const there = (await inventory.byAddress(alert.scope, ip, alert.eventNs)).filter((one) => livedAt(one, alert.eventNs))
  const pods = there.filter((one) => one.kind === 'pod' && specOf(one)?.hostNetwork === false)
  const services = there.filter((one) => one.kind === 'service')
  const [pod] = pods
  const [service] = services
  if (pods.length === 1 && services.length === 0) return { target: pod ?? null, via: null, within: null }
  if (services.length !== 1 || pods.length > 0 || service === undefined) return { target: null, via: null, within: null }
  const { namespace } = service
  const selector = (service.properties.selector ?? {}) as Record<string, string>
  if (namespace === null || Object.keys(selector).length === 0) return { target: null, via: service, within: null }
  const behind = (await inventory.podsBySelector(alert.scope, namespace, selector, alert.eventNs)).filter((one) =>
    existedAt(one, alert.eventNs),
  )
  const places = await placesOf(behind, inventory)
  return { target: places?.length === 1 ? (places[0] ?? null) : null, via: service, within: namespace }
}
