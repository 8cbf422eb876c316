/**
 * The contract of a correlation rule: which facts an alert carries. Two alerts that share one within the window are one incident. A rule with
 * `reach` finds moves: facts that relations of the inventory explain, mostly one-way (domain/incident.ts).
 */
import type { Lead } from '../domain/alert.ts'
import type { SharedFact } from '../domain/incident.ts'
import type { AlertContext, Inventory } from './context.ts'

export type Fact = Omit<SharedFact, 'rule'>

/** What a rule concluded with the inventory. `waits`: on what news of it the answer depends, in the words of `waitFor`. `note`: why it joins nothing. */
export type Reached = { facts: Fact[]; waits: string[]; note?: string }

export interface CorrelationRule {
  /** The file's name: the shared fact. */
  readonly name: string
  /** Nanoseconds: two alerts no further apart than this chain together. */
  readonly window: bigint
  /**
   * Of moves: how long before the one that reaches, and how long after it, alerts of what it reached are met. Both together are no less than any
   * window within which those chain: only then does the order of arrival not matter.
   */
  readonly reach?: { before: bigint; after: bigint }
  /** It keeps no last resort away: it says that two alerts tell of one thing, and not where that was. */
  readonly aside?: boolean
  /** Used only when no other rule found a fact; moves and facts aside do not count. */
  readonly lastResort?: boolean
  facts(alert: Lead, context: AlertContext): Fact[]
  reached?(alert: Lead, context: AlertContext, inventory: Inventory): Promise<Reached>
}

export const minutes = (count: number): bigint => BigInt(count) * 60_000_000_000n

export const nothingReached: Reached = { facts: [], waits: [] }

/** What news an answer waits for; store/reconsider.ts writes the same words. */
export const waitFor = {
  address: (scope: string, ip: string): string => `address/${scope}/${ip}`,
  account: (scope: string, namespace: string, name: string): string => `account/${scope}/${namespace}/${name}`,
  namespace: (scope: string, namespace: string): string => `namespace/${scope}/${namespace}`,
  role: (account: string, role: string): string => `role/${account}/${role}`,
  instance: (id: string): string => `instance/${id}`,
  node: (scope: string, name: string): string => `node/${scope}/${name}`,
  escapes: (scope: string): string => `escapes/${scope}`,
}
