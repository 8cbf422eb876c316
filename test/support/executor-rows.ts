/** What an attacker with a connection to the database could write into a proposal's row, past everything in responses/. */
import { sql } from 'kysely'
import type { Proposal } from '../../domain/proposal.ts'
import type { Database } from '../../store/database.ts'
import { json } from '../../store/values.ts'

type Rewrite = Partial<Pick<Proposal, 'state' | 'plan' | 'planHash' | 'result' | 'expiresAt' | 'target' | 'params' | 'quorum'>>

/** Writes these columns of a proposal, whatever its state. */
export async function rewriteProposal(db: Database, id: string, columns: Rewrite): Promise<void> {
  const sets = [
    ...(columns.state === undefined ? [] : [sql`state = ${columns.state}, state_reason = null, claim_id = null`]),
    ...(columns.plan === undefined ? [] : [sql`plan = ${json(columns.plan)}`]),
    ...(columns.planHash === undefined ? [] : [sql`plan_hash = ${columns.planHash}`]),
    ...(columns.result === undefined ? [] : [sql`result = ${columns.result === null ? null : json(columns.result)}`]),
    ...(columns.expiresAt === undefined ? [] : [sql`expires_at = ${columns.expiresAt}`]),
    ...(columns.target === undefined ? [] : [sql`target = ${json(columns.target)}`]),
    ...(columns.params === undefined ? [] : [sql`params = ${json(columns.params)}`]),
    ...(columns.quorum === undefined ? [] : [sql`quorum = ${columns.quorum}`]),
  ]
  await db.query(sql`update proposals set ${sql.join(sets, sql`, `)} where id = ${id}`)
}

/** Writes another hash into the approvals of a proposal. */
export async function rewriteApprovals(db: Database, proposalId: string, planHash: string): Promise<void> {
  await db.query(sql`update approvals set plan_hash = ${planHash} where proposal_id = ${proposalId}`)
}
