/** The records that one sentence of a model cites: whether a value, a name or a number of it stands in them, and where. What was found is its evidence. */
import type { EvidenceRef } from '../../domain/evidence.ts'
import { asShown, formsOf } from '../../incidents/grounding.ts'
import type { CitedRecord } from '../../incidents/record-values.ts'
import { holds, quote } from '../../incidents/sentence-parts.ts'
import { borneOut } from './counted.ts'
import { isPartOf } from './names.ts'
import type { Counted } from './numbers.ts'

/** As the playbook: a longer value is quoted by its beginning. */
const longestQuote = 160

export class Shelf {
  readonly #evidence = new Map<string, EvidenceRef>()
  readonly records: readonly CitedRecord[]
  constructor(records: readonly CitedRecord[]) {
    this.records = records
  }
  stand(value: string): Standing | undefined {
    const standing = whereStands(value, this.records)
    if (standing !== undefined) this.#tell(standing.evidence)
    return standing
  }
  /** A name in plain words: as a value, or as a part of one. */
  holdsName(name: string): boolean {
    if (this.stand(name) !== undefined) return true
    for (const { record, id, values } of this.records)
      for (const { path, value } of values)
        if (namedAt.test(path) && isPartOf(value, name)) {
          this.#tell({ record, id, path, value })
          return true
        }
    return false
  }
  /** A number in plain words: in digits as a value, or as what it counts. */
  counts(number: Counted, quotes: ReadonlySet<string>): boolean {
    if (/\d/.test(number.text) && this.stand(number.text) !== undefined) return true
    const found = borneOut(number, this.records, quotes)
    if (found?.by != null) this.#tell(found.by)
    return found !== null
  }
  evidence(): EvidenceRef[] {
    return [...this.#evidence.values()]
  }
  #tell(evidence: EvidenceRef): void {
    this.#evidence.set(`${evidence.record}/${evidence.id}/${evidence.path}`, evidence)
  }
}
/** Where records name places and people; not in what somebody typed or wrote. */
const namedAt =
  /^(?:pod|name|namespace|key|hostname|scope|resource|target|title|because|container\.image|process\.user|fields\.(?:k8s|user|container)\.[\w.]+|properties\.[\w.]*(?:name|owner|account|namespace)[\w.]*)$/iu

export type Standing = { shown: string; evidence: EvidenceRef }

/** Where it stands: as a whole before as a part, in the order in which the records are cited. */
function whereStands(given: string, records: readonly CitedRecord[]): Standing | undefined {
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
