/** One object’s controls as findings, and the report as a scan. Pure. */
import { stringifyExact } from '../../domain/exact-json.ts'
import type { NewFinding, NewScan, ResourceRef } from '../../domain/finding.ts'
import type { Severity } from '../../domain/severity.ts'
import type { NewRecord, Piece, Report, SourceContext } from '../collector.ts'
import { aroundOf } from '../report.ts'
import { clusterResource, kubernetesResource } from '../resources.ts'
import { scanOf } from '../scan.ts'
import { severityOf } from '../vulnerability.ts'
import { cut, proseOf, titleOf } from '../words.ts'
import { outcomeOf, wordOf } from './outcome.ts'
import { Around, type Control, type KubescapeResult, type Summary } from './shape.ts'

const around = aroundOf(Around)

export function* normaliseKubescape(raw: KubescapeResult, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const about = around(piece)
  const { whole, part } = lookedAt(about, source.scope)
  const scan = scanOf(piece.report as Report, source, {
    scanner: 'kubescape',
    version: proseOf(about.metadata?.scanMetadata?.kubescapeVersion, 100),
    // A scan by some frameworks, or of some namespaces, says nothing of the others.
    target: { ...whole, key: `${whole.key}#${part}` },
    covers: ['misconfiguration'],
    time: about.generationTime,
  })
  if (piece.end === true) yield* endOf(about, scan, whole, piece.report?.counts.controls ?? 0)
  else for (const control of raw.controls ?? []) yield { kind: 'finding', finding: ofObject(raw, control, about, scan) }
}

/** An account is told of once per binding: several findings of one scan are then the same, and the worst of them holds. */
function ofObject(raw: KubescapeResult, control: Control, about: Around, scan: NewScan): NewFinding {
  const resource = resourceOf(raw.resourceID, scan.scope)
  // What a control was configured with is the same for every object.
  const rules = control.rules?.map((rule) => ({ ...rule, controlConfigurations: undefined }))
  const document = { resourceID: raw.resourceID, ...(raw.sourceFile ? { sourceFile: raw.sourceFile } : {}), ...control, rules }
  const finding = findingOf(control, summaryOf(about, control.controlID), scan, resource)
  return {
    ...finding,
    properties: { ...finding.properties, sourceFile: proseOf(raw.sourceFile, 1_000) },
    document,
    raw: Buffer.from(stringifyExact(document)),
  }
}

/**
 * `group/version/namespace/Kind/name`; of manifests `path=…/api=` before it; of a subject of RBAC `group/namespace/Kind/name/…`, its role and
 * binding behind it.
 */
function resourceOf(id: string, scope: string): ResourceRef {
  const parts = id.replace(/^path=\d*\/api=/, '').split('/')
  const [namespace, kind, name] = parts.length === 5 ? parts.slice(2) : parts.length % 5 === 4 ? parts.slice(1, 4) : []
  if (!kind || !name) return { kind: 'kubernetes_object', scope, key: id, name: cut(id, 253), namespace: null }
  return kubernetesResource({ kind, namespace: namespace || null, name }, scope)
}

const summaryOf = ({ summaryDetails: { controls } }: Around, id: string): Summary | undefined =>
  controls && Object.hasOwn(controls, id) ? controls[id] : undefined

export function findingOf(control: Control, summary: Summary | undefined, scan: NewScan, resource: ResourceRef): NewFinding {
  const paths = (control.rules ?? []).flatMap((rule) => rule.paths ?? [])
  const fixes = paths.flatMap(({ fixPath }) => (fixPath?.path ? [`set ${fixPath.path} to ${fixPath.value ?? ''}`] : []))
  const places = paths.flatMap((path) => [path.failedPath, path.reviewPath, path.deletePath, path.fixPath?.path])
  const benchmark = /^CIS-(\d[\d.]*)\s/.exec(control.name ?? summary?.name ?? '')?.[1]
  return {
    scope: scan.scope,
    class: 'misconfiguration',
    check: `kubescape/${control.controlID}`,
    aliases: benchmark === undefined ? [] : [`CIS ${benchmark}`],
    title: titleOf(control.name, summary?.name, control.controlID),
    description: null,
    remediation: proseOf([...new Set(fixes)].join('\n')),
    references: [],
    severity: severityIn(control) ?? severityIn(summary),
    ...outcomeOf(control),
    resource,
    package: null,
    cvss: null,
    properties: { paths: [...new Set(places)].flatMap((one) => (one ? [cut(one, 500)] : [])).slice(0, 20) },
    scan,
    document: control,
    raw: Buffer.from(stringifyExact(control)),
  }
}

/** Kubescape’s own bounds of the factor. */
function severityIn(said: Pick<Summary, 'severity' | 'scoreFactor'> | undefined): Severity | null {
  const factor = said?.scoreFactor ?? 0
  return (
    severityOf(said?.severity) ?? (factor >= 9 ? 'critical' : factor >= 7 ? 'high' : factor >= 4 ? 'medium' : factor >= 1 ? 'low' : null)
  )
}

function lookedAt({ metadata }: Around, scope: string): { whole: ResourceRef; part: string } {
  const { targetNames, includeNamespaces, excludedNamespaces } = metadata?.scanMetadata ?? {}
  const parts = [targetNames, includeNamespaces, excludedNamespaces].map((names) => [...(names ?? [])].sort().join(','))
  const part = cut(parts.join('#').toLowerCase().replace(/#+$/, ''), 1_000)
  const from = metadata?.targetMetadata
  const folder =
    [from?.gitRepoContextMetadata, from?.repoContextMetadata].map((one) => one?.remoteURL || one?.repo).find((one) => one) ||
    from?.directoryContextMetadata?.basePath ||
    from?.fileContextMetadata?.filePath ||
    from?.helmContextMetadata?.chartName
  if (!folder) return { whole: clusterResource(scope), part }
  return { whole: { kind: 'repository', scope, key: cut(folder, 1_000), name: cut(folder, 500), namespace: null }, part }
}

function* endOf(about: Around, scan: NewScan, whole: ResourceRef, controls: number): Iterable<NewRecord> {
  let skipped = 0
  for (const [id, summary] of Object.entries(about.summaryDetails.controls ?? {})) {
    if (wordOf(summary) !== 'skipped') continue
    skipped += 1
    yield { kind: 'finding', finding: findingOf({ ...summary, controlID: cut(id, 64) }, summary, scan, whole) }
  }
  // `null` is what it writes when nothing was looked at.
  const failed = about.results ? null : 'it has no results: nothing was looked at'
  yield { kind: 'scan', scan, end: { findings: controls + skipped, failed } }
}
