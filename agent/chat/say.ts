/**
 * Sentences with holes: a hole names a record and a field, and is filled with what stands there when the sentence is made, never with what a tool or a
 * model said it holds. says('observation')`${at('incident', id, 'title')} is open` is text and proof in one.
 */
import type { EvidenceRef } from '../../domain/evidence.ts'
import type { Claim } from '../../domain/report.ts'
import { readCited, type RecordReader } from '../../incidents/grounding.ts'
import { type Cite, sentence } from '../playbook/sentence.ts'

/** `path` null cites the record without a word of it; `part` quotes from there to there only. */
export type Hole = Pick<EvidenceRef, 'record' | 'id' | 'path'> & { part?: [number, number]; shown: boolean }
type Part = string | number | Hole | readonly (string | Hole)[]
export type Sentence = { kind: Claim['kind']; parts: (string | Hole)[] }

export const at = (record: EvidenceRef['record'], id: string, path: string): Hole => ({ record, id, path, shown: true })
/** A moment, to the second. */
export const moment = (record: EvidenceRef['record'], id: string, path: string): Hole => ({ ...at(record, id, path), part: [0, 19] })
export const standsOn = (record: EvidenceRef['record'], id: string): Hole => ({ record, id, path: null, shown: false })
const says =
  (kind: Claim['kind']) =>
  (words: TemplateStringsArray, ...parts: Part[]): Sentence => ({
    kind,
    parts: words.flatMap((word, index) => {
      const part = parts[index - 1]
      const before =
        index === 0 || part === undefined ? [] : Array.isArray(part) ? (part as (string | Hole)[]) : [part as string | number | Hole]
      return [...before.map((one) => (typeof one === 'number' ? one.toLocaleString('en') : one)), word]
    }),
  })
export const observed = says('observation')
export const inferred = says('inference')
export const absent = says('absence')

/** The sentence with what its records hold now. A record that is gone leaves a gap, and its citation, for grounding to find. */
export async function spoken({ kind, parts }: Sentence, reader: RecordReader): Promise<Claim> {
  const filled = await Promise.all(parts.map(async (part) => (typeof part === 'string' ? part : citeOf(part, reader))))
  return sentence(kind, filled)
}

async function citeOf({ shown, part, ...place }: Hole, reader: RecordReader): Promise<Cite> {
  const value = place.path === null ? null : ((await readCited(reader, place)) ?? null)
  // What a field does not hold is still cited where the record is not there at all.
  return { evidence: { ...place, value }, shown, ...(part === undefined ? {} : { part }) }
}
