/**
 * Sentences with their evidence: tagged templates in which every value comes from a record and is cited by field.
 * observation`${cite(alert, 'process.cmdline')} was started` is text and proof in one.
 */
import type { Alert } from '../../domain/alert.ts'
import type { Entity } from '../../domain/entity.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import type { AttackStep } from '../../domain/graph.ts'
import type { Claim } from '../../domain/report.ts'
import type { Coverage } from '../../incidents/case-file.ts'
import { quote, sentenceParts } from '../../incidents/sentence-parts.ts'
import { alertField, entityField, findingField, stepField, stepId } from '../../incidents/record-field.ts'
import type { FindingFacts } from '../../store/finding-facts.ts'
import type { PersonsVerdict } from '../../store/verdicts.ts'

/** A cited value; `shown` false cites without quoting, `part` quotes from there to there only. */
export type Cite = { evidence: EvidenceRef; shown: boolean; part?: [number, number] }
export type Parts = (Cite | string)[]

/** What others wrote is cut; why a step is there we wrote ourselves, with as many names as it takes. */
const longest = 160
const longestOfOurs = 400

export const cite = (alert: Alert, path: string): Cite => ({
  evidence: { record: 'alert', id: alert.id, path, value: alertField(alert, path) },
  shown: true,
})
/** The clock time of an alert; the whole instant is its evidence. */
export const citeClock = (alert: Alert): Cite => ({ ...cite(alert, 'eventTime'), part: [11, 19] })
export const citeInstant = (alert: Alert): Cite => ({ ...cite(alert, 'eventTime'), part: [0, 19] })
export const citeEntity = (entity: Entity, path: string): Cite => ({
  evidence: { record: 'entity', id: entity.id.toString(), path, value: entityField(entity, path) },
  shown: true,
})
export const citeCoverage = (coverage: Coverage): Cite => ({
  evidence: { record: 'coverage', id: coverage.name, path: 'lastSeenAt', value: coverage.lastSeenAt?.toISOString() ?? 'never' },
  shown: true,
  part: [0, 19],
})
/** Cites the record without saying a word of it. */
export const standsOn = (alert: Alert): Cite => ({ evidence: { record: 'alert', id: alert.id, path: null, value: null }, shown: false })
export const standsOnEntity = (entity: Entity): Cite => ({
  evidence: { record: 'entity', id: entity.id.toString(), path: null, value: null },
  shown: false,
})
export const citeFinding = (finding: FindingFacts, path: string): Cite => ({
  evidence: { record: 'finding', id: finding.id, path, value: findingField(finding, path) },
  shown: true,
})
export const citeStep = (step: AttackStep, path: string): Cite => ({
  evidence: { record: 'step', id: stepId(step), path, value: stepField(step, path) },
  shown: true,
})
/** `path`: verdict, decidedAt (of which the day is told). */
export const citeVerdict = (said: PersonsVerdict, path: 'verdict' | 'decidedAt'): Cite => ({
  evidence: { record: 'decision', id: said.decisionId, path, value: path === 'decidedAt' ? said.at.toISOString() : said.verdict },
  shown: true,
  ...(path === 'decidedAt' ? { part: [0, 10] as [number, number] } : {}),
})
const isCite = (part: unknown): part is Cite => typeof part === 'object' && part !== null && 'evidence' in part

function claim(kind: Claim['kind']): (words: TemplateStringsArray, ...parts: (Cite | string | number)[]) => Claim {
  return (words, ...parts) => {
    const evidence: EvidenceRef[] = []
    const text = words.reduce((sentence, word, index) => {
      const part = parts[index - 1]
      return sentence + (index === 0 ? '' : spoken(part, evidence)) + word
    }, '')
    return { text: tidy(text), kind, evidence }
  }
}

/** Our words without the gaps that unspoken parts leave; what is quoted stays as it stands in the record. */
const tidy = (text: string): string =>
  sentenceParts(text)
    .map((part) => (part.quoted ? quote(part.text) : part.text.replace(/ {2,}/g, ' ')))
    .join('')
    .trim()

/** Of parts that are not known until it is told: what stands between them is in them. */
export const sentence = (kind: Claim['kind'], parts: Readonly<Parts>): Claim =>
  claim(kind)(Object.assign(['', ...parts.map(() => '')], { raw: [] }), ...parts)

/** A value with the words before it; of a field that its record left empty neither. */
export const ifTold = (words: string, value: Cite): Parts => (value.evidence.value === null ? [] : [words, value])

export const observation = claim('observation')
export const causal = claim('causal')
export const absence = claim('absence')
export const inference = claim('inference')

function spoken(part: Cite | string | number | undefined, evidence: EvidenceRef[]): string {
  if (!isCite(part)) return String(part ?? '')
  const { value } = part.evidence
  // A field the sensor left empty is said to be unknown, and cited as nothing.
  if (part.evidence.path !== null && value === null) return part.shown ? 'something unknown' : ''
  evidence.push(part.evidence)
  if (!part.shown || value === null) return ''
  if (part.part !== undefined) return quote(value.slice(...part.part))
  const most = part.evidence.record === 'step' ? longestOfOurs : longest
  return value.length > most ? `${quote(value.slice(0, most).replace(/[\ud800-\udbff]$/, ''))}…` : quote(value)
}
