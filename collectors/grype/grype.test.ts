import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findingKey } from '../../domain/finding.ts'
import { property } from '../../test/support/sizes.ts'
import { collect } from '../../test/support/collect.ts'
import { mutated } from '../../test/support/damage.ts'

const [config, manifest, repository] = ['a', 'b', 'c'].map((digit) => `sha256:${digit.repeat(64)}`)
const match = (over: Record<string, unknown> = {}, artifact: Record<string, unknown> = {}): Record<string, unknown> => ({
  vulnerability: {
    id: 'GHSA-aaaa-bbbb-cccc',
    dataSource: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
    severity: 'High',
    urls: ['https://example.com/1'],
    description: 'a bad parser',
    cvss: [
      { version: '2.0', vector: 'AV:N', metrics: { baseScore: 5 } },
      { version: '3.1', vector: 'CVSS:3.1/AV:N', metrics: { baseScore: 8.1 } },
    ],
    epss: [{ cve: 'CVE-2024-0001', epss: 0.8, percentile: 0.99 }],
    fix: { versions: ['2.0.2'], state: 'fixed' },
    risk: 67.5,
  },
  relatedVulnerabilities: [{ id: 'CVE-2024-0001', dataSource: 'https://nvd.nist.gov/vuln/detail/CVE-2024-0001', severity: 'Medium' }],
  artifact: {
    name: 'ip',
    version: '2.0.1',
    type: 'npm',
    purl: 'pkg:npm/ip@2.0.1',
    locations: [{ path: '/app/ip/package.json' }],
    ...artifact,
  },
  ...over,
})
const image = { userInput: 'app:1', imageID: config, manifestDigest: manifest, tags: ['app:1'], repoDigests: [`reg/app@${repository}`] }
const report = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  matches: [match()],
  source: { type: 'image', target: image },
  distro: { name: 'debian', version: '12', idLike: [] },
  descriptor: { name: 'grype', version: '0.112.0', timestamp: '2026-02-20T20:23:58.14968411Z', db: { status: { valid: true } } },
  ...over,
})

