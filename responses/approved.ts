/**
 * Approved: proof, checked at run time, that a plan may be run now. Made only from a ticket that the server signed when it
 * claimed a stored approval; a cast or a copy is not in the set and is refused. Signatures are ed25519 over canonical JSON.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { canonicalHash, canonicalJson } from '../domain/canonical-json.ts'
import type { Clock } from '../domain/clock.ts'
import { DeniedError } from '../domain/errors.ts'
import { Plan, PlannedRequest } from '../domain/proposal.ts'

/** What the server signs: which plan, approved by whom, claimed once, to be started before `expiresAt`. */
export const Ticket = z.object({
  kind: z.enum(['execute', 'revert']),
  proposalId: z.string(),
  claimId: z.string(),
  plan: Plan,
  planHash: z.string(),
  approvers: z.array(z.object({ personId: z.string(), name: z.string(), role: z.string() })).min(1),
  undo: z.array(PlannedRequest).describe('For a revert: the requests recorded when it was executed'),
  expiresAt: z.string().describe('ISO 8601; after this instant it may not be started'),
  finishBy: z.string().describe('ISO 8601; after this instant nothing more is sent'),
})
export type Ticket = z.infer<typeof Ticket>
export type SignedTicket = { ticket: Ticket; signature: string }

declare const brand: unique symbol
/** Only `admitTicket` makes one. `requests` is all that may be sent under it. */
export type Approved = {
  readonly [brand]: true
  readonly ticket: Ticket
  readonly plan: Plan
  readonly requests: readonly PlannedRequest[]
}

const admitted = new WeakSet<Approved>()

/** Over the whole plan: whatever a person was shown of it, its words too, is what they approved. */
export const planHash = (plan: Plan): string => canonicalHash(plan)

export type ApprovalKeys = { privateKey: string; publicKey: string }
export function newApprovalKeys(): ApprovalKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
export const publicKeyOf = (privateKey: string): string =>
  createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' }).toString()

export const signTicket = (ticket: Ticket, privateKey: string): SignedTicket => ({
  ticket,
  signature: sign(null, Buffer.from(canonicalJson(ticket)), createPrivateKey(privateKey)).toString('base64'),
})

/** Checks signature, hash and expiry. Throws DeniedError with `forged`, `altered` or `expired`. */
export function admitTicket(given: SignedTicket, publicKey: KeyObject | string, clock: Clock): Approved {
  const parsed = Ticket.safeParse(given.ticket)
  if (!parsed.success) throw new DeniedError('forged', 'The ticket has not the shape of a ticket.')
  const ticket = parsed.data
  const key = typeof publicKey === 'string' ? createPublicKey(publicKey) : publicKey
  if (!verify(null, Buffer.from(canonicalJson(ticket)), key, Buffer.from(given.signature, 'base64')))
    throw new DeniedError('forged', 'The ticket was not signed by this server’s approval key.')
  if (planHash(ticket.plan) !== ticket.planHash) throw new DeniedError('altered', 'The plan is not the one that was approved.')
  if (!isPartOf(ticket.undo, ticket.plan.undoRequests))
    throw new DeniedError('altered', 'The undo is not part of the plan that was approved.')
  if (clock.now().getTime() > Date.parse(ticket.expiresAt))
    throw new DeniedError('expired', `The approval had to be used before ${ticket.expiresAt}.`)
  const approved = Object.freeze({
    ticket,
    plan: ticket.plan,
    requests: ticket.kind === 'revert' ? ticket.undo : ticket.plan.requests,
  }) as unknown as Approved
  admitted.add(approved)
  return approved
}

/** Whether these requests stand in `all`, in this order, each as often at most. */
export function isPartOf(some: readonly PlannedRequest[], all: readonly PlannedRequest[]): boolean {
  const known = all.map((request) => canonicalJson(request))
  let from = 0
  return some.every((request) => {
    const at = known.indexOf(canonicalJson(request), from)
    from = at + 1
    return at >= 0
  })
}

/** Throws unless `admitTicket` made this very object. */
export function assertApproved(approved: Approved): void {
  if (!admitted.has(approved)) throw new DeniedError('forged', 'This was not approved: it did not come from a checked ticket.')
}
