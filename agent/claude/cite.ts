/**
 * From what a model says to a claim with evidence: each value it quotes, and each number, address or name in its words, is looked for in the records it
 * cites, by code. Nothing it says of where a value stands is believed; a value that stands in none of them is quoted without evidence, so that
 * grounding makes the claim a hypothesis.
 */
import type { EvidenceRef } from '../../domain/evidence.ts'
import type { Claim } from '../../domain/report.ts'
import { asShown, formsOf, type RecordReader } from '../../incidents/grounding.ts'
import { type CitedRecord, readRecord } from '../../incidents/record-values.ts'
import { holds, lookalikes, quote, sentenceParts } from '../../incidents/sentence-parts.ts'

export type Said = { text: string; kind: Claim['kind']; cites: readonly string[] }

const longestText = 2_000
const mostCites = 20
/** As the playbook: a longer value is quoted by its beginning. */
const longestQuote = 160

export async function cited(said: Said, reader: RecordReader): Promise<Claim> {
  const references = referencesIn(said.cites.slice(0, mostCites))
  const found = await Promise.all(references.map(async ({ record, id }) => readRecord(record, id, reader)))
  const records = found.filter((one) => one !== undefined)
  const evidence = new Map<string, EvidenceRef>()
  const stand = (value: string): Standing | undefined => {
    const standing = standingOf(value, records)
    if (standing !== undefined)
      evidence.set(`${standing.evidence.record}/${standing.evidence.id}/${standing.evidence.path}`, standing.evidence)
    return standing
  }
  const text = sentenceParts(marked(said.text.slice(0, longestText)))
    .map((part) =>
      part.quoted
        ? ((stand(part.text) ?? (part.cut ? stand(`${part.text}…`) : undefined))?.shown ?? quote(part.text))
        : plain(part.text, stand),
    )
    .join('')
    .replace(/……+/g, '…')
    .trim()
  const whole = references.flatMap(({ record, id }, at): EvidenceRef[] => {
    const own = found[at]?.id ?? id
    return [...evidence.values()].some((one) => one.record === record && one.id === own)
      ? []
      : [{ record, id: own, path: null, value: null }]
  })
  return { text, kind: said.kind, evidence: [...evidence.values(), ...whole] }
}

const kinds = 'alert|entity|finding|step|coverage|decision|incident|proposal|fix|rule'
const reference = new RegExp(`^[\\s[⟪⟦\`]*(${kinds})\\s*[:/\\s]\\s*(.+?)[\\s\\]⟫⟧\`]*$`, 'isu')

/** `alert:0192…`, and what looks like it; what does not is a record that does not exist. */
function referencesIn(cites: readonly string[]): { record: EvidenceRef['record']; id: string }[] {
  const all = cites.map((cite) => {
    const [, record, rest = ''] = reference.exec(cite.slice(0, 300)) ?? []
    if (record === undefined) return { record: 'alert' as const, id: cite.slice(0, 200) }
    const name = record.toLowerCase() as EvidenceRef['record']
    // A source's name may have blanks; behind any other id comes, at most, a field.
    return { record: name, id: name === 'coverage' || name === 'rule' ? rest : (rest.split(/\s/)[0] ?? rest) }
  })
  return [...new Map(all.map((one) => [`${one.record}/${one.id.toLowerCase()}`, one])).values()]
}

