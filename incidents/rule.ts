/** The contract of a correlation rule: which facts an alert carries. Two alerts that share one within the window are one incident. */
import type { Lead } from '../domain/alert.ts'
import type { AlertContext } from './context.ts'

export type Fact = { key: string; label: string; inferred: boolean }

export interface CorrelationRule {
  /** The file's name: the shared fact. */
  readonly name: string
  /** Nanoseconds: two alerts no further apart than this chain together. */
  readonly window: bigint
  /** Used only when no other rule found a fact. */
  readonly lastResort?: boolean
  facts(alert: Lead, context: AlertContext): Fact[]
}

export const minutes = (count: number): bigint => BigInt(count) * 60_000_000_000n
