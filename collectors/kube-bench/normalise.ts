/** One check of kube-bench as a finding, and its report as a scan. Pure. */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import type { NewFinding, NewScan, Outcome, ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import { aroundOf } from '../report.ts'
import { kubernetesResource } from '../resources.ts'
import { scanOf } from '../scan.ts'
import { cut, proseOf, titleOf } from '../words.ts'

/** With the wrapper, as a list, and one control by itself. */
export const lists = ['$.Controls.*.tests.*.results.*', '$.*.tests.*.results.*', '$.tests.*.results.*']

const text = z.string().nullish()
export const KubeBenchResult = z.looseObject({
  test_number: z.string().regex(/^[\w.-]{1,64}$/, 'not the number of a check'),
  test_desc: text,
  status: z.string(),
  remediation: text,
  reason: text,
  actual_value: text,
  expected_result: text,
  scored: z.boolean().nullish(),
})
export type KubeBenchResult = z.infer<typeof KubeBenchResult>

const total = z.number().nullish()
const Control = z.object({
  version: text,
  node_type: text,
  node_name: text,
  tests: z.array(z.object({ section: text, desc: text })).nullable(),
  total_pass: total,
  total_fail: total,
  total_warn: total,
  total_info: total,
})
type Control = z.infer<typeof Control>
const Wrapper = z.object({ Controls: z.array(Control).nullable(), node_name: text })
type Around = { controls: Control[]; node: string | null; parts: string; totals: number }

const around = aroundOf(z.union([Wrapper, z.array(Control), Control]), (value): Around => {
  const controls = Array.isArray(value) ? value : 'Controls' in value ? (value.Controls ?? []) : [value]
  const named = Array.isArray(value) ? controls : [value, ...controls]
  return {
    controls,
    node: named.map((one) => proseOf(one.node_name, 253)).find((one) => one !== null) ?? null,
    parts: [...new Set(controls.map((one) => cut(one.node_type ?? '', 40)))].sort().join('+'),
    totals: controls.reduce(
      (sum, one) => sum + (one.total_pass ?? 0) + (one.total_fail ?? 0) + (one.total_warn ?? 0) + (one.total_info ?? 0),
      0,
    ),
  }
})

/** INFO: it was told to skip the check. */
const outcomes: Readonly<Record<string, Outcome>> = { PASS: 'pass', FAIL: 'fail', WARN: 'manual', INFO: 'muted' }

export function* normaliseKubeBench(raw: KubeBenchResult, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const about = around(piece)
  const resource = resourceOf(about, source.scope)
  const scan = scanOf(piece.report as NonNullable<Piece['report']>, source, {
    scanner: 'kube-bench',
    version: null,
    // A run of some parts says nothing of the others.
    target: { ...resource, key: `${resource.key}#${about.parts}` },
    covers: ['compliance'],
  })
  if (piece.end === true) yield { kind: 'scan', scan, end: endOf(about, piece) }
  else yield { kind: 'finding', finding: findingOf(raw, piece, about, { resource, scan }) }
}

const resourceOf = ({ node }: Around, scope: string): ResourceRef =>
  node === null
    ? { kind: 'cluster', scope, key: scope, name: scope, namespace: null }
    : kubernetesResource({ kind: 'Node', namespace: null, name: node }, scope)

function endOf({ controls, totals }: Around, { report }: Piece): { findings: number; failed: string | null } {
  const findings = Object.values(report?.counts ?? {}).reduce((sum, one) => sum + one, 0)
  const failed =
    controls.length === 0
      ? 'no part of the benchmark was checked'
      : totals > findings
        ? `its totals say ${totals} checks, it lists ${findings}`
        : null
  return { findings, failed }
}

function findingOf(
  raw: KubeBenchResult,
  piece: Piece,
  about: Around,
  { resource, scan }: { resource: ResourceRef; scan: NewScan },
): NewFinding {
  const outcome = outcomes[raw.status.toUpperCase()]
  if (outcome === undefined)
    throw new InputError(`status “${cut(raw.status, 40)}” of ${raw.test_number}: expected PASS, FAIL, WARN or INFO`)
  // The last three indices are of the control, the group and the check; a control by itself has no index.
  const [group, control = 0] = (piece.path ?? [])
    .filter((part) => typeof part === 'number')
    .slice(0, -1)
    .reverse()
  const part = about.controls[control]
  const section = part?.tests?.[group ?? 0]
  const benchmark = cut((part?.version ?? '').replace(/^cis-/, ''), 100) || 'unknown'
  return {
    scope: resource.scope,
    class: 'compliance',
    check: `kube-bench/${benchmark}/${raw.test_number}`,
    aliases: /stig/i.test(benchmark) ? [] : [`CIS ${raw.test_number}`],
    title: titleOf(raw.test_desc, raw.test_number),
    description: null,
    remediation: proseOf(raw.remediation),
    references: [],
    severity: null,
    outcome,
    outcomeReason: outcome === 'fail' || outcome === 'pass' ? null : proseOf(raw.reason, 1_000),
    resource,
    package: null,
    cvss: null,
    properties: {
      section: proseOf(section?.section, 100),
      sectionTitle: proseOf(section?.desc, 500),
      nodeType: proseOf(part?.node_type, 100),
      scored: raw.scored ?? null,
      reason: proseOf(raw.reason, 1_000),
      expected: proseOf(raw.expected_result, 1_000),
      actual: proseOf(raw.actual_value, 1_000),
    },
    scan,
    document: raw,
    raw: piece.bytes,
  }
}
