/**
 * Proposals, approvals and artifacts as rows. State changes are conditional updates: whoever finds the row in the
 * state it expects has it, everybody else is told no. Approvals are appended and never changed.
 */
import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { canonicalJson } from '../domain/canonical-json.ts'
import { newId } from '../domain/ids.ts'
import type { ActionTarget, Approval, Artifact, ExecutionResult, Plan, Proposal, Proposer, ProposalState } from '../domain/proposal.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

type Row = {
  id: string
  incident_id: string | null
  investigation_id: string | null
  scope: string
  action: string
  params: Record<string, unknown>
  target: ActionTarget
  reason: string
  state: ProposalState
  state_reason: string | null
  proposed_by: Proposer
  plan: Plan | null
  plan_hash: string | null
  quorum: number
  expires_at: Date | null
  superseded_by: string | null
  claim_id: string | null
  result: ExecutionResult | null
  created_at: Date
  updated_at: Date
}
const columns = sql`id::text, incident_id::text, investigation_id::text, scope, action, params, target, reason, state, state_reason, proposed_by, plan, plan_hash, quorum, expires_at, superseded_by::text, claim_id::text, result, created_at, updated_at`
const openStates: readonly ProposalState[] = ['requested', 'planning', 'pending', 'approved', 'executing']

export type NewProposal = Pick<
  Proposal,
  'incidentId' | 'investigationId' | 'action' | 'params' | 'target' | 'reason' | 'proposedBy' | 'quorum'
>

/** Inserts a request, unless the same action on the same target is open already: then that one is answered. */
export async function insertProposal(tx: Transaction, proposal: NewProposal, at: Date): Promise<{ proposal: Proposal; created: boolean }> {
  const paramsKey = canonicalJson(proposal.params)
  await tx.query(sql`select id from entities where id = ${BigInt(proposal.target.entityId)} for update`)
  const [same] = await tx.query(
    sql<Row>`select ${columns} from proposals where target_entity_id = ${BigInt(proposal.target.entityId)} and action = ${proposal.action} and params_key = ${escapeText(paramsKey)} and state = any(${openStates}::text[]) order by created_at limit 1`,
  )
  if (same !== undefined) return { proposal: fromRow(same), created: false }
  const [row] =
    await tx.query(sql<Row>`insert into proposals (id, incident_id, investigation_id, scope, action, params, params_key, target, target_entity_id, reason, state, proposed_by, quorum, created_at, updated_at)
    values (${newId()}, ${proposal.incidentId}, ${proposal.investigationId}, ${escapeText(proposal.target.scope)}, ${proposal.action}, ${json(proposal.params)}, ${escapeText(paramsKey)}, ${json(proposal.target)}, ${BigInt(proposal.target.entityId)},
      ${escapeText(proposal.reason)}, 'requested', ${json(proposal.proposedBy)}, ${proposal.quorum}, ${at}, ${at}) returning ${columns}`)
  return { proposal: fromRow(row as Row), created: true }
}

/** The newest of the same action on the same target for this incident, or for one that became part of it. */
export async function lastProposed(
  db: Queryable,
  { incidentId, action, params, target }: Pick<NewProposal, 'action' | 'params' | 'target'> & { incidentId: string },
): Promise<Proposal | undefined> {
  const [row] = await db.query(
    sql<Row>`select ${columns} from proposals where (incident_id = ${incidentId} or incident_id in (select id from incidents where merged_into = ${incidentId}))
      and target_entity_id = ${BigInt(target.entityId)} and action = ${action} and params_key = ${escapeText(canonicalJson(params))} order by id desc limit 1`,
  )
  return row && fromRow(row)
}

export async function getProposal(db: Queryable, by: { id: string } | { tail: string }): Promise<Proposal | undefined> {
  const [row] = await db.query(
    sql<Row>`select ${columns} from proposals where ${'id' in by ? sql`id = ${by.id}` : sql`right(replace(id::text, '-', ''), 10) = ${by.tail}`} limit 1`,
  )
  return row && fromRow(row)
}

