/**
 * Grounding: code re-reads every record a claim cites and compares the value that stood there. An observation
 * needs one record, a causal claim two; absence cites coverage. Every `quoted` value in a sentence must be one of
 * the cited values. What does not hold is kept as a hypothesis and counted; it is never shown as a fact.
 */
import type { Alert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import type { RecordedDecision } from '../domain/incident.ts'
import type { Claim, DraftReport, GroundedClaim, Report } from '../domain/report.ts'
import { maxSeverity, type Severity } from '../domain/severity.ts'
import { alertField, entityField } from './record-field.ts'
import type { Coverage } from './case-file.ts'

/** Reads records afresh; the store's, never the analyst's copy. */
export interface RecordReader {
  alert(id: string): Promise<Alert | undefined>
  entity(id: string): Promise<Entity | undefined>
  decision(id: string): Promise<RecordedDecision | undefined>
  coverage(name: string): Promise<Coverage | undefined>
}

/** What a report may speak of: the incident's floor, and the inventory entities of its case. */
export type GroundingCase = { severityFloor: Severity; entityIds: ReadonlySet<string> }

export async function ground(draft: DraftReport, reader: RecordReader, about: GroundingCase): Promise<Report> {
  const check = async (claims: readonly Claim[]): Promise<GroundedClaim[]> => Promise.all(claims.map((claim) => groundClaim(claim, reader)))
  const [summary, reasons, unusual, timeline] = await Promise.all([
    check(draft.summary),
    check(draft.reasons),
    check(draft.unusual),
    check(draft.timeline),
  ])
  const actions = draft.actions.map((action) =>
    action.entityId !== null && !about.entityIds.has(action.entityId)
      ? { ...action, entityId: null, blocked: 'its target is not an inventory record of this case' }
      : action,
  )
  const ungrounded = [...summary, ...reasons, ...unusual, ...timeline].filter((claim) => !claim.grounded).length
  return { ...draft, summary, reasons, unusual, timeline, actions, severity: maxSeverity(draft.severity, about.severityFloor), ungrounded }
}

export async function groundClaim(claim: Claim, reader: RecordReader): Promise<GroundedClaim> {
  const problems: string[] = []
  const records = new Set(claim.evidence.map((reference) => `${reference.record}/${reference.id}`))
  const needed = claim.kind === 'causal' ? 2 : 1
  if (records.size < needed)
    problems.push(`a ${claim.kind} claim needs ${needed === 1 ? 'a cited record' : 'two cited records'}; it cites ${records.size}`)
  if (claim.kind === 'absence' && !claim.evidence.some((reference) => reference.record === 'coverage'))
    problems.push('a claim that something was not seen must cite the coverage it stands on')
  const confirmed: string[] = []
  for (const reference of claim.evidence) {
    const found = await reread(reference, reader)
    if (typeof found === 'object') problems.push(found.problem)
    else if (found !== '') confirmed.push(bare(found))
  }
  for (const quoted of quotedValues(claim.text))
    if (!confirmed.some((value) => value === quoted || (value.includes(quoted) && quoted.length >= 3)))
      problems.push('it quotes a value that no cited record holds')
  return { ...claim, grounded: problems.length === 0, problems: [...new Set(problems)] }
}

/** The text that stands in the record now, '' when the whole record is cited, or why it cannot be confirmed. */
async function reread(reference: EvidenceRef, reader: RecordReader): Promise<string | { problem: string }> {
  const missing = { problem: `the cited ${reference.record} does not exist` }
  let value: string | null
  if (reference.record === 'coverage') {
    const coverage = await reader.coverage(reference.id)
    if (coverage === undefined) return missing
    value = reference.path === 'lastSeenAt' ? (coverage.lastSeenAt?.toISOString() ?? 'never') : null
    // A source may have been heard again since; what was said of it then stays true if it is not later than now.
    if (reference.path === 'lastSeenAt' && reference.value !== null && (reference.value === value || reference.value < (value ?? '')))
      return reference.value
  } else if (reference.record === 'decision') {
    const decision = await reader.decision(reference.id)
    if (decision === undefined) return missing
    value = decision.reason
  } else {
    const found = reference.record === 'alert' ? await reader.alert(reference.id) : await reader.entity(reference.id)
    if (found === undefined) return missing
    value =
      reference.path === null
        ? null
        : reference.record === 'alert'
          ? alertField(found as Alert, reference.path)
          : entityField(found as Entity, reference.path)
  }
  if (reference.path === null) return reference.value === null ? '' : { problem: 'it quotes a value without saying where it stands' }
  if (value === null) return { problem: `the cited ${reference.record} has no ${reference.path}` }
  return value === reference.value ? value : { problem: `the cited ${reference.record} holds another value at ${reference.path}` }
}

const open = '⟦'
const close = '⟧'

/** Puts a record's value into a sentence, so that grounding can find it again. Shown as code. */
export const quote = (value: string): string => `${open}${bare(value)}${close}`
const bare = (value: string): string => value.replaceAll(open, '[').replaceAll(close, ']')

/** The sentence in parts: plain words of ours, and values quoted from records. */
export function sentenceParts(text: string): { quoted: boolean; text: string }[] {
  return text
    .split(/(⟦[^⟧]*⟧)/u)
    .filter((part) => part !== '')
    .map((part) =>
      part.startsWith(open) && part.endsWith(close) ? { quoted: true, text: part.slice(1, -1) } : { quoted: false, text: part },
    )
}
const quotedValues = (text: string): string[] =>
  sentenceParts(text)
    .filter((part) => part.quoted)
    .map((part) => part.text)