/** Quotations as we write them: fences of tools and `code` are ones too. */
function marked(text: string): string {
  return sentenceParts(text.replaceAll('⟪', '⟦').replaceAll('⟫', '⟧').replaceAll(/⟦+/gu, '⟦').replaceAll(/⟧+/gu, '⟧'))
    .map((part) => (part.quoted ? quote(part.text) : part.text.replaceAll(/`+([^`]+)`+/gu, (_whole, inner: string) => quote(inner))))
    .join('')
}

type Standing = { shown: string; evidence: EvidenceRef }

/** Where it stands: as a whole before as a part, in the order in which the records are cited. */
function standingOf(given: string, records: readonly CitedRecord[]): Standing | undefined {
  const value = given.trim()
  const shortened = /^(.*?)(?:… \[(\d+) more\]|…|\.\.\.)$/su.exec(value)
  const [start, left] = [shortened?.[1], shortened?.[2]]
  const wanted = instant(value)
  const tests: ((one: { path: string; value: string }) => boolean)[] = [
    (one) => formsOf(one.path, one.value).some((form) => form.value === wanted),
    (one) => start !== undefined && left !== undefined && isCutOf(one.value, start, Number(left)),
    (one) => formsOf(one.path, one.value).some((form) => holds(form, wanted)),
    (one) => start !== undefined && formsOf(one.path, one.value).some((form) => holds(form, start, true)),
  ]
  for (const [at, test] of tests.entries())
    for (const { record, id, values } of records)
      for (const one of values)
        if (test(one)) return { shown: shownAs(at, one.value, wanted, start), evidence: { record, id, path: one.path, value: one.value } }
  return undefined
}

function shownAs(test: number, whole: string, wanted: string, start: string | undefined): string {
  if (test === 1)
    return whole.length > longestQuote ? `${quote(whole.slice(0, longestQuote).replace(/[\ud800-\udbff]$/, ''))}…` : quote(whole)
  return test === 3 ? `${quote(start ?? wanted)}…` : quote(wanted)
}

/** Exactly what a tool shows of a value that is longer than its room. */
const isCutOf = (value: string, start: string, left: number): boolean => {
  const shown = asShown(value)
  return shown.length === start.length + left && shown.startsWith(start)
}

/** `2026-11-24 10:01:22 UTC` and `10:01:22Z` as records write them. */
function instant(value: string): string {
  const found = /^(\d{4}-\d\d-\d\d)?[T ]?(\d\d:\d\d(?::\d\d)?(?:\.\d+)?)\s?(?:Z|UTC)?$/u.exec(value)
  if (found === null) return value
  const [, date, time = ''] = found
  const whole = [date, time].filter((part) => part !== undefined).join('T')
  return time.includes('.') ? `${whole}Z` : whole
}

const number = /(?<![\w.:/-])\d+(?:[.,]\d+)*(?![\w:/])/gu
const known = /\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})\b/giu
/** A name behind what it names, told from an ordinary word by a dash, a slash, a dot or a digit within. */
const named =
  /(?<=\b(?:pods?|deployments?|daemonsets?|statefulsets?|jobs?|cronjobs?|workloads?|namespaces?|nodes?|hosts?|images?|containers?|secrets?|service ?accounts?)\s+[“"']?)[a-z0-9](?:[a-z0-9.:@_-]*[a-z0-9])?(?:\/[a-z0-9](?:[a-z0-9.:@_-]*[a-z0-9])?)*/giu
const nameLike = /[-/.:@_\d]/u

/** `namespace/name`, or a part of a path: quoted where it stands, ordinary words where it does not. */
const pair = /(?<![\w./-])[a-z0-9][\w.-]*\/[\w.-]*\w/giu

/** Words in which numbers and names that no cited record holds are made quotations, so that they are told apart. */
function plain(words: string, stand: (value: string) => Standing | undefined): string {
  const pairs = new Set(words.match(pair))
  const values = new Set([
    ...lookalikes(words),
    ...(words.match(number) ?? []),
    ...(words.match(known) ?? []),
    ...(words.match(named) ?? []).filter((name) => nameLike.test(name)),
  ])
  let text = words
  // The longest first: a number within an address is not looked at by itself.
  for (const value of [...new Set([...pairs, ...values])].toSorted((a, b) => b.length - a.length)) {
    const stands = stand(value) !== undefined
    // A name of two parts is one value: quoted, its parts are not taken for values of their own.
    if (stands ? !value.includes('/') : !values.has(value)) continue
    text = sentenceParts(text)
      .map((part) => (part.quoted ? quote(part.text) : part.text.replaceAll(alone(value), () => quote(value))))
      .join('')
  }
  return text
}
const alone = (value: string): RegExp => new RegExp(`(?<![\\w.:/-])${RegExp.escape(value)}(?![\\w:/-])`, 'gu')
