import { describe, expect, it } from 'vitest'
import { collect, receivedNs } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const control = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  controlID: 'C-0046',
  name: 'Insecure capabilities',
  status: { status: 'failed' },
  rules: [
    {
      name: 'insecure-capabilities',
      status: 'failed',
      controlConfigurations: { insecureCapabilities: ['SYS_ADMIN'] },
      paths: [
        { failedPath: 'spec.containers[0].securityContext', fixPath: { path: 'spec.x', value: 'true' } },
        { deletePath: 'spec.containers[0].securityContext', fixPath: { path: '', value: '' } },
      ],
    },
  ],
  ...over,
})
const pod = '/v1/shop/Pod/checkout'
const report = (results: unknown[], over: Record<string, unknown> = {}): Record<string, unknown> => ({
  generationTime: '0001-01-01T00:00:00Z',
  clusterAPIServerInfo: null,
  summaryDetails: { controls: { 'C-0046': { name: 'Insecure capabilities', status: 'failed', scoreFactor: 7, controlID: 'C-0046' } } },
  resources: [{ resourceID: pod, object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'checkout' }, spec: { env: 'S3CRET' } } }],
  results,
  metadata: { targetMetadata: {}, scanMetadata: { kubescapeVersion: 'v4.0.8', targetNames: ['NSA', 'MITRE'] } },
  ...over,
})
const one = report([{ resourceID: pod, controls: [control()] }])

describe('Kubescape', () => {
  it('makes a finding of each control of each object, and keeps nothing of the object', async () => {
    const { findings, scans, counts, dead } = await collect(one)
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'kubescape', read: 1, skipped: 0, scans: 1 })
    expect(findings).toMatchObject([
      {
        class: 'misconfiguration',
        check: 'kubescape/C-0046',
        title: 'Insecure capabilities',
        severity: 'high',
        outcome: 'fail',
        remediation: 'set spec.x to true',
        resource: { kind: 'pod', scope: 'lab', key: 'shop/Pod/checkout', name: 'checkout', namespace: 'shop' },
        properties: { paths: ['spec.containers[0].securityContext', 'spec.x'] },
      },
    ])
    expect(scans).toEqual([{ scan: findings[0]?.scan, end: { findings: 1, failed: null } }])
    expect(scans[0]?.scan).toMatchObject({
      scanner: 'kubescape',
      version: 'v4.0.8',
      target: { kind: 'cluster', key: 'lab#mitre,nsa', name: 'lab' },
      observedNs: receivedNs,
      observedFrom: 'received',
    })
    expect(Buffer.from(findings[0]?.raw ?? []).toString()).not.toMatch(/S3CRET|SYS_ADMIN/)
  })

  it('knows the object whether the list of objects stands before the results, behind them, or is left out', async () => {
    const { resources, ...rest } = one
    for (const shape of [{ ...rest, resources }, rest]) {
      const { findings, dead, counts } = await collect(shape, { chunk: 11 })
      expect([dead, findings.map((each) => each.resource.key), counts.skipped]).toEqual([[], ['shop/Pod/checkout'], 0])
    }
  })

  it.each([
    ['apps/v1/shop/Deployment/web', 'workload', 'shop/Deployment/web'],
    ['/v1//Namespace/shop', 'namespace', '-/Namespace/shop'],
    ['path=12/api=apps/v1//Deployment/web', 'workload', '-/Deployment/web'],
    [
      '/shop/ServiceAccount/web/rbac.authorization.k8s.io/v1//ClusterRole/a/rbac.authorization.k8s.io/v1//ClusterRoleBinding/b',
      'service_account',
      'shop/ServiceAccount/web',
    ],
    [
      'rbac.authorization.k8s.io//Group/system:nodes/rbac.authorization.k8s.io/v1//ClusterRole/a',
      'kubernetes_object',
      '-/Group/system:nodes',
    ],
    ['something/else', 'kubernetes_object', 'something/else'],
    ['a/b/c/constructor/d', 'kubernetes_object', 'c/constructor/d'],
  ])('%s is a %s', async (resourceID, kind, key) => {
    const { findings } = await collect(report([{ resourceID, controls: [control()] }]))
    expect(findings[0]?.resource).toMatchObject({ kind, key })
  })

  it.each([
    [{ status: { status: 'passed' } }, 'pass', null],
    [{ status: 'passed', statusInfo: { status: 'passed', subStatus: 'w/exceptions' } }, 'muted', 'w/exceptions'],
    [{ status: 'passed', statusInfo: { status: 'passed', subStatus: 'irrelevant' } }, 'pass', 'irrelevant'],
    [{ status: { status: 'skipped', subStatus: 'requires review', info: 'look' } }, 'manual', 'requires review: look'],
    [{ status: 'failed' }, 'fail', null],
  ])('takes the status of %j', async (over, outcome, outcomeReason) => {
    const { findings } = await collect(report([{ resourceID: pod, controls: [control(over)] }]))
    expect(findings).toMatchObject([{ outcome, outcomeReason }])
  })

  it('says which controls were skipped altogether, when it looked, and when at nothing', async () => {
    const controls = {
      'C-0069': { name: 'Kubelet auth', scoreFactor: 10, statusInfo: { status: 'skipped', info: 'enable the host scanner' } },
    }
    const { findings, scans } = await collect(
      report([], { summaryDetails: { controls }, generationTime: '2026-09-01T10:00:00Z', results: null }),
    )
    expect(findings).toMatchObject([
      {
        check: 'kubescape/C-0069',
        outcome: 'manual',
        outcomeReason: 'enable the host scanner',
        severity: 'critical',
        resource: { kind: 'cluster', key: 'lab' },
      },
    ])
    expect(scans).toMatchObject([
      {
        scan: { observedFrom: 'report', observedNs: 1_788_256_800_000_000_000n },
        end: { findings: 1, failed: 'it has no results: nothing was looked at' },
      },
    ])
  })

  it('is of the folder when manifests were scanned, and says which file', async () => {
    const id = 'path=12/api=apps/v1//Deployment/web'
    const { findings, scans } = await collect(
      report([{ resourceID: id, controls: [control()] }], {
        resources: [{ resourceID: id, source: { relativePath: 'k8s/web.yaml' } }],
        metadata: { targetMetadata: { gitRepoContextMetadata: { remoteURL: '', repo: 'file@/src/shop' } }, scanMetadata: {} },
      }),
    )
    expect(scans[0]?.scan.target).toMatchObject({ kind: 'repository', key: 'file@/src/shop#', name: 'file@/src/shop' })
    expect(findings[0]?.properties).toMatchObject({ sourceFile: 'k8s/web.yaml' })
  })

  it('keeps nothing of what it cannot read, refuses what is none of it, and survives every damage', async () => {
    const { dead, scans } = await collect(report([{ resourceID: pod, controls: [control({ status: 'S3CRET' })] }]))
    expect(dead.map(({ reason, bytes }) => [reason, Buffer.from(bytes).toString()])).toEqual([
      ['status “s3cret” of C-0046: expected failed, passed or skipped', '[not kept: it may hold environment values or Secrets]'],
    ])
    expect(scans[0]?.end.failed).toBe('1 of its entries could not be read')
    for (const document of mutations(one)) await collect(document, { format: 'kubescape' })
  })
})
