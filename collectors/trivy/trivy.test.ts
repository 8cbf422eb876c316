import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { findingKey } from '../../domain/finding.ts'
import { property } from '../../test/support/sizes.ts'
import { collect } from '../../test/support/collect.ts'
import { mutated } from '../../test/support/damage.ts'
import { image, cluster, compliance, digests, operatorReport, osPackages, vulnerability } from '../../test/support/trivy-reports.ts'

const [config, repository] = digests

describe('Trivy, of an image', () => {
  it('says its vulnerabilities, its scan and its names', async () => {
    const { counts, findings, scans, records } = await collect(image())
    expect(counts).toMatchObject({ format: 'trivy', read: 5, skipped: 1, scans: 1, deadLetters: 0 })
    expect(findings[0]).toMatchObject({
      class: 'vulnerability',
      check: 'CVE-2024-0001',
      aliases: ['DSA-1-1'],
      severity: 'high',
      outcome: 'fail',
      resource: { kind: 'image', scope: 'global', key: config, name: 'app:1' },
      package: { key: 'pkg:deb/debian/libssl3@1:3.0-1', name: 'libssl3', version: '1:3.0-1', fixedIn: ['3.0-2', '3.1-1'], paths: [] },
      cvss: { version: '3.1', score: 7.5 },
      properties: { fixState: 'fixed' },
    })
    expect(scans[0]).toMatchObject({
      scan: {
        scanner: 'trivy',
        version: '0.69.1',
        covers: ['vulnerability', 'misconfiguration', 'secret', 'licence'],
        observedFrom: 'report',
      },
      end: { findings: 5, failed: null },
    })
    expect(records.filter(({ kind }) => kind === 'entity' || kind === 'alias')).toMatchObject([
      { entity: { scope: 'global', kind: 'image', key: config, properties: { declaredOnly: true, distribution: 'debian 12.11' } } },
      { alias: { scope: 'global', key: config, alsoKey: repository } },
    ])
  })

  it('keeps nothing of a secret but where it is', async () => {
    const { findings, records } = await collect(image())
    const secret = findings.find((one) => one.class === 'secret')
    expect(secret).toMatchObject({
      check: 'trivy/aws-access-key-id',
      severity: 'critical',
      resource: { kind: 'file', scope: 'global', key: `${config}:etc/app.env`, name: 'etc/app.env' },
      properties: { startLine: 3 },
    })
    expect(secret?.raw).toHaveLength(0)
    expect(stringifyExact(records)).not.toContain('hunter2')
  })

  it('leaves the code out of a misconfiguration, and names its check alike in all versions', async () => {
    const of = async (ID: string, AVDID?: string): Promise<string | undefined> =>
      (await collect(image([{ Target: 'Dockerfile', Class: 'config', Misconfigurations: [{ ID, AVDID, Status: 'FAIL' }] }]))).findings[0]
        ?.check
    expect([await of('KSV014', 'AVD-KSV-0014'), await of('KSV-0014'), await of('AVD-KSV-0014'), await of('KSV014')]).toEqual(
      Array.from({ length: 4 }, () => 'trivy/KSV-0014'),
    )
    expect(await of('my-own')).toBe('trivy/my-own')
    const { findings } = await collect(image())
    const misconfiguration = findings.find((one) => one.class === 'misconfiguration')
    expect(misconfiguration).toMatchObject({
      check: 'trivy/DS-0002',
      resource: { kind: 'file', key: `${config}:Dockerfile` },
      outcome: 'fail',
    })
    expect(Buffer.from(misconfiguration?.raw ?? []).toString()).not.toContain('hunter2')
  })

  it('says what is ignored and what its vendor calls unaffected, and why', async () => {
    const ignored = (Type: string, Finding: unknown): unknown => ({
      Type,
      Status: 'ignored',
      Statement: 'accepted',
      Source: '.trivyignore',
      Finding,
    })
    const { findings, dead, scans } = await collect(
      image([
        {
          ...osPackages([vulnerability({ Status: 'not_affected' })]),
          ExperimentalModifiedFindings: [
            ignored('vulnerability', vulnerability()),
            ignored('secret', { RuleID: 'x', Match: 'hunter2' }),
            ignored('other', {}),
          ],
        },
      ]),
    )
    expect(findings.map(({ class: one, outcome, outcomeReason }) => [one, outcome, outcomeReason])).toEqual([
      ['vulnerability', 'not_applicable', 'the vendor says it is not affected'],
      ['vulnerability', 'muted', 'ignored: accepted (.trivyignore)'],
      ['secret', 'muted', 'ignored: accepted (.trivyignore)'],
    ])
    expect(dead.map(({ reason }) => reason)).toEqual(['a modified finding of the type "other" is none this version reads'])
    expect(scans[0]?.end.failed).toBe('1 of its entries could not be read')
  })

  it('an empty scan is a scan that claims nothing it did not look for', async () => {
    for (const Results of [undefined, null, []]) {
      const { scans, counts } = await collect({ ...image(), Results })
      expect(counts).toMatchObject({ read: 0, scans: 1 })
      expect(scans[0]).toMatchObject({ scan: { covers: [] }, end: { findings: 0, failed: null } })
    }
    expect((await collect(image([osPackages(null)]))).scans[0]?.scan.covers).toEqual(['vulnerability'])
  })

  it('has the time it was received where it says none', async () => {
    for (const CreatedAt of [undefined, '0001-01-01T00:00:00Z', 'yesterday'])
      expect((await collect({ ...image(), CreatedAt })).scans[0]?.scan).toMatchObject({
        observedFrom: 'received',
        observedNs: 1_790_000_000_000_000_000n,
      })
  })

  it('cuts what is too long', async () => {
    const long = vulnerability({
      Title: 'x'.repeat(9_000),
      Description: 'y'.repeat(9_000),
      References: Array.from({ length: 90 }, (_, n) => `https://${n}`),
    })
    const [finding] = (await collect(image([osPackages([long])]))).findings
    expect(finding?.title).toHaveLength(500)
    expect(finding?.title.endsWith('…')).toBe(true)
    expect(finding?.description).toHaveLength(4_000)
    expect(finding?.references).toHaveLength(20)
  })
})