/** The row, locked until the transaction ends. */
export async function lockProposal(tx: Transaction, id: string): Promise<Proposal | undefined> {
  const [row] = await tx.query(sql<Row>`select ${columns} from proposals where id = ${id} for update`)
  return row && fromRow(row)
}

export type ProposalFilter = { states?: readonly ProposalState[]; incidentId?: string; before?: string }

/** Newest first; `before` is the id of the last one on the page before. */
export async function listProposals(db: Queryable, filter: ProposalFilter, limit: number): Promise<Proposal[]> {
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (filter.states !== undefined) conditions.push(sql`state = any(${filter.states}::text[])`)
  if (filter.incidentId !== undefined) conditions.push(sql`incident_id = ${filter.incidentId}`)
  if (filter.before !== undefined) conditions.push(sql`id < ${filter.before}`)
  return (
    await db.query(sql<Row>`select ${columns} from proposals where ${sql.join(conditions, sql` and `)} order by id desc limit ${limit}`)
  ).map(fromRow)
}

export async function countProposals(db: Queryable): Promise<Partial<Record<ProposalState, number>>> {
  return Object.fromEntries(
    (await db.query(sql<{ state: ProposalState; n: bigint }>`select state, count(*) as n from proposals group by state`)).map((row) => [
      row.state,
      Number(row.n),
    ]),
  )
}

/** Proposals by this kind of principal in a scope since then; for the policy's cap on agents. */
export async function countProposedSince(db: Queryable, scope: string, kind: string, since: Date): Promise<number> {
  return Number(
    (
      await db.query(
        sql<{
          n: bigint
        }>`select count(*) as n from proposals where scope = ${escapeText(scope)} and proposed_by->>'kind' = ${kind} and created_at >= ${since}`,
      )
    )[0]?.n ?? 0n,
  )
}

export type ProposalChange = {
  state: ProposalState
  reason?: string | null
  plan?: Plan
  planHash?: string
  expiresAt?: Date | null
  result?: ExecutionResult
  supersededBy?: string
  claimId?: string
}

/** Moves a proposal on, if it is in one of `from` (and still under this claim). Answers undefined when it is not: somebody else was first. */
export async function moveProposal(
  tx: Queryable,
  id: string,
  from: readonly ProposalState[],
  change: ProposalChange,
  at: Date,
  claimId?: string | null,
): Promise<Proposal | undefined> {
  const sets = [
    sql`state = ${change.state}`,
    sql`updated_at = ${at}`,
    sql`state_reason = ${change.reason == null ? null : escapeText(change.reason)}`,
  ]
  if (change.plan !== undefined) sets.push(sql`plan = ${json(change.plan)}`)
  if (change.planHash !== undefined) sets.push(sql`plan_hash = ${change.planHash}`)
  if (change.expiresAt !== undefined) sets.push(sql`expires_at = ${change.expiresAt}`)
  if (change.result !== undefined) sets.push(sql`result = ${json(change.result)}`)
  if (change.supersededBy !== undefined) sets.push(sql`superseded_by = ${change.supersededBy}`)
  if (change.claimId !== undefined) sets.push(sql`claim_id = ${change.claimId}`)
  const [row] = await tx.query(
    sql<Row>`update proposals set ${sql.join(sets, sql`, `)} where id = ${id} and state = any(${from}::text[])${claimId == null ? sql`` : sql` and claim_id = ${claimId}`} returning ${columns}`,
  )
  return row && fromRow(row)
}

/** Proposals in one of these states whose claim was over by then; all of them when no time is given. */
export async function claimedProposals(db: Queryable, states: readonly ProposalState[], lapsedBy: Date | null): Promise<Proposal[]> {
  return (
    await db.query(
      sql<Row>`select ${columns} from proposals where state = any(${states}::text[]) and (${lapsedBy}::timestamptz is null or expires_at is null or expires_at < ${lapsedBy}) order by id`,
    )
  ).map(fromRow)
}

/** Open proposals whose time is over. */
export async function overdueProposals(db: Queryable, now: Date): Promise<string[]> {
  return (
    await db.query(sql<{ id: string }>`select id::text from proposals where state in ('pending', 'approved') and expires_at < ${now}`)
  ).map((row) => row.id)
}

