/** What the steps of a proposal's life share. */
import type { Clock } from '../domain/clock.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { Channel, Principal } from '../domain/principal.ts'
import type { Proposal } from '../domain/proposal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Database, Transaction } from '../store/database.ts'
import { lockProposal } from '../store/proposals.ts'
import type { Policy } from './policy.ts'

export type ResponseContext = {
  db: Database
  clock: Clock
  policy: Policy
  /** False: approved actions run on simulated clusters only. */
  actionsEnabled: boolean
}
export type Actor = { principal: Principal; channel: Channel }

export async function audit(
  tx: Transaction,
  { clock }: ResponseContext,
  { principal, channel }: Actor,
  action: string,
  proposal: Pick<Proposal, 'id'>,
  details: Record<string, unknown>,
  shownDigest: string | null = null,
): Promise<void> {
  await appendAudit(tx, clock, { principal, channel, action, subject: `proposal/${proposal.id}`, details, shownDigest })
}

/** The proposal, locked. Throws NotFoundError. */
export async function locked(tx: Transaction, id: string): Promise<Proposal> {
  const proposal = await lockProposal(tx, id)
  if (proposal === undefined) throw new NotFoundError('There is no such proposal.')
  return proposal
}
