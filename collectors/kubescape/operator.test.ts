import { describe, expect, it } from 'vitest'
import { findingKey } from '../../domain/finding.ts'
import { collect, receivedNs } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const control = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  controlID: 'C-0057',
  name: 'Privileged container',
  severity: { severity: 'High', scoreFactor: 8 },
  status: { status: 'failed', subStatus: '', info: '' },
  rules: [
    {
      name: 'rule-privileged-container',
      status: { status: 'failed', subStatus: '' },
      controlConfigurations: { names: ['S3CRET'] },
      paths: [{ failedPath: 'spec.containers[0].securityContext.privileged', fixPath: 'spec.x', fixPathValue: 'false', fixCommand: '' }],
    },
  ],
  ...over,
})
const scan = (metadata: Record<string, unknown> = {}, spec: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'spdx.softwarecomposition.kubescape.io/v1beta1',
  kind: 'WorkloadConfigurationScan',
  metadata: {
    name: 'apps-v1-deployment-web',
    namespace: 'shop',
    uid: 'uid-1',
    resourceVersion: '3',
    labels: { 'kubescape.io/workload-kind': 'Deployment', 'kubescape.io/workload-name': 'web', 'kubescape.io/workload-namespace': 'shop' },
    annotations: { 'kubescape.io/wlid': 'wlid://cluster-lab/namespace-shop/deployment-web' },
    ...metadata,
  },
  spec: {
    controls: { 'C-0057': control(), 'C-0016': control({ controlID: 'C-0016', name: 'Escalation', status: { status: 'passed' } }) },
    relatedObjects: [],
    ...spec,
  },
})
const account = (name: string): Record<string, unknown> =>
  scan(
    {
      name: `serviceaccount-web-clusterrole-a-clusterrolebinding-${name}`,
      namespace: 'kubescape',
      uid: name,
      labels: {
        'kubescape.io/workload-kind': 'ServiceAccount',
        'kubescape.io/workload-name': 'web',
        'kubescape.io/workload-namespace': 'shop',
        'kubescape.io/rbac-resource': 'true',
      },
      annotations: { 'kubescape.io/wlid': `wlid://cluster-lab/namespace-/clusterrolebinding-${name}` },
    },
    { relatedObjects: [{ kind: 'ClusterRole', name: 'a' }] },
  )

describe('WorkloadConfigurationScan of the Kubescape operator', () => {
  it('makes a finding of each control, the same as the report of its scan', async () => {
    const { findings, scans, counts, dead } = await collect(scan())
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'kubescape', read: 2, scans: 1 })
    expect(findings).toMatchObject([
      {
        check: 'kubescape/C-0057',
        title: 'Privileged container',
        severity: 'high',
        outcome: 'fail',
        remediation: 'set spec.x to false',
        resource: { kind: 'workload', scope: 'lab', key: 'shop/Deployment/web' },
        properties: { paths: ['spec.containers[0].securityContext.privileged', 'spec.x'] },
      },
      { check: 'kubescape/C-0016', outcome: 'pass' },
    ])
    expect(scans).toMatchObject([
      {
        scan: { scanner: 'kubescape', target: { key: 'shop/Deployment/web' }, covers: [], observedNs: receivedNs },
        end: { findings: 2, failed: null },
      },
    ])
    expect(Buffer.from(findings[0]?.raw ?? []).toString()).not.toContain('S3CRET')
    const report = {
      summaryDetails: { controls: {} },
      results: [{ resourceID: 'apps/v1/shop/Deployment/web', controls: [{ controlID: 'C-0057', status: { status: 'failed' } }] }],
    }
    const [same] = (await collect(report)).findings
    expect(findingKey(same as NonNullable<typeof same>)).toBe(findingKey(findings[0] as NonNullable<typeof same>))
  })

  it('is the same scan by itself and in a list, in any spelling, and another in another version', async () => {
    const keyOf = async (document: unknown): Promise<string[]> => (await collect(document)).scans.map((one) => one.scan.contentKey)
    const [alone] = await keyOf(scan())
    expect(await keyOf(JSON.stringify(scan(), null, 2))).toEqual([alone])
    const list = { apiVersion: 'v1', kind: 'List', items: [scan(), scan({ resourceVersion: '4' })] }
    const listed = await keyOf(list)
    expect(listed).toHaveLength(2)
    expect(listed[0]).toBe(alone)
    expect(listed[1]).not.toBe(alone)
  })

  it('takes the name from where it is whole, and keeps what an account may do by each binding apart', async () => {
    const binding = scan({
      labels: { 'kubescape.io/workload-kind': 'ClusterRoleBinding', 'kubescape.io/workload-name': 'system-x' },
      annotations: { 'kubescape.io/wlid': 'wlid://cluster-lab/namespace-/clusterrolebinding-system:x' },
    })
    expect((await collect(binding)).findings[0]?.resource.key).toBe('-/ClusterRoleBinding/system:x')
    const read = await Promise.all(['one', 'two'].map(async (name) => collect(account(name))))
    expect(read.map(({ findings }) => findings[0]?.resource.key)).toEqual(['shop/ServiceAccount/web', 'shop/ServiceAccount/web'])
    expect(new Set(read.map(({ scans }) => scans[0]?.scan.target.key)).size).toBe(2)
  })

  it('never takes an object without its contents, or of another kind, for an empty scan', async () => {
    const { spec: _left, ...bare } = scan()
    for (const document of [bare, { ...bare, kind: 'VulnerabilitySummary' }, { apiVersion: 'v1', kind: 'List', items: [bare] }]) {
      const { scans, dead } = await collect(document, { format: 'kubescape' })
      expect(scans).toEqual([])
      expect(dead).toHaveLength(1)
    }
    expect((await collect(scan({ labels: {}, annotations: {} }))).dead[0]?.reason).toContain('does not say which object it is about')
  })

  it('survives every damage', async () => {
    for (const document of mutations(scan())) await collect(document, { format: 'kubescape' })
  })
})