describe('Trivy, of other things', () => {
  it.each([
    ['repository', 'repository'],
    ['filesystem', 'file'],
    ['vm', 'file'],
    ['cyclonedx', 'sbom'],
  ])('%s', async (ArtifactType, kind) => {
    const { scans, findings, records } = await collect({ ...image(), ArtifactType, ArtifactName: 'that', Metadata: {} })
    expect(scans[0]?.scan.target).toMatchObject({ kind, scope: 'lab', key: 'that' })
    expect(findings[0]?.resource).toEqual(scans[0]?.scan.target)
    expect(records.filter((record) => record.kind === 'entity')).toEqual([])
  })

  it('reads the array before schema 2', async () => {
    const results = [
      {
        Target: 'alpine:3.10 (alpine 3.10.2)',
        Type: 'alpine',
        Vulnerabilities: [
          { VulnerabilityID: 'CVE-2019-1549', PkgName: 'openssl', InstalledVersion: '1.1.1c-r0', FixedVersion: '', Severity: 'MEDIUM' },
        ],
      },
      { Target: 'app/Gemfile.lock', Type: 'bundler', Vulnerabilities: null },
    ]
    const { counts, findings, scans } = await collect(results)
    expect(counts).toMatchObject({ format: 'trivy', read: 1, scans: 1 })
    expect(findings[0]).toMatchObject({
      package: { key: 'pkg:apk/alpine/openssl@1.1.1c-r0', fixedIn: [] },
      resource: { kind: 'image', scope: 'lab', key: 'alpine:3.10' },
    })
    expect(scans[0]?.scan).toMatchObject({ covers: ['vulnerability'], observedFrom: 'received' })
  })

  it('reads several reports in one array as so many', async () => {
    const { scans, findings } = await collect([image(), { ...image(), ArtifactName: 'other', Metadata: null }])
    expect(scans.map(({ scan, end }) => [scan.target.key, end.findings])).toEqual([
      [config, 5],
      ['other:latest', 5],
    ])
    expect(findings).toHaveLength(10)
  })
})

