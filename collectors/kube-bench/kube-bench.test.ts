import { describe, expect, it } from 'vitest'
import { collect, receivedNs } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const check = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  test_number: '1.2.3',
  test_desc: 'Ensure that the gate is shut\n (Automated)',
  audit: 'ps -ef',
  type: '',
  remediation: 'Shut it.\n',
  status: 'FAIL',
  actual_value: 'open',
  expected_result: "'gate' is equal to 'shut'",
  scored: true,
  ...over,
})
const control = (results: unknown[], over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: '1',
  version: 'cis-1.9',
  text: 'Control plane',
  node_type: 'master',
  tests: [{ section: '1.2', desc: 'API server', pass: 0, results }],
  ...over,
})
const report = { Controls: [control([check()])], Totals: { total_pass: 0, total_fail: 1, total_warn: 0, total_info: 0 } }

describe('kube-bench', () => {
  it('makes a finding of each check, about the cluster when no node is named', async () => {
    const { findings, scans, counts, dead } = await collect(report)
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'kube-bench', read: 1, scans: 1 })
    expect(findings).toMatchObject([
      {
        class: 'compliance',
        check: 'kube-bench/1.9/1.2.3',
        aliases: ['CIS 1.2.3'],
        title: 'Ensure that the gate is shut (Automated)',
        remediation: 'Shut it.',
        severity: null,
        outcome: 'fail',
        resource: { kind: 'cluster', scope: 'lab', key: 'lab' },
        properties: {
          section: '1.2',
          sectionTitle: 'API server',
          nodeType: 'master',
          expected: "'gate' is equal to 'shut'",
          actual: 'open',
        },
      },
    ])
    expect(scans).toEqual([{ scan: findings[0]?.scan, end: { findings: 1, failed: null } }])
    expect(scans[0]?.scan).toMatchObject({
      scanner: 'kube-bench',
      covers: ['compliance'],
      observedNs: receivedNs,
      observedFrom: 'received',
    })
  })

  it('reads a list of controls and one by itself alike, and knows the version with or without “cis-”', async () => {
    const keys = [report, report.Controls, report.Controls[0], { Controls: [control([check()], { version: '1.9' })], Totals: {} }]
    for (const shape of keys) {
      const { findings } = await collect(shape, { chunk: 7 })
      expect(findings.map((one) => [one.check, one.properties.section])).toEqual([['kube-bench/1.9/1.2.3', '1.2']])
    }
  })

  it('keeps sections and parts apart, and each outcome with its reason', async () => {
    const { findings } = await collect([
      control([check({ status: 'PASS' })]),
      {
        ...control([]),
        node_type: 'policies',
        version: 'eks-1.0',
        tests: [
          { section: '5.1', desc: 'RBAC', results: null },
          { section: '5.2', desc: 'Pods', results: [check({ status: 'WARN', reason: 'by hand' }), check({ status: 'INFO' })] },
        ],
      },
    ])
    expect(findings.map((one) => [one.outcome, one.outcomeReason, one.properties.nodeType, one.properties.section, one.check])).toEqual([
      ['pass', null, 'master', '1.2', 'kube-bench/1.9/1.2.3'],
      ['manual', 'by hand', 'policies', '5.2', 'kube-bench/eks-1.0/1.2.3'],
      ['muted', null, 'policies', '5.2', 'kube-bench/eks-1.0/1.2.3'],
    ])
  })

  it('is about the node when the report names it, wherever its wrapper says so', async () => {
    const { findings, scans } = await collect({ node_name: 'worker-1', ...report })
    expect(findings[0]?.resource).toMatchObject({ kind: 'node', key: '-/Node/worker-1', name: 'worker-1' })
    expect(scans[0]?.scan.target).toMatchObject({ kind: 'node', key: '-/Node/worker-1#master' })
    const other = await collect({ node_name: 'worker-2', ...report })
    expect(other.scans[0]?.scan.contentKey).not.toBe(scans[0]?.scan.contentKey)
  })

  it('says when a scan says nothing by what it does not list', async () => {
    const ends = async (document: unknown): Promise<unknown> => (await collect(document)).scans.map((one) => one.end)
    expect(await ends({ Controls: [], Totals: {} })).toEqual([{ findings: 0, failed: 'no part of the benchmark was checked' }])
    expect(await ends([control([check()], { total_pass: 5 })])).toEqual([{ findings: 1, failed: 'its totals say 5 checks, it lists 1' }])
    expect(await ends([control([check(), check({ status: 'MAYBE' })])])).toEqual([
      { findings: 2, failed: '1 of its entries could not be read' },
    ])
  })

  it('refuses what is no report of it, and survives every damage', async () => {
    await expect(collect('[INFO] 1 Control plane\n[PASS] 1.1.1 Ensure\n')).rejects.toThrow('it looks like plain text')
    expect((await collect({ foo: 1 }, { format: 'kube-bench' })).dead[0]?.reason).toMatch(/^the report around it does not fit/)
    for (const document of mutations(report)) await collect(document, { format: 'kube-bench' })
  })
})
