/** What relations of the inventory add to an alert: its moves, what they hang on, and why there is none. */
import type { Lead } from '../domain/alert.ts'
import type { SharedFact } from '../domain/incident.ts'
import type { AlertContext, Inventory } from './context.ts'
import { distinctFacts } from './correlate.ts'
import { allAsked } from './inventory.ts'
import { correlationRules } from './rules/registry.generated.ts'

export type Moves = { facts: SharedFact[]; waits: string[]; notes: string[] }

const asking = correlationRules.filter((rule) => rule.reached !== undefined)

/** `context` is what inventory says of the alert's own place. */
export async function movesOf(alert: Lead, context: AlertContext, inventory: Inventory): Promise<Moves> {
  const found = await allAsked(asking.map(async (rule) => ({ rule: rule.name, ...(await rule.reached?.(alert, context, inventory)) })))
  return {
    facts: found.flatMap(({ rule, facts }) => distinctFacts(rule, facts ?? [])),
    waits: [...new Set(found.flatMap(({ waits }) => waits ?? []))],
    notes: found.flatMap(({ note }) => note ?? []),
  }
}

/** The notes stand beside how its place was found. */
export const withNotes = (context: AlertContext, { notes }: Moves): AlertContext =>
  notes.length === 0 ? context : { ...context, how: [context.how, ...notes].join('; ') }
