/**
 * Where things stand in what Trivy and its operator write, and which document of many an element belongs to. A list of the operator’s
 * reports is as many reports: each is handed out with its own surroundings, and ends by itself.
 */
import { createHash } from 'node:crypto'
import type { Piece, Report } from '../collector.ts'
import type { Path } from '../json-elements.ts'
import { splitReports, versionDigest } from '../report.ts'

const operatorPlurals = [
  ...['vulnerability', 'configaudit', 'exposedsecret', 'rbacassessment', 'infraassessment', 'sbom'].flatMap((kind) => [
    kind,
    `cluster${kind}`,
  ]),
  'clustercompliance',
].map((kind) => `${kind}reports.aquasecurity.github.io`)

const ofResults = [
  'Vulnerabilities',
  'Misconfigurations',
  'Secrets',
  'Licenses',
  'ExperimentalModifiedFindings',
  'Packages',
  'CustomResources',
]
const ofOperator = [
  'report.vulnerabilities',
  'report.checks',
  'report.secrets',
  'status.summaryReport.controlCheck',
  'status.detailReport.results',
  'report.components.components',
  'report.components.dependencies',
]
/** Of an image scan, of `trivy k8s` (its full, its summary and its older form), of a list of reports, of the array before schema 2. */
const results = [
  'Results',
  'Resources.*.Results',
  'Findings.*.Results',
  'Vulnerabilities.*.Results',
  'Misconfigurations.*.Results',
  '*.Results',
]
export const lists = [
  ...[...results.map((path) => `$.${path}.*`), '$.*'].flatMap((path) => ofResults.map((list) => `${path}.${list}.*`)),
  ...['$', '$.*', '$.items.*', ...operatorPlurals.map((plural) => `$.${plural}.*`)].flatMap((path) =>
    ofOperator.map((list) => `${path}.${list}.*`),
  ),
]

/** `Vulnerabilities`, `checks`: what kind of element it is. */
export const listName = ({ list }: Piece): string => list?.split('.').at(-2) ?? ''

export async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  let parts: Parts | undefined
  for await (const piece of splitReports(input, { lists })) {
    const { report } = piece
    if (report === undefined) yield piece
    else {
      if (parts?.whole !== report) parts = new Parts(report)
      if (piece.end === true) yield* parts.ends(piece)
      else yield parts.own(piece)
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value)
/** The array before schema 2: results, and nothing around them. */
export const isLegacy = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.every((one) => isObject(one) && 'Target' in one && !('SchemaVersion' in one))

/** The reports that one document is made of; mostly it is one. */
class Parts {
  readonly whole: Report
  readonly #legacy: boolean
  readonly #own = new Map<string, Report>()

  constructor(whole: Report) {
    this.whole = whole
    whole.sha256 = versionDigest(whole.value) ?? whole.sha256
    this.#legacy = isLegacy(whole.value)
  }

  own(piece: Piece): Piece {
    const place = this.#placeOf(piece.path ?? [])
    if (place.length === 0) return piece
    const report = this.#reportAt(place)
    const name = listName(piece)
    if (report !== undefined) report.counts[name] = (report.counts[name] ?? 0) + 1
    return { ...piece, report, path: piece.path?.slice(place.length) }
  }

  *ends(piece: Piece): Iterable<Piece> {
    const { value } = this.whole
    if (!Array.isArray(value) && !isObject(value)) return yield piece
    const holders = Array.isArray(value) ? [] : Object.keys(value).filter((key) => operatorPlurals.includes(key) || isItems(key, value))
    if (holders.length === 0 && (this.#legacy || !Array.isArray(value))) return yield piece
    for (const [key, items] of Array.isArray(value) ? [[null, value] as const] : holders.map((key) => [key, value[key]] as const)) {
      if (items !== null && !Array.isArray(items)) yield { ...piece, error: `"${key}" is not a list` }
      else for (const index of (items ?? []).keys()) yield this.#end(key === null ? [index] : [key, index], piece)
    }
  }

  #end(place: Path, { at: whole }: Piece): Piece {
    const report = this.#reportAt(place)
    const at = place.map((part) => (typeof part === 'number' ? `[${part}]` : part)).join('')
    return { raw: report?.value, bytes: Buffer.alloc(0), at: whole === 'report' ? at : `${whole}: ${at}`, report, end: true }
  }

  /** Where in the document the element’s own report stands; empty: it is the document. */
  #placeOf(path: Path): Path {
    if (typeof path[0] === 'number') return this.#legacy ? [] : path.slice(0, 1)
    return path[0] === 'items' || operatorPlurals.includes(String(path[0])) ? path.slice(0, 2) : []
  }

  /** The same report of the operator is the same, in however large a list it comes: its version names it, else the document it stands in. */
  #reportAt(place: Path): Report | undefined {
    const id = place.join('/')
    const known = this.#own.get(id)
    if (known !== undefined) return known
    const value = place.reduce<unknown>(
      (inner, part) => (isObject(inner) || Array.isArray(inner) ? inner[part as never] : undefined),
      this.whole.value,
    )
    if (value === undefined) return undefined
    const placed = (): string =>
      createHash('sha256')
        .update(JSON.stringify([this.whole.sha256, id]))
        .digest('hex')
    const report = { value, sha256: versionDigest(value) ?? placed(), counts: {} }
    this.#own.set(id, report)
    return report
  }
}

const isItems = (key: string, { kind }: Record<string, unknown>): boolean =>
  key === 'items' && typeof kind === 'string' && kind.endsWith('List')