describe('Grype', () => {
  it('says a vulnerability of a package in an image', async () => {
    const { counts, findings, scans, records } = await collect(report())
    expect(counts).toMatchObject({ format: 'grype', read: 1, scans: 1, deadLetters: 0 })
    expect(findings[0]).toMatchObject({
      class: 'vulnerability',
      check: 'CVE-2024-0001',
      aliases: ['GHSA-aaaa-bbbb-cccc'],
      severity: 'high',
      outcome: 'fail',
      resource: { kind: 'image', scope: 'global', key: config, name: 'app:1' },
      package: { key: 'pkg:npm/ip@2.0.1', type: 'npm', fixedIn: ['2.0.2'], paths: ['/app/ip/package.json'] },
      cvss: { version: '3.1', score: 8.1 },
      properties: { fixState: 'fixed', epss: 0.8, risk: 67.5 },
    })
    expect(scans[0]).toMatchObject({
      scan: {
        scanner: 'grype',
        version: '0.112.0',
        covers: ['vulnerability'],
        observedFrom: 'report',
        observedNs: 1_771_619_038_149_684_110n,
      },
      end: { findings: 1, failed: null },
    })
    const [entity, ...aliases] = records.filter(({ kind }) => kind === 'entity' || kind === 'alias')
    expect(entity).toMatchObject({ entity: { scope: 'global', kind: 'image', key: config, properties: { declaredOnly: true } } })
    expect(aliases.map((record) => record.kind === 'alias' && record.alias.alsoKey)).toEqual([manifest, repository])
  })

  it('says what is ignored, and why', async () => {
    const rules = [
      [{ vulnerability: 'CVE-2024-0001', reason: 'not reachable' }, 'not reachable'],
      [
        { 'vex-status': 'not_affected', 'vex-justification': 'code_not_present' },
        'rule: vex-status not_affected, vex-justification code_not_present',
      ],
      [{ package: { name: 'ip', type: '' }, 'fix-state': 'unknown' }, 'rule: fix-state unknown, package name ip'],
      [{}, 'rule: any match'],
    ] as const
    const ignoredMatches = rules.map(([rule]) => match({ appliedIgnoreRules: [rule] }))
    const { findings, scans } = await collect(report({ matches: [], ignoredMatches }))
    expect(findings.map(({ outcome, outcomeReason }) => [outcome, outcomeReason])).toEqual(rules.map(([, reason]) => ['muted', reason]))
    expect(scans[0]?.end.findings).toBe(rules.length)
  })

  it('reads its first versions', async () => {
    const old = {
      vulnerability: {
        id: 'CVE-2019-0001',
        severity: 'Unknown',
        links: ['https://x'],
        cvssV2: { baseScore: 5, vector: 'AV:N' },
        fixedInVersion: '1.1',
      },
      matchDetails: { matcher: 'dpkg-matcher' },
      artifact: { name: 'libc6', version: '2.28-10', type: 'deb', purl: 'pkg:deb/debian/libc6@2.28-10?arch=amd64' },
    }
    const { findings, scans } = await collect(report({ matches: [old], descriptor: { name: 'grype', version: '0.7.0' } }))
    expect(findings[0]).toMatchObject({ severity: null, cvss: { version: '2.0', score: 5 }, package: { fixedIn: ['1.1'] } })
    expect(scans[0]?.scan).toMatchObject({ observedFrom: 'received', observedNs: 1_790_000_000_000_000_000n })
  })

  it('tells images, folders, files and inventories apart', async () => {
    const targets = [
      ['directory', '/srv/app', 'file'],
      ['file', 'app.jar', 'file'],
      ['sbom-file', 'app.cdx.json', 'sbom'],
    ]
    for (const [type, target, kind] of targets) {
      const { scans, records } = await collect(report({ source: { type, target } }))
      expect(scans[0]?.scan.target).toMatchObject({ kind, scope: 'lab', key: target })
      expect(records.filter((record) => record.kind === 'entity')).toEqual([])
    }
    const { dead, scans } = await collect(report({ source: null }))
    expect(scans).toEqual([])
    expect(dead[0]?.reason).toContain('does not say what was scanned')
  })

  it('an empty scan is a scan, a broken database a failed one', async () => {
    for (const matches of [[], null]) expect((await collect(report({ matches }))).scans[0]?.end).toEqual({ findings: 0, failed: null })
    const { scans } = await collect(report({ descriptor: { name: 'grype', version: '1', db: { error: 'no such file' } } }))
    expect(scans[0]?.end.failed).toBe('its vulnerability database was not usable: no such file')
  })

  it('one broken match is one dead letter without its bytes, and the scan says nothing by what it lacks', async () => {
    const { dead, findings, scans } = await collect(report({ matches: [match(), { vulnerability: {}, password: 'hunter2' }, match()] }))
    expect(findings).toHaveLength(2)
    expect(dead).toHaveLength(1)
    expect(dead[0]?.at).toBe('matches[1]')
    expect(JSON.stringify(dead[0]?.bytes.toString())).not.toContain('hunter2')
    expect(scans[0]?.end.failed).toBe('1 of its entries could not be read')
  })

  it('is the same finding wherever it was found, another in another version', async () => {
    const { findings } = await collect(
      report({
        matches: [match(), match({}, { locations: [{ path: '/other' }] }), match({}, { version: '2.0.0', purl: 'pkg:npm/ip@2.0.0' })],
      }),
    )
    const [one, elsewhere, older] = findings.map(findingKey)
    expect(elsewhere).toBe(one)
    expect(older).not.toBe(one)
  })

  it('never takes for empty what it cannot read', async () => {
    for (const matches of [{ a: 1 }, 'none', undefined]) {
      const { scans, dead } = await collect(report({ matches }), { format: 'grype' })
      expect(scans).toEqual([])
      expect(dead[0]?.reason).toContain('the report around it does not fit: matches')
    }
  })

  it('does not take others’ reports for its own', async () => {
    for (const other of [{ matches: ['a'] }, { results: [], matches: 3 }])
      await expect(collect(other)).rejects.toThrow('of a kind this version does not read')
    const { counts } = await collect({ bomFormat: 'CycloneDX', metadata: { tools: [{ name: 'grype' }] } })
    expect(counts.format).toBe('cyclonedx')
    await expect(collect(`scanning…\n${JSON.stringify(report())}`)).rejects.toThrow('there is text before the JSON')
  })

  it('never stumbles over what is of another type', async () => {
    const whole = report({ ignoredMatches: [match({ appliedIgnoreRules: [{ reason: 'x', package: { name: 'y' } }] })] })
    await fc.assert(
      fc.asyncProperty(mutated(whole), async (document) => {
        const { counts, dead } = await collect(document, { format: 'grype', chunk: 4_096 })
        expect(counts.deadLetters).toBe(dead.length)
      }),
      property(4_000, 300),
    )
  })
})
