/** Records that are read by a short list of fields: a proposal, a change that fixes, a Falco rule as it is loaded. Read from the store each time. */
import { ruleAsLoaded } from '../collectors/falco-rules/as-loaded.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import { isId, parseId, shortId } from '../domain/ids.ts'
import { movingReasons } from '../domain/fix-words.ts'
import type { Approval, Proposal } from '../domain/proposal.ts'
import type { Queryable } from '../store/database.ts'
import { type Fix, getFix } from '../store/fixes.ts'
import { approvalsOf, getProposal } from '../store/proposals.ts'

export const fieldedKinds = ['proposal', 'fix', 'rule'] as const
export type FieldedKind = (typeof fieldedKinds)[number]
export type Fielded = { id: string; fields: Readonly<Record<string, string | null>> }
export const isFielded = (record: EvidenceRef['record']): record is FieldedKind => (fieldedKinds as readonly string[]).includes(record)

export async function readFielded(db: Queryable, record: FieldedKind, id: string): Promise<Fielded | undefined> {
  switch (record) {
    case 'proposal': {
      const by = parseId('proposal', id)
      const found = by && (await getProposal(db, by))
      return found && { id: found.id, fields: ofProposal(found, await approvalsOf(db, found.id)) }
    }
    case 'fix': {
      const found = isId(id) ? await getFix(db, id) : undefined
      return found && { id: found.id, fields: ofFix(found) }
    }
    case 'rule':
      return readRule(db, id)
  }
}

const decisionWords = { approve: 'approved', reject: 'rejected', revert: 'asked to be undone' } as const
/** `decided.0`, …: what each person decided, in order. */
const ofProposal = (one: Proposal, decided: readonly Approval[]): Fielded['fields'] => ({
  ...Object.fromEntries(
    decided.map(({ decision, name, role, at }, index) => [
      `decided.${index}`,
      `${decisionWords[decision]} by ${name} (${role}), ${at.toISOString()}`,
    ]),
  ),
  shortId: shortId('proposal', one.id),
  action: one.action,
  target: one.target.namespace === null ? one.target.name : `${one.target.namespace}/${one.target.name}`,
  kind: one.target.workloadKind ?? one.target.kind,
  state: one.state,
  reason: one.reason,
  summary: one.plan?.summary ?? null,
  expires: one.expiresAt?.toISOString() ?? null,
})

const ofFix = (one: Fix): Fielded['fields'] => ({
  title: one.title,
  kind: one.kind,
  level: one.level,
  score: String(Math.round(one.score * 10) / 10),
  findings: String(one.findings),
  workloads: String(one.places),
  version: one.details.version,
  why: movingReasons(one.details.reasons)
    .slice(0, 2)
    .map(({ text }) => text)
    .join('; '),
})

/** By `cluster/name`, the name as it is; a cluster’s name has no slash. */
async function readRule(db: Queryable, id: string): Promise<Fielded | undefined> {
  const [, cluster = '', name = ''] = /^([^/]+)\/(.+)$/s.exec(id) ?? []
  if (name === '') return undefined
  try {
    const rule = await ruleAsLoaded(db, name, cluster)
    const fields = {
      name: rule.name,
      cluster: rule.scope,
      source: rule.source,
      priority: rule.priority,
      enabled: String(rule.enabled),
      tags: rule.tags.join(', '),
      description: rule.desc.trim(),
      condition: rule.condition,
      expanded: rule.expanded,
      output: rule.output,
    }
    return { id: `${rule.scope}/${rule.name}`, fields }
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}
