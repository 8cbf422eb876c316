/** One result of a SARIF report as a finding, and each of its tools and targets as a scan. Pure. */
import { InputError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import type { FindingClass, NewFinding, NewScan, ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, Report, SourceContext } from '../collector.ts'
import { aroundOf } from '../report.ts'
import { fileResource } from '../resources.ts'
import { scanOf } from '../scan.ts'
import { trivyCheck, vulnerabilityId } from '../vulnerability.ts'
import { cut, proseOf, referencesOf, titleOf } from '../words.ts'
import { documentOf, outcomeOf, packageIn, type Place, placeOf, severityIn } from './result.ts'
import {
  classOf,
  coversOf,
  failureOf,
  imageOf,
  namesOf,
  type Known,
  knownOf,
  messageOf,
  repositoryOf,
  ruleOf,
  targetOf,
  timeOf,
} from './run.ts'
import { Around, type Run, type SarifResult } from './shape.ts'

/** Runs of one tool about one target are one scan. */
type Told = { known: Known; same: readonly Known[]; covers: NewScan['covers'] }
const around = aroundOf(Around, ({ runs }): Told[] => {
  const all = runs.map(knownOf)
  const groups = Map.groupBy(all, ({ run, scanner }) => `${scanner}\n${targetOf(run, '').key}`)
  const told = new Map<Known, Told>()
  for (const same of groups.values()) {
    const covers = [...new Set(same.flatMap(coversOf))].sort()
    for (const known of same) told.set(known, { known, same, covers })
  }
  return all.map((known) => told.get(known) as Told)
})
/** Which of the report’s runs a result stands in. */
export const runOf = ({ path }: Piece): number => (typeof path?.[1] === 'number' ? path[1] : 0)

export function* normaliseSarif(raw: SarifResult, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const runs = around(piece)
  const told = runs[runOf(piece)]
  if (piece.end === true) yield* endOf(runs, piece.report as Report, source)
  else if (told !== undefined) yield { kind: 'finding', finding: findingOf(raw, told.known, scanFor(told, piece.report as Report, source)) }
}

function scanFor({ known: { run, scanner }, same, covers }: Told, report: Report, source: SourceContext): NewScan {
  const { version, semanticVersion } = (same[0]?.run ?? run).tool.driver
  return scanOf(report, source, {
    scanner,
    version: proseOf(semanticVersion ?? version, 100),
    target: targetOf(run, source.scope),
    covers,
    time: same.map((one) => timeOf(one.run)).findLast((time) => time !== null),
  })
}

function* endOf(runs: readonly Told[], report: Report, source: SourceContext): Iterable<NewRecord> {
  for (const told of runs.filter(({ known, same }) => same[0] === known)) {
    const indices = runs.flatMap(({ known }, index) => (told.same.includes(known) ? [index] : []))
    const findings = indices.reduce((sum, index) => sum + (report.counts[index] ?? 0), 0)
    const failed = told.same.map(({ run }) => failureOf(run)).find((one) => one !== null) ?? null
    const scan = scanFor(told, report, source)
    for (const alias of told.same.flatMap(({ run }) => namesOf(run, scan))) yield { kind: 'alias', alias }
    yield { kind: 'scan', scan, end: { findings, failed } }
  }
  if (runs.length > 0) return
  const target: ResourceRef = { kind: 'repository', scope: source.scope, key: '.#', name: source.scope, namespace: null }
  const scan = scanOf(report, source, { scanner: 'sarif', version: null, target, covers: [] })
  yield { kind: 'scan', scan, end: { findings: 0, failed: 'it holds no run of any tool' } }
}

function findingOf(raw: SarifResult, known: Known, scan: NewScan): NewFinding {
  const { run, scanner } = known
  const rule = ruleOf(known, raw)
  const id = raw.ruleId || raw.rule?.id || rule?.id
  if (!id) throw new InputError('the result names no rule: it has neither a "ruleId" nor the "ruleIndex" of a rule there is')
  const found = classOf(scanner, id, rule)
  const secret = found === 'secret'
  // What a finder of secrets says of one may quote it.
  const message = secret ? '' : messageOf(run, rule, raw.message)
  // Grype puts the package behind it.
  const advisory = /^(CVE-\d{4}-\d{4,}|GHSA(-\w{4}){3})/i.exec(id)?.[0]
  const place = placeOf(raw, run, secret)
  const document = documentOf(raw, id, place, secret)
  return {
    scope: scan.scope,
    class: found,
    check:
      advisory === undefined ? `${scanner}/${cut(scanner === 'trivy' ? trivyCheck(id) : id, 500)}` : vulnerabilityId(advisory, []).check,
    aliases: [],
    title: titleOf(rule?.shortDescription?.text, message, rule?.name, id),
    description: proseOf(message) ?? proseOf(rule?.fullDescription?.text),
    remediation: proseOf(rule?.help?.text),
    references: referencesOf([rule?.helpUri]),
    severity: severityIn(raw, rule),
    ...outcomeOf(raw),
    resource: resourceOf(found, place, run, scan.scope),
    package: scanner === 'trivy' && advisory !== undefined ? packageIn(message) : null,
    cvss: null,
    properties: { file: place.file || null, startLine: place.startLine, endLine: place.endLine, tool: cut(run.tool.driver.name, 100) },
    scan,
    document,
    raw: secret ? Buffer.alloc(0) : Buffer.from(stringifyExact(document)),
  }
}

/** The image a package is in; else the file, and where in it by what does not move with its lines; what stands in none is of the whole. */
function resourceOf(found: FindingClass, { file, within }: Place, run: Run, scope: string): ResourceRef {
  const image = imageOf(run, scope)
  if (image !== null && (found === 'vulnerability' || found === 'licence')) return image
  const key = repositoryOf(run) ?? '.'
  const whole = image ?? { kind: 'repository', scope, key, name: cut(key, 500), namespace: null }
  const resource = fileResource(file, whole)
  return within === '' || file === '' ? resource : { ...resource, key: `${resource.key}#${within}` }
}