/** Appends a decision; false when this person has decided so before. */
export async function insertApproval(tx: Transaction, approval: Omit<Approval, 'id'>): Promise<boolean> {
  const rows =
    await tx.query(sql`insert into approvals (id, proposal_id, principal_id, person_id, name, role, decision, plan_hash, reason, channel, at)
    values (${newId()}, ${approval.proposalId}, ${approval.principalId}, ${approval.personId}, ${escapeText(approval.name)}, ${approval.role}, ${approval.decision}, ${approval.planHash}, ${escapeText(approval.reason)}, ${approval.channel}, ${approval.at})
    on conflict (proposal_id, person_id, decision) do nothing returning 1`)
  return rows.length > 0
}

export async function approvalsOf(db: Queryable, proposalId: string): Promise<Approval[]> {
  type ApprovalRow = {
    id: string
    principal_id: string
    person_id: string
    name: string
    role: string
    decision: Approval['decision']
    plan_hash: string
    reason: string
    channel: string
    at: Date
  }
  const rows = await db.query(
    sql<ApprovalRow>`select id::text, principal_id, person_id, name, role, decision, plan_hash, reason, channel, at from approvals where proposal_id = ${proposalId} order by at, id`,
  )
  return rows.map((row) => ({
    id: row.id,
    proposalId,
    principalId: row.principal_id,
    personId: row.person_id,
    name: unescapeText(row.name),
    role: row.role,
    decision: row.decision,
    planHash: row.plan_hash,
    reason: unescapeText(row.reason),
    channel: row.channel,
    at: row.at,
  }))
}

export type StoredArtifact = { id: string; name: string; mediaType: string; size: number; sha256: string; createdAt: Date }

/** Stores what was collected; answers its SHA-256. */
export async function insertArtifact(tx: Queryable, proposalId: string, artifact: Artifact, at: Date): Promise<string> {
  const content = Buffer.from(artifact.content)
  const digest = createHash('sha256').update(content).digest()
  await tx.query(
    sql`insert into artifacts (id, proposal_id, name, media_type, content, sha256, created_at) values (${newId()}, ${proposalId}, ${escapeText(artifact.name)}, ${artifact.mediaType}, ${content}, ${digest}, ${at})`,
  )
  return digest.toString('hex')
}

export async function artifactsOf(db: Queryable, proposalId: string): Promise<StoredArtifact[]> {
  const rows = await db.query(
    sql<{
      id: string
      name: string
      media_type: string
      size: bigint
      sha256: Buffer
      created_at: Date
    }>`select id::text, name, media_type, length(content)::bigint as size, sha256, created_at from artifacts where proposal_id = ${proposalId} order by created_at, name`,
  )
  return rows.map((row) => ({
    id: row.id,
    name: unescapeText(row.name),
    mediaType: row.media_type,
    size: Number(row.size),
    sha256: row.sha256.toString('hex'),
    createdAt: row.created_at,
  }))
}

export async function getArtifact(
  db: Queryable,
  proposalId: string,
  id: string,
): Promise<{ name: string; mediaType: string; content: Buffer } | undefined> {
  const [row] = await db.query(
    sql<{
      name: string
      media_type: string
      content: Buffer
    }>`select name, media_type, content from artifacts where proposal_id = ${proposalId} and id::text = ${id}`,
  )
  return row && { name: unescapeText(row.name), mediaType: row.media_type, content: row.content }
}

const fromRow = (row: Row): Proposal => ({
  id: row.id,
  incidentId: row.incident_id,
  investigationId: row.investigation_id,
  action: row.action,
  state: row.state,
  planHash: row.plan_hash,
  quorum: row.quorum,
  expiresAt: row.expires_at,
  supersededBy: row.superseded_by,
  claimId: row.claim_id,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  stateReason: row.state_reason === null ? null : unescapeText(row.state_reason),
  ...unescapeDeep({
    scope: row.scope,
    params: row.params,
    target: row.target,
    reason: row.reason,
    proposedBy: row.proposed_by,
    plan: row.plan,
    result: row.result,
  }),
})
