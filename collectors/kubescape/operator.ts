/**
 * A WorkloadConfigurationScan of the Kubescape operator: the controls of one object, or of an account with the binding that gives it its rights.
 * It replaces its controls with each scan and does not say which frameworks that was: what it no longer lists is never fixed by that. Pure.
 */
import { z } from 'zod'
import { stringifyExact } from '../../domain/exact-json.ts'
import { InputError } from '../../domain/errors.ts'
import type { ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, Report, SourceContext } from '../collector.ts'
import { aroundOf, versionDigest } from '../report.ts'
import { kubernetesResource } from '../resources.ts'
import { scanOf } from '../scan.ts'
import { findingOf } from './normalise.ts'
import { Control } from './shape.ts'

const text = z.string().nullish()
const names = z.record(z.string(), z.string()).nullish()
/** As the report’s, only that the severity is an object and a fix is flat. */
const Scanned = z.preprocess((said) => {
  if (!isObject(said)) return said
  const severity = isObject(said.severity) ? said.severity : { severity: said.severity }
  const rules = Array.isArray(said.rules)
    ? said.rules.map((rule) => (isObject(rule) ? { ...rule, paths: pathsOf(rule.paths) } : rule))
    : said.rules
  return { ...said, ...severity, rules }
}, Control)
const OperatorScan = z.looseObject({
  metadata: z.looseObject({ name: z.string().min(1), namespace: text, labels: names, annotations: names }),
  spec: z.looseObject(
    { controls: z.record(z.string(), Scanned).nullish(), relatedObjects: z.array(z.unknown()).nullish() },
    'it has no "spec": lists leave it out, read the objects one by one',
  ),
})
type OperatorScan = z.infer<typeof OperatorScan>

export const isOperatorScan = ({ report, end }: Piece): boolean =>
  end === true && isObject(report?.value) && String(report.value.apiVersion).startsWith('spdx.softwarecomposition.kubescape.io/')

const about = aroundOf(OperatorScan)

export function* normaliseOperatorScan(raw: unknown, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const { kind } = raw as { kind?: unknown }
  if (kind !== 'WorkloadConfigurationScan')
    throw new InputError(`a ${String(kind).slice(0, 100)} is none of the objects this version reads`)
  const said = about(piece)
  const object = objectOf(said, source.scope)
  const { labels } = said.metadata
  // What an account may do is told once for each of its bindings.
  const part = labels?.['kubescape.io/rbac-resource'] === 'true' || said.spec.relatedObjects?.length ? `#${said.metadata.name}` : ''
  const report = piece.report as Report
  const named = { ...report, sha256: versionDigest(raw) ?? report.sha256 }
  const scan = scanOf(named, source, {
    scanner: 'kubescape',
    version: null,
    target: { ...object, key: `${object.key}${part}` },
    covers: [],
  })
  const controls = Object.values(said.spec.controls ?? {})
  for (const control of controls) {
    const rules = control.rules?.map((rule) => ({ ...rule, controlConfigurations: undefined }))
    const document = { resourceID: object.key, ...control, rules }
    const finding = { ...findingOf(control, undefined, scan, object), document, raw: Buffer.from(stringifyExact(document)) }
    yield { kind: 'finding', finding }
  }
  yield { kind: 'scan', scan, end: { findings: controls.length, failed: null } }
}

/** `wlid://cluster-…/namespace-shop/deployment-web` holds the name as it is, labels only what a label may be; of an account it is the binding’s. */
function objectOf({ metadata }: OperatorScan, scope: string): ResourceRef {
  const label = (name: string): string | null => metadata.labels?.[`kubescape.io/workload-${name}`] || null
  const kind = label('kind')
  const [, namespace, said = ''] =
    /^wlid:\/\/cluster-[^/]*\/namespace-([^/]*)\/(.+)$/.exec(metadata.annotations?.['kubescape.io/wlid'] ?? '') ?? []
  const named = kind !== null && said.toLowerCase().startsWith(`${kind.toLowerCase()}-`)
  const name = named ? said.slice(kind.length + 1) : label('name')
  if (kind === null || name === null)
    throw new InputError(`${metadata.name} does not say which object it is about (its labels kubescape.io/workload-kind and -name)`)
  return kubernetesResource({ kind, namespace: (named ? namespace : null) || label('namespace'), name }, scope)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

const pathsOf = (paths: unknown): unknown =>
  Array.isArray(paths)
    ? paths.map((path: unknown) =>
        isObject(path) && typeof path.fixPath === 'string' ? { ...path, fixPath: { path: path.fixPath, value: path.fixPathValue } } : path,
      )
    : paths