describe('Trivy, of a cluster', () => {
  it.each(['Resources', 'Findings', 'Misconfigurations'])('in the list %s', async (list) => {
    const { counts, findings, scans, records } = await collect(cluster(list))
    expect(counts).toMatchObject({ format: 'trivy', read: 2, scans: 1, deadLetters: 0 })
    expect(findings.map(({ resource }) => [resource.kind, resource.scope, resource.key])).toEqual([
      ['workload', 'lab', 'shop/Deployment/web'],
      ['image', 'global', config],
    ])
    expect(scans[0]).toMatchObject({
      scan: {
        target: { kind: 'cluster', key: 'lab', name: 'minikube' },
        covers: ['misconfiguration', 'vulnerability'],
        observedFrom: 'received',
      },
      end: { findings: 2, failed: '1 of 3 objects could not be scanned: Pod/broken: image not found' },
    })
    expect(records.filter((record) => record.kind === 'entity')).toHaveLength(1)
  })
})

describe('the operator’s reports', () => {
  it('are about an image or an object', async () => {
    const { findings, scans } = await collect({
      apiVersion: 'v1',
      kind: 'List',
      items: [operatorReport('VulnerabilityReport'), operatorReport('ConfigAuditReport'), operatorReport('ExposedSecretReport')],
    })
    expect(findings.map((one) => [one.class, one.check, one.outcome, one.resource.key])).toEqual([
      ['vulnerability', 'CVE-2024-0001', 'fail', config],
      ['misconfiguration', 'trivy/KSV-0014', 'fail', 'shop/ReplicaSet/web-1'],
      ['misconfiguration', 'trivy/KSV-0003', 'pass', 'shop/ReplicaSet/web-1'],
      ['secret', 'trivy/aws-access-key-id', 'fail', `${config}:root/aws.txt`],
    ])
    expect(findings[0]).toMatchObject({
      package: { key: 'pkg:deb/debian/libssl3@3.0-1' },
      cvss: { score: 4.2 },
      properties: { workload: 'shop/ReplicaSet/web-1', container: 'web' },
    })
    expect(stringifyExact(findings)).not.toContain('hunter2')
    expect(scans.map(({ scan, end }) => [scan.covers, scan.target.key, end.findings])).toEqual([
      [['vulnerability'], config, 1],
      [['misconfiguration'], 'shop/ReplicaSet/web-1', 2],
      [['secret'], config, 1],
    ])
  })

  it('are the same scan alone and in a list, another when written anew', async () => {
    const key = async (content: unknown): Promise<unknown> => (await collect(content)).scans[0]?.scan.contentKey
    const alone = await key([operatorReport('ConfigAuditReport')])
    expect(
      await key({ apiVersion: 'v1', kind: 'List', items: [operatorReport('ConfigAuditReport'), operatorReport('VulnerabilityReport')] }),
    ).toBe(alone)
    expect(await key({ 'configauditreports.aquasecurity.github.io': [operatorReport('ConfigAuditReport')] })).toBe(alone)
    expect(await key([operatorReport('ConfigAuditReport', { resourceVersion: '8' })])).not.toBe(alone)
  })

  it('fail each by itself', async () => {
    const broken = operatorReport('VulnerabilityReport', { uid: 'other' })
    ;(broken.report as { vulnerabilities: unknown[] }).vulnerabilities.push({ resource: 7 }, 'none')
    const { scans, dead } = await collect({ apiVersion: 'v1', kind: 'List', items: [operatorReport('VulnerabilityReport'), broken] })
    expect(dead.map(({ at }) => at)).toEqual(['items[1].report.vulnerabilities[1]', 'report'])
    expect(scans.map(({ end }) => end.failed)).toEqual([null, '2 of its entries could not be read'])
  })

  it('say how a benchmark stands', async () => {
    const { findings, scans } = await collect([compliance()])
    expect(findings.map(({ check, aliases, outcome, resource }) => [check, aliases, outcome, resource.kind])).toEqual([
      ['trivy/k8s-cis-1.23/4.2.9', ['CIS 4.2.9'], 'pass', 'cluster'],
      ['trivy/k8s-cis-1.23/4.2.10', ['CIS 4.2.10'], 'fail', 'cluster'],
      ['trivy/k8s-cis-1.23/5.1.1', ['CIS 5.1.1'], 'manual', 'cluster'],
    ])
    expect(scans[0]).toMatchObject({ scan: { covers: ['compliance'] }, end: { findings: 3, failed: null } })
    expect((await collect([{ ...compliance(), status: {} }])).scans[0]?.end.failed).toBe('the operator has not written it yet')
  })

  it('which are SBOMs are counted and not taken', async () => {
    const { counts, records } = await collect(operatorReport('SbomReport'))
    expect(counts).toMatchObject({ format: 'trivy', read: 0, skipped: 2, scans: 0, deadLetters: 0 })
    expect(records).toEqual([])
  })
})

