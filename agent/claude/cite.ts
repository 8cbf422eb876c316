/**
 * From what a model says to a claim with evidence: each value it quotes, and each number, address or name in its words, is looked for in the records it
 * cites, by code. Nothing it says of where a value stands is believed; a value that stands in none of them is quoted without evidence, so that
 * grounding makes the claim a hypothesis.
 */
import type { EvidenceRef } from '../../domain/evidence.ts'
import { redact } from '../../domain/redact.ts'
import type { Claim } from '../../domain/report.ts'
import { asShown, type RecordReader } from '../../incidents/grounding.ts'
import { readRecord } from '../../incidents/record-values.ts'
import { lookalikes, quote, sentenceParts } from '../../incidents/sentence-parts.ts'
import { namesIn, strangeWords } from './names.ts'
import { numbersIn } from './numbers.ts'
import { Shelf } from './shelf.ts'

export type Said = { text: string; kind: Claim['kind']; cites: readonly string[] }

const longestText = 2_000
const mostCites = 20

/** One sentence a claim: what tells nothing of a record is not carried by a sentence beside it. Empty: it says nothing. */
export function sentencesOf(said: Said): Said[] {
  const text = marked(said.text.slice(0, longestText)).trim()
  // A value may hold whatever ends a sentence.
  const hidden = sentenceParts(text)
    .map((part) => (part.quoted ? 'X'.repeat(part.text.length + 2) : part.text))
    .join('')
  const ends = [...sentences.segment(hidden)].map(({ index, segment }) => index + segment.length)
  const whole = ends.filter((end) => end === text.length || !goesOn.test(hidden.slice(0, end)))
  return whole.map((end, at) => ({ ...said, text: text.slice(whole[at - 1] ?? 0, end).trim() })).filter((one) => one.text !== '')
}
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
/** A full stop that ends no sentence. */
const goesOn = /\b(?:e\.g|i\.e|cf|vs|approx)\.\s*$/iu

export async function cited(said: Said, reader: RecordReader): Promise<Claim> {
  const references = referencesIn(said.cites.slice(0, mostCites))
  const found = await Promise.all(references.map(async ({ record, id }) => readRecord(record, id, reader)))
  const shelf = new Shelf(found.filter((one) => one !== undefined))
  const parts = sentenceParts(marked(said.text.slice(0, longestText)))
  const quotes = new Set(parts.flatMap((part) => (part.quoted ? [part.text] : [])))
  const text = parts
    .map((part) =>
      part.quoted
        ? ((shelf.stand(part.text) ?? (part.cut ? shelf.stand(`${part.text}…`) : undefined))?.shown ?? quote(part.text))
        : plain(part.text, shelf, quotes),
    )
    .join('')
    .replace(/……+/g, '…')
    .trim()
  const evidence = shelf.evidence()
  const whole = references.flatMap(({ record, id }, at): EvidenceRef[] => {
    // What is the id of nothing is a model's words.
    const own = found[at]?.id ?? asShown(id)
    return evidence.some((one) => one.record === record && one.id === own) ? [] : [{ record, id: own, path: null, value: null }]
  })
  return { text, kind: said.kind, evidence: [...evidence, ...whole] }
}

const kinds = 'alert|entity|finding|step|coverage|decision|incident|proposal|fix|rule'
const reference = new RegExp(`^[\\s[⟪⟦\`]*(${kinds})\\s*[:/\\s]\\s*(.+?)[\\s\\]⟫⟧\`]*$`, 'isu')

/** `alert:0192…`, and what looks like it; what does not is a record that does not exist. */
function referencesIn(cites: readonly string[]): { record: EvidenceRef['record']; id: string }[] {
  const all = cites.map(redact).map((cite) => {
    const [, record, rest = ''] = reference.exec(cite.slice(0, 300)) ?? []
    if (record === undefined) return { record: 'alert' as const, id: cite.slice(0, 200) }
    const name = record.toLowerCase() as EvidenceRef['record']
    // A source's name may have blanks; behind any other id comes, at most, a field.
    return { record: name, id: name === 'coverage' || name === 'rule' ? rest : (rest.split(/\s/)[0] ?? rest) }
  })
  return [...new Map(all.map((one) => [`${one.record}/${one.id.toLowerCase()}`, one])).values()]
}

/** Quotations as we write them: fences of tools, `code` and “words” are ones too. Words are masked before they are taken apart. */
function marked(text: string): string {
  const ours = text.replaceAll('⟪', '⟦').replaceAll('⟫', '⟧').replaceAll(/⟦+/gu, '⟦').replaceAll(/⟧+/gu, '⟧')
  const code = inWords(ours, (words) => words.replaceAll(/`+([^`]+)`+/gu, (_whole, inner: string) => quote(inner)))
  return inWords(code, (words) => redact(words).replaceAll(spoken, (_whole, inner: string, end: string) => `${quote(inner)}${end}`))
}
const inWords = (text: string, change: (words: string) => string): string =>
  sentenceParts(text)
    .map((part) => (part.quoted ? quote(redact(part.text)) : change(part.text)))
    .join('')
const spoken = /["“]([^"“”\n]*[^"“”\n.,;:!?])([.,;:!?]?)["”]/gu

/** Flaws, and days. */
const known = /\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|\d{4}-\d\d-\d\d)\b/giu
/** A name behind what it names, told from an ordinary word by a dash, a slash, a dot or a digit within. */
const named =
  /(?<=\b(?:pods?|deployments?|daemonsets?|statefulsets?|jobs?|cronjobs?|workloads?|namespaces?|nodes?|hosts?|images?|containers?|secrets?|service ?accounts?|users?|clusters?)\s+[“"']?)[a-z0-9](?:[a-z0-9.:@_-]*[a-z0-9])?(?:\/[a-z0-9](?:[a-z0-9.:@_-]*[a-z0-9])?)*/giu
const nameLike = /[-/.:@_\d]/u

/** `namespace/name`, or a part of a path: quoted where it stands, ordinary words where it does not. */
const pair = /(?<![\w./-])[a-z0-9][\w.-]*\/[\w.-]*\w/giu

/** Words in which numbers and names that no cited record bears out are made quotations, so that they are told apart. */
function plain(words: string, shelf: Shelf, quotes: ReadonlySet<string>): string {
  const shaped = [
    ...lookalikes(words),
    ...strangeWords(words),
    ...(words.match(known) ?? []),
    ...(words.match(named) ?? []).filter((name) => nameLike.test(name)),
  ]
  const wrong = new Set([
    ...shaped.filter((value) => shelf.stand(value) === undefined),
    ...numbersIn(words).flatMap((number) => (shelf.counts(number, quotes) ? [] : [number.text])),
    ...namesIn(words).filter((name) => !shelf.holdsName(name)),
  ])
  // A name of two parts is one value: quoted, its parts are not taken for values of their own.
  const whole = [...shaped, ...(words.match(pair) ?? [])].filter((value) => value.includes('/') && shelf.stand(value) !== undefined)
  let text = words
  // The longest first: a number within an address is not looked at by itself.
  for (const value of [...new Set([...whole, ...wrong])].toSorted((a, b) => b.length - a.length))
    text = sentenceParts(text)
      .map((part) => (part.quoted ? quote(part.text) : part.text.replaceAll(alone(value), () => quote(value))))
      .join('')
  return text
}
const alone = (value: string): RegExp => new RegExp(`(?<![\\w.:/-])${RegExp.escape(value)}(?![\\w:/-])`, 'gu')
