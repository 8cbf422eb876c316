/**
 * What a destination is told beside its incidents: what became of proposals, and what the channel tells by itself. By the same server and with the same
 * patience: one that is away is left alone for all of it.
 */
import { holdDestination, noteFailing, noteWell } from '../store/incident-notices.ts'
import { dueProposals, type DueProposal, noteProposalTold, noteProposalWaits } from '../store/proposal-notices.ts'
import type { Policy } from '../responses/policy.ts'
import { backOff, failingMs, holdMs, later } from './back-off.ts'
import type { Delivery } from './deliver.ts'
import type { Outcome } from './notification.ts'
import { factsOfProposal } from './proposal-facts.ts'

const atOnce = 10
const mostRefusedMs = 3_600_000

/** One round. True: there may be more to tell at once. */
export async function tend(delivery: Delivery, policy: Policy): Promise<boolean> {
  const { db, clock, channel, holder, stop } = delivery
  const due = channel.proposal === undefined ? [] : await dueProposals(db, { destination: channel.name, now: clock.now(), limit: atOnce })
  if (due.length === 0 && (await channel.own?.isDue()) !== true) return false
  const held = await holdDestination(db, { name: channel.name, by: holder, now: clock.now(), forMs: holdMs, idle: true })
  if (held === null) return false
  let told = 0
  for (const one of due) {
    const outcome = await tellProposal(delivery, policy, one)
    if (stop.aborted) return false
    if (outcome.outcome === 'away') return away(delivery, held.failures, outcome, told)
    if (outcome.outcome === 'taken') told += 1
  }
  const own = await channel.own?.tell()
  if (stop.aborted) return false
  if (own?.outcome === 'away') return away(delivery, held.failures, own, told)
  if (told > 0) {
    await noteWell(db, channel.name, told, clock.now())
    if (held.failures > 0) delivery.told({ error: null, failures: 0, nextAt: null })
  }
  return due.length === atOnce
}

/** A proposal that cannot be told waits alone. */
async function tellProposal(
  { db, clock, channel, base }: Delivery,
  policy: Policy,
  { id, version, attempts }: DueProposal,
): Promise<Outcome> {
  const place = { destination: channel.name, id }
  const facts = await factsOfProposal(db, id, base, policy)
  const outcome: Outcome = facts === undefined ? { outcome: 'taken' } : ((await channel.proposal?.(facts)) ?? { outcome: 'taken' })
  if (outcome.outcome === 'taken') await noteProposalTold(db, place, version)
  if (outcome.outcome === 'later') await noteProposalWaits(db, place, { reason: null, nextAt: later(clock, outcome.afterMs) })
  if (outcome.outcome === 'refused')
    await noteProposalWaits(db, place, { reason: outcome.reason, nextAt: later(clock, backOff(attempts, mostRefusedMs)) })
  return outcome
}

async function away(
  { db, clock, channel, told }: Delivery,
  failures: number,
  { reason, retryAfterMs }: Extract<Outcome, { outcome: 'away' }>,
  taken: number,
): Promise<boolean> {
  const nextAt = later(clock, failingMs(failures, retryAfterMs ?? 0))
  await noteFailing(db, { name: channel.name, reason, taken, at: clock.now(), nextAt })
  told({ error: reason, failures: failures + 1, nextAt })
  return false
}
