import { describe, expect, it } from 'vitest'
import { collect } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const digest = `sha256:${'d'.repeat(64)}`
const payload = {
  matches: [
    {
      vulnerability: { id: 'CVE-2024-0001', severity: 'High', fix: { versions: [], state: 'not-fixed' } },
      artifact: { name: 'libssl3', version: '3.0-1', type: 'deb', purl: 'pkg:deb/debian/libssl3@3.0-1?distro=debian-12' },
    },
  ],
  distro: { name: 'debian', version: '12', idLike: [] },
  descriptor: { name: 'grype', version: '0.90.0' },
}
const manifest = (spec: Record<string, unknown> = {}, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  kind: 'VulnerabilityManifest',
  apiVersion: 'spdx.softwarecomposition.kubescape.io/v1beta1',
  metadata: {
    name: 'nginx-1',
    uid: 'uid-1',
    resourceVersion: '1',
    labels: { 'kubescape.io/context': 'non-filtered' },
    annotations: { 'kubescape.io/image-id': `docker.io/library/nginx@${digest}`, 'kubescape.io/image-tag': 'nginx:1' },
    ...over,
  },
  spec: { metadata: { withRelevancy: false, report: { createdAt: '2026-02-20T20:23:58Z' } }, payload, ...spec },
})

describe('VulnerabilityManifest of the Kubescape operator', () => {
  it('is the report of Grype that is in it, about the image its annotations name', async () => {
    const { counts, dead, findings, scans } = await collect(manifest())
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'grype', read: 1, scans: 1 })
    expect(findings).toMatchObject([{ check: 'CVE-2024-0001', resource: { kind: 'image', scope: 'global', key: digest, name: 'nginx:1' } }])
    expect(scans).toMatchObject([{ scan: { version: '0.90.0', observedFrom: 'report' }, end: { findings: 1, failed: null } }])
    const own = { type: 'image', target: { userInput: 'nginx:1', imageID: `sha256:${'e'.repeat(64)}` } }
    expect((await collect(manifest({ payload: { ...payload, source: own } }))).findings[0]?.resource.key).toBe(`sha256:${'e'.repeat(64)}`)
  })

  it('one of what a workload really uses is no scan of the image', async () => {
    for (const part of [
      manifest({ metadata: { withRelevancy: true } }),
      manifest({}, { labels: { 'kubescape.io/context': 'filtered' } }),
    ]) {
      const { counts, records, dead } = await collect(part)
      expect([records, dead, counts.skipped]).toEqual([[], [], 1])
    }
  })

  it('never takes for empty what has no contents, and survives every damage', async () => {
    for (const document of [manifest({ payload: undefined }), { ...manifest(), spec: {} }, manifest({ payload: {} })])
      expect(await collect(document)).toMatchObject({ scans: [], dead: [{ reason: expect.stringContaining('matches') }] })
    for (const document of mutations(manifest())) await collect(document, { format: 'grype' })
  })
})