describe('what is no report of Trivy', () => {
  it.each([
    ['SPDX', { spdxVersion: 'SPDX-2.3', SPDXID: 'x', creationInfo: { creators: ['Tool: trivy-0.69.1'] } }],
    ['CycloneDX', { bomFormat: 'CycloneDX', metadata: { tools: { components: [{ name: 'trivy' }] } } }],
    ['SARIF', { version: '2.1.0', runs: [{ tool: { driver: { name: 'Trivy' } } }] }],
    ['a dependency snapshot', { version: 0, detector: { name: 'trivy' }, manifests: {} }],
    ['text before it', `2026-01-01 INFO scanning\n${JSON.stringify(image())}`],
  ])('is refused, or read by whose it is: %s', async (_what, content) => {
    const format = await collect(content).then(
      ({ counts }) => counts.format,
      (error: unknown) => (error as Error).name,
    )
    expect(['InputError', 'sarif', 'cyclonedx']).toContain(format)
  })

  it('is a manifest that only speaks of the operator: inventory', async () => {
    const metadata = { name: 'web', namespace: 'shop', annotations: { 'trivy-operator.aquasecurity.github.io/report-ttl': '24h0m0s' } }
    expect((await collect({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })).counts).toMatchObject({ format: 'kubernetes', read: 1 })
  })

  it('is never half read: a list that is none', async () => {
    const { scans, findings, dead } = await collect(image([osPackages({ a: 1 })]))
    expect([scans, findings]).toEqual([[], []])
    expect(dead[0]?.reason).toContain('the report around it does not fit: Results.0.Vulnerabilities')
  })

  it('is read however its names are written', async () => {
    const written = stringifyExact(image([osPackages([vulnerability()])]))
    const { scans, findings } = await collect(written.replace('"Vulnerabilities"', '"Vulnerabilitie\\u0073"'))
    expect([scans.length, findings.length]).toEqual([1, 1])
  })

  it('is a dead letter that says so, when it is named as one', async () => {
    for (const content of [{ bomFormat: 'CycloneDX' }, [], [{ a: 1 }], 'null', '7', { items: 3, kind: 'List' }]) {
      const { dead, findings } = await collect(content, { format: 'trivy' })
      expect(findings).toEqual([])
      expect(dead.length, JSON.stringify(content)).toBeGreaterThan(0)
    }
    const { dead, records } = await collect(stringifyExact(image()).slice(0, -9), { format: 'trivy' })
    expect(records).toEqual([])
    expect(dead.map(({ reason }) => reason)).toEqual(['the document does not end: it was cut off'])
  })

  it('never stumbles over what is of another type', async () => {
    const list = ['VulnerabilityReport', 'ConfigAuditReport', 'ExposedSecretReport', 'SbomReport'].map((kind) => operatorReport(kind))
    const documents = [image(), [image()], cluster('Resources'), { apiVersion: 'v1', kind: 'List', items: [...list, compliance()] }]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...documents).chain(mutated), async (document) => {
        const { counts, dead, findings } = await collect(document, { format: 'trivy', chunk: 4_096 })
        expect(counts.deadLetters).toBe(dead.length)
        expect(findings.map(findingKey).every((key) => /^[0-9a-f]{64}$/.test(key))).toBe(true)
      }),
      property(8_000, 500),
    )
  })
})
