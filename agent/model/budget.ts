/** What one asking may take, and the month's cap over all: counted before each call. Reached, it says which, and nothing more is asked. */
import { nothingSpent, addSpend, type Spend, tokensOf } from '../../domain/spend.ts'
import { BudgetSpent, type Limits } from './model.ts'

export type Budget = {
  /** Null while another call may be made. */
  reached(): Promise<BudgetSpent | null>
  /** A call begins: it counts, whatever comes of it. */
  began(): void
  add(cost: Omit<Spend, 'calls'>): void
  spent(): Spend
  /** Aborted, with the reason, when the time is up. */
  readonly timeUp: AbortSignal
}
type Month = { cap: number; usd: () => Promise<number> }

/** `carried`: what was spent before, by a process that died. */
export function openBudget(limits: Limits, carried: Spend, month: Month): Budget {
  let spent = carried
  const timeUp = new AbortController()
  const left = Math.max(0, limits.seconds * 1_000 - carried.ms)
  const began = performance.now()
  // It may outlive the asking, but keeps no process up.
  setTimeout(() => timeUp.abort(reachedWords('seconds', limits)), Math.min(left, longestTimer)).unref()
  return {
    async reached() {
      if (spent.calls >= limits.calls) return reachedWords('calls', limits)
      if (tokensOf(spent) >= limits.tokens) return reachedWords('tokens', limits)
      if (performance.now() - began >= left) return reachedWords('seconds', limits)
      if (spent.usd !== null && spent.usd >= limits.usd) return reachedWords('usd', limits)
      return monthSpent(month)
    },
    began() {
      spent = addSpend(spent, { ...nothingSpent, calls: 1 })
    },
    add(cost) {
      spent = addSpend(spent, { ...cost, calls: 0 })
    },
    spent: () => spent,
    timeUp: timeUp.signal,
  }
}
const longestTimer = 2 ** 31 - 1

export async function monthSpent({ cap, usd }: Month): Promise<BudgetSpent | null> {
  const sum = await usd()
  if (sum < cap) return null
  return new BudgetSpent(
    'month',
    `Models cost ${sum.toFixed(2)} USD this month, and ${cap} is the cap (FALCONER_MODEL_USD_MONTH). No model is asked until it is raised or the month is over.`,
  )
}

function reachedWords(what: keyof Limits, limits: Limits): BudgetSpent {
  const words = { calls: 'calls of the model', tokens: 'tokens', seconds: 'seconds', usd: 'USD' }[what]
  return new BudgetSpent(what, `The budget of ${limits[what]} ${words} is spent (FALCONER_MODEL_${what.toUpperCase()}).`)
}
