/** One check of Checkov as a finding, and each check type of its report as a scan. Pure. */
import { stringifyExact } from '../../domain/exact-json.ts'
import type { NewFinding, NewScan, Outcome, ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, Report, SourceContext } from '../collector.ts'
import { aroundOf } from '../report.ts'
import { kubernetesResource } from '../resources.ts'
import { scanOf } from '../scan.ts'
import { packageFrom, severityOf, vulnerabilityId } from '../vulnerability.ts'
import { cut, proseOf, referencesOf, titleOf } from '../words.ts'
import { Around, type CheckovCheck, coveredBy, partsOf } from './shape.ts'

const around = aroundOf(Around, partsOf)
/** Which of the report’s parts a check stands in. */
export const partOf = ({ path }: Piece): number => (typeof path?.[0] === 'number' ? path[0] : 0)

export function* normaliseCheckov(raw: CheckovCheck, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const parts = around(piece)
  const report = piece.report as Report
  const scanFor = (type: string): NewScan =>
    scanOf(report, source, {
      scanner: 'checkov',
      version: parts.find((part) => part.version !== null)?.version ?? null,
      target: { kind: 'repository', scope: source.scope, key: `.#${cut(type, 100)}`, name: source.scope, namespace: null },
      covers: coveredBy(type),
    })
  if (piece.end !== true) {
    const type = parts[partOf(piece)]?.type ?? ''
    yield { kind: 'finding', finding: findingOf(raw, type, piece, scanFor(type)) }
    return
  }
  for (const type of new Set(parts.map((part) => part.type))) {
    const same = parts.map((part, index) => ({ ...part, index })).filter((part) => part.type === type)
    const findings = same.reduce((sum, { index }) => sum + (report.counts[index] ?? 0), 0)
    yield { kind: 'scan', scan: scanFor(type), end: { findings, failed: unparsedOf(same.flatMap((part) => part.unparsed)) } }
  }
}

const unparsedOf = (files: readonly string[]): string | null =>
  files.length === 0 ? null : cut(`${files.length} of its files could not be parsed: ${files.slice(0, 5).join(', ')}`, 500)

const outcomes: Readonly<Record<string, Outcome>> = { failed_checks: 'fail', passed_checks: 'pass', skipped_checks: 'muted' }

function findingOf(raw: CheckovCheck, type: string, { list = '' }: Piece, scan: NewScan): NewFinding {
  const outcome = outcomes[list.split('.').at(-2) ?? ''] ?? 'manual'
  const secret = type === 'secrets' || raw.check_id.startsWith('CKV_SECRET')
  const document = documentOf(raw, secret)
  const [startLine, endLine] = raw.file_line_range ?? []
  return {
    scope: scan.scope,
    class: secret ? 'secret' : raw.check_id.startsWith('BC_LIC') ? 'licence' : 'misconfiguration',
    check: `checkov/${raw.check_id}`,
    aliases: raw.bc_check_id ? [cut(raw.bc_check_id, 100)] : [],
    title: titleOf(raw.check_name, raw.short_description, raw.check_id),
    description: proseOf(raw.description),
    remediation: null,
    references: referencesOf([raw.guideline]),
    severity: severityOf(raw.severity),
    outcome,
    outcomeReason: outcome === 'muted' ? proseOf(raw.check_result?.suppress_comment, 1_000) : null,
    resource: resourceOf(raw, type, scan.scope, secret),
    package: null,
    cvss: null,
    ...(secret ? {} : vulnerabilityOf(raw)),
    properties: { checkType: cut(type, 100), file: proseOf(fileOf(raw), 1_000), startLine: startLine ?? null, endLine: endLine ?? null },
    scan,
    document,
    raw: secret ? Buffer.alloc(0) : Buffer.from(stringifyExact(document)),
  }
}

/** Of a secret, its `resource` is what it hashes to. */
function documentOf(raw: CheckovCheck, secret: boolean): Record<string, unknown> {
  const quoting = [
    'code_block',
    'fixed_definition',
    'evaluations',
    'breadcrumbs',
    'connected_node',
    'details',
    ...(secret ? ['resource'] : []),
  ]
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !quoting.includes(key)))
}

const fileOf = ({ repo_file_path, file_path }: CheckovCheck): string =>
  (repo_file_path || file_path || '').replaceAll('\\', '/').replace(/^\/+/, '')

function resourceOf(raw: CheckovCheck, type: string, scope: string, secret: boolean): ResourceRef {
  const file = cut(fileOf(raw), 1_000)
  const [, kind, namespace, name] = /^(\w+)\.([^.]*)\.(.+)$/.exec(raw.resource ?? '') ?? []
  if (['kubernetes', 'helm', 'kustomize'].includes(type) && kind && name && !secret)
    return kubernetesResource({ kind, namespace: namespace || null, name: cut(name, 253) }, scope)
  const place = secret ? `L${raw.file_line_range?.[0] ?? 0}` : cut(raw.resource ?? '', 1_000)
  const shown = place === '' || secret ? file : `${place} in ${file}`
  return { kind: 'file', scope, key: `${file}#${place}`, name: cut(shown, 500), namespace: null }
}

/** Package URL types, by Checkov’s words for them. */
const packageTypes = new Map(
  Object.entries({
    python: 'pypi',
    javascript: 'npm',
    nodejs: 'npm',
    go: 'golang',
    java: 'maven',
    jar: 'maven',
    ruby: 'gem',
    php: 'composer',
  }),
)

function vulnerabilityOf({ vulnerability_details: told }: CheckovCheck): Partial<NewFinding> {
  if (!told?.id || !told.package_name) return {}
  const { check, aliases } = vulnerabilityId(cut(told.id, 100), [])
  const type = (told.package_type ?? '').toLowerCase()
  const found = packageFrom(packageTypes.get(type) ?? (type || 'generic'), cut(told.package_name, 500), proseOf(told.package_version, 200))
  return {
    class: 'vulnerability',
    check,
    aliases,
    description: proseOf(told.description),
    references: referencesOf([told.link]),
    package: { ...found, fixedIn: told.lowest_fixed_version ? [cut(told.lowest_fixed_version, 200)] : [], paths: [] },
    cvss: told.cvss
      ? { version: /^CVSS:(\d\.\d)/.exec(told.vector ?? '')?.[1] ?? '3', score: told.cvss, vector: proseOf(told.vector, 200) }
      : null,
  }
}
