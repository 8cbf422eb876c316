import type { Lead } from '../../domain/alert.ts'
import { existedAt } from '../../domain/entity.ts'
import { type AlertContext, type Inventory, mostAsked } from '../context.ts'
import { endOf, isEscape, nameOf, onHost, placeOf, reaching } from '../origin.ts'
import { type CorrelationRule, type Fact, minutes, nothingReached, type Reached, waitFor } from '../rule.ts'

/** An escape (T1611) seen on a host, after an alert in a pod that runs there and is made so that one can get from it to its node. */
export const escapePossible: CorrelationRule = {
  name: 'escape-possible',
  window: minutes(15),
  reach: { before: minutes(60), after: minutes(2) },
  facts: () => [],
  async reached(alert: Lead, { node }: AlertContext, inventory: Inventory): Promise<Reached> {
    if (node === null || !onHost(alert) || !isEscape(alert)) return nothingReached
    const waits = [waitFor.node(node.scope, node.key), waitFor.escapes(node.scope)]
    const pods = (await inventory.podsOnNode(node, alert.eventNs)).filter((pod) => existedAt(pod, alert.eventNs))
    if (pods.length >= mostAsked) return { facts: [], waits, note: 'too many pods ran on this node to tell which one was left' }
    const facts = await Promise.all(
      pods.map(async (pod): Promise<Fact[]> => {
        const [because] = await inventory.escapesOf(await placeOf(pod, inventory), alert.eventNs)
        if (because === undefined) return []
        const relation = { from: endOf(pod), type: 'RUNS_ON' as const, to: endOf(node) }
        return [
          reaching(pod, node.key, { label: `node ${node.name}, which pod ${nameOf(pod)} runs on: ${because}`, inferred: true, relation }),
        ]
      }),
    )
    return { facts: facts.flat(), waits }
  },
}
