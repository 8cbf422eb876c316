/**
 * Grounding: code re-reads every record a claim cites and compares the value that stood there. An observation
 * needs one record, a causal claim two; absence cites coverage. Every value a sentence quotes must stand in a cited
 * record, and so must what looks like one without being quoted. A model's sentence has to tell such a value, and where it is
 * from if that is elsewhere. What does not hold is kept, as a judgement or a hypothesis, and counted.
 */
import type { Alert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import type { Incident, RecordedDecision } from '../domain/incident.ts'
import type { AttackStep } from '../domain/graph.ts'
import { shortId } from '../domain/ids.ts'
import { type Claim, claimParts, type DraftReport, type GroundedClaim, nothingCompared, type Report } from '../domain/report.ts'
import { maxSeverity, type Severity } from '../domain/severity.ts'
import type { FindingFacts } from '../store/finding-facts.ts'
import { redact } from '../domain/redact.ts'
import { visible } from '../domain/untrusted.ts'
import type { Fielded, FieldedKind } from './record-fields.ts'
import { openRecord } from './record-values.ts'
import { bare, holds, type Held, isClosed, lookalikes, sentenceParts } from './sentence-parts.ts'
import type { Coverage } from './case-file.ts'

/** Reads records afresh; the store's, never the analyst's copy. */
export interface RecordReader {
  alert(id: string): Promise<Alert | undefined>
  entity(id: string): Promise<Entity | undefined>
  decision(id: string): Promise<RecordedDecision | undefined>
  coverage(name: string): Promise<Coverage | undefined>
  finding(id: string): Promise<FindingFacts | undefined>
  /** By `stepId`. */
  step(id: string): Promise<AttackStep | undefined>
  incident(id: string): Promise<Incident | undefined>
  fielded(record: FieldedKind, id: string): Promise<Fielded | undefined>
}

/** When each source was last heard, as it stood in the case: it may have been heard again since. */
export type SeenCoverage = ReadonlyMap<string, string>
/** What a model's sentences are about. What they cite from elsewhere has to be told as of there. */
export type Home = {
  /** Clusters and accounts that need no naming; null: any one of them. */ scopes: ReadonlySet<string> | null
  /** The incident of an alert, if that is not the one spoken of. */ otherIncidentOf?(alertId: string): Promise<string | null>
}
/**
 * What a report may speak of: the incident's floor, the inventory entities of its case, and what had been heard by then. `home`: its sentences are a
 * model's; without it they are code's, and what they conclude was decided when they were written.
 */
export type GroundingCase = { severityFloor: Severity; entityIds: ReadonlySet<string>; coverage: SeenCoverage; home?: Home }

export async function ground(draft: DraftReport, reader: RecordReader, about: GroundingCase): Promise<Report> {
  const check = async (claims: readonly Claim[]): Promise<GroundedClaim[]> =>
    Promise.all(
      claims.map((claim) =>
        about.home === undefined ? groundClaim(claim, reader, about.coverage) : groundSaid(claim, reader, about.home, about.coverage),
      ),
    )
  const checked = await Promise.all(claimParts.map(async (part) => [part, await check(draft[part])] as const))
  const actions = draft.actions.map((action) =>
    action.entityId !== null && !about.entityIds.has(action.entityId)
      ? { ...action, entityId: null, blocked: 'its target is not an inventory record of this case' }
      : action,
  )
  const ungrounded = checked.flatMap(([, claims]) => claims).filter((claim) => !claim.grounded).length
  const parts = Object.fromEntries(checked) as Pick<Report, (typeof claimParts)[number]>
  return { ...draft, ...parts, actions, severity: maxSeverity(draft.severity, about.severityFloor), ungrounded }
}

export async function groundClaim(claim: Claim, reader: RecordReader, seen: SeenCoverage = new Map()): Promise<GroundedClaim> {
  return judged(claim, (await compared(claim, reader, seen)).problems)
}

/** Of what a model says: it has to tell a value of what it cites, whatever it calls the sentence, and where that is from. */
export async function groundSaid(claim: Claim, reader: RecordReader, home: Home, seen: SeenCoverage = new Map()): Promise<GroundedClaim> {
  const { problems, scopes } = await compared(claim, reader, seen)
  const names = (name: string): boolean => new RegExp(`(?<![\\w-])${RegExp.escape(name)}(?![\\w-])`, 'u').test(claim.text)
  const strange = [...scopes].filter((scope) => (home.scopes === null ? scopes.size > 1 : !home.scopes.has(scope)))
  if (!strange.every(names)) problems.push('it cites a record of another cluster or account without naming that')
  const alerts = new Set(claim.evidence.flatMap(({ record, id }) => (record === 'alert' ? [id] : [])))
  const others = await Promise.all([...alerts].map((id) => home.otherIncidentOf?.(id) ?? null))
  if (!others.every((id) => id === null || names(shortId('incident', id))))
    problems.push('it cites an alert of another incident without naming that')
  if (problems.length === 0 && claim.evidence.every(({ path }) => path === null)) problems.push(nothingCompared)
  return judged(claim, problems)
}

const judged = (claim: Claim, problems: string[]): GroundedClaim => ({
  ...claim,
  grounded: problems.length === 0,
  problems: [...new Set(problems)],
})

/** What is wrong with a claim when each record it cites is read again; and where those records are of, unless they are the same everywhere. */
async function compared(claim: Claim, reader: RecordReader, seen: SeenCoverage): Promise<{ problems: string[]; scopes: Set<string> }> {
  const problems: string[] = []
  const records = new Set<string>()
  const scopes = new Set<string>()
  const held: Held[] = []
  // Asked all at once, as are all claims: a reader then reads each kind of record once.
  const all = await Promise.all(claim.evidence.map(async (reference) => ({ reference, found: await reread(reference, reader, seen) })))
  for (const { reference, found } of all) {
    if ('problem' in found) problems.push(found.problem)
    else {
      records.add(found.record)
      if (found.scope !== null && found.scope !== 'global') scopes.add(found.scope)
      if (found.value !== null && reference.path !== null) held.push(...formsOf(reference.path, found.value))
    }
  }
  const needed = claim.kind === 'causal' ? 2 : 1
  // Counted as the records they are, not as they were written: one record under two spellings is one.
  if (records.size < needed)
    problems.push(
      `${claim.kind === 'causal' ? 'a' : 'an'} ${claim.kind} claim needs ${needed === 1 ? 'a cited record' : 'two cited records'}; it cites ${records.size}`,
    )
  if (claim.kind === 'absence' && ![...records].some((record) => record.startsWith('coverage/')))
    problems.push('a claim that something was not seen must cite the coverage it stands on')
  return { problems: [...problems, ...problemsOfWords(claim.text, held)], scopes }
}

const problemsOfWords = (sentence: string, held: readonly Held[]): string[] =>
  sentenceParts(sentence).flatMap(({ quoted, text, cut }) => {
    if (quoted) return held.some((one) => holds(one, text, cut)) ? [] : ['it quotes a value that no cited record holds']
    const strange = lookalikes(text).some((value) => !held.some((one) => holds(one, value)))
    return [
      ...(isClosed(text) ? [] : ['it has a quotation that is not closed']),
      ...(strange ? ['it names a value, without quoting it, that no cited record holds'] : []),
    ]
  })

/** As it stands in the record, and as readers are shown it: masked, and with what is invisible written out. */
export function formsOf(path: string, value: string): Held[] {
  const shown = asShown(value)
  return [{ path, value: bare(value) }, ...(shown === value ? [] : [{ path, value: bare(shown) }])]
}
export const asShown = (value: string): string => visible(redact(value), Number.POSITIVE_INFINITY)

/** The record by its own identity, and the text that stands there now (null: the whole record is cited); or why it cannot be confirmed. */
async function reread(
  reference: EvidenceRef,
  reader: RecordReader,
  seen: SeenCoverage,
): Promise<{ record: string; scope: string | null; value: string | null } | { problem: string }> {
  const found = await lookUp(reference, reader, seen)
  if (found === undefined) return { problem: `the cited ${reference.record} does not exist` }
  const record = `${reference.record}/${found.id}`
  if (reference.path === null)
    return reference.value === null
      ? { record, scope: found.scope, value: null }
      : { problem: 'it quotes a value without saying where it stands' }
  if (found.values.length === 0) return { problem: `the cited ${reference.record} has no ${reference.path}` }
  return reference.value !== null && found.values.includes(reference.value)
    ? { record, scope: found.scope, value: reference.value }
    : { problem: `the cited ${reference.record} holds another value at ${reference.path}` }
}

/** What stands there now; null: the record has no such field, or nothing in it. Undefined: there is no such record. */
export async function readCited(
  reader: RecordReader,
  place: Pick<EvidenceRef, 'record' | 'id' | 'path'>,
): Promise<string | null | undefined> {
  const found = await lookUp({ ...place, value: null }, reader, new Map())
  return found && (found.values[0] ?? null)
}

/** The record, and what it holds at the path: nothing, one value, or for coverage also the one that stood in the case. */
async function lookUp(
  { record, id, path }: EvidenceRef,
  reader: RecordReader,
  seen: SeenCoverage,
): Promise<{ id: string; scope: string | null; values: string[] } | undefined> {
  const found = await openRecord(record, id, reader)
  if (found === undefined || path === null) return found && { id: found.id, scope: found.scope, values: [] }
  const before = record === 'coverage' && path === 'lastSeenAt' ? (seen.get(found.id) ?? null) : null
  return { id: found.id, scope: found.scope, values: [found.at(path), before].filter((value) => value !== null) }
}
