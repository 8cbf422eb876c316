import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NewFinding, findingKey } from '../../domain/finding.ts'
import type { NewRecord } from '../collector.ts'
import { type Batch, readInput, type ReadCounts } from '../read.ts'
import { cyclonedx } from './cyclonedx.ts'

async function* cut(text: string, chunk: number): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
}
type Read = { counts: ReadCounts; records: NewRecord[]; dead: Batch['deadLetters'] }
async function read(document: unknown, chunk = 1_000): Promise<Read> {
  const batches: Batch[] = []
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  const counts = await readInput(cut(text, chunk), {
    path: 'sbom.json',
    format: 'cyclonedx',
    source: { sourceId: null, sourceName: 'test', scope: 'prod', receivedNs: 7n },
    onBatch: async (batch) => {
      batches.push(batch)
    },
  })
  return { counts, records: batches.flatMap((one) => one.records), dead: batches.flatMap((one) => one.deadLetters) }
}
const findings = ({ records }: Read): NewFinding[] => records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : []))
const scan = ({ records }: Read) => records.find((record) => record.kind === 'scan')
const said = ({ records }: Read): string[] =>
  records.flatMap((record) =>
    record.kind === 'entity'
      ? [`${record.entity.kind} ${record.entity.key}`]
      : record.kind === 'relation'
        ? [`${record.relation.from.key} ${record.relation.type} ${record.relation.to.key}`]
        : [],
  )

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const image = {
  'bom-ref': 'root',
  type: 'container',
  name: 'shop:1.4',
  purl: `pkg:oci/shop@sha256%3A${'b'.repeat(64)}?repository_url=registry.example.org`,
  properties: [
    { name: 'aquasecurity:trivy:ImageID', value: digest('a') },
    { name: 'aquasecurity:trivy:RepoDigest', value: `registry.example.org/shop@${digest('b')}` },
  ],
}
const openssl = {
  'bom-ref': 'b1',
  type: 'library',
  name: 'openssl',
  version: '3.0',
  purl: 'pkg:deb/debian/openssl@3.0?arch=amd64&distro=debian-12',
  properties: [{ name: 'syft:location:0:path', value: '/var/lib/dpkg/status' }],
}
const bom = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber: 'urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79',
  metadata: { timestamp: '2026-01-02T03:04:05Z', tools: { components: [{ name: 'Trivy', version: '0.70' }] }, component: image },
  components: [openssl, { type: 'file', name: '/etc/passwd' }],
  ...more,
})
const cve = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'CVE-2026-0001',
  source: { name: 'debian' },
  ratings: [
    { source: { name: 'nvd' }, severity: 'critical', score: 9.8, method: 'CVSSv31', vector: 'CVSS:3.1/AV:N' },
    { source: { name: 'debian' }, severity: 'low' },
  ],
  description: 'A hole.\nMore of it.',
  affects: [
    {
      ref: 'b1',
      versions: [
        { version: '3.0', status: 'affected' },
        { version: '3.1', status: 'unaffected' },
      ],
    },
  ],
  ...more,
})

describe('an SBOM', () => {
  it('is its image, its packages, and which has which; what has no name of its own is counted', async () => {
    const got = await read(bom())
    const key = 'pkg:deb/debian/openssl@3.0'
    expect(said(got)).toEqual([`image ${digest('a')}`, `package ${key}`, `${digest('a')} HAS_PACKAGE ${key}`])
    expect(got.records[1]).toMatchObject({ kind: 'alias', alias: { key: digest('a'), alsoKey: digest('b'), because: 'trivy: CycloneDX' } })
    expect(got.records[3]).toMatchObject({ relation: { properties: { paths: ['/var/lib/dpkg/status'] }, to: { scope: 'global' } } })
    // It was not seen in a cluster, and is no target.
    for (const record of got.records) if (record.kind === 'entity') expect(record.entity.properties).toMatchObject({ declaredOnly: true })
    expect(got.counts).toMatchObject({ read: 1, skipped: 2, scans: 1, deadLetters: 0 })
    expect(scan(got)).toMatchObject({
      scan: { scanner: 'trivy', version: '0.70', covers: [], observedFrom: 'report', target: { kind: 'image', key: digest('a') } },
      end: { findings: 0, failed: null },
    })
  })

  it('of what is no image has packages alone', async () => {
    const got = await read(bom({ metadata: { component: { type: 'application', name: 'shop', version: '1' } } }))
    expect(said(got)).toEqual(['package pkg:deb/debian/openssl@3.0'])
    expect(scan(got)).toMatchObject({
      scan: { scanner: 'cyclonedx', target: { kind: 'sbom', key: 'shop@1' }, observedFrom: 'received', observedNs: 7n },
    })
  })

  it('finds packages nested in components, in the image they lie in', async () => {
    const nested = {
      type: 'container',
      name: 'base',
      version: '2',
      components: [{ ...openssl, components: [{ type: 'library', name: 'x' }] }],
    }
    expect(said(await read(bom({ metadata: {}, components: [nested] })))).toEqual([
      'image base:2',
      'package pkg:deb/debian/openssl@3.0',
      'base:2 HAS_PACKAGE pkg:deb/debian/openssl@3.0',
      'package pkg:generic/x',
      'base:2 HAS_PACKAGE pkg:generic/x',
    ])
  })

  it('reads tools as a list, as an object, or not at all', async () => {
    for (const [tools, scanner] of [
      [[{ vendor: 'anchore', name: 'grype', version: '1' }], 'grype'],
      [{ services: [{ name: 'Hub' }] }, 'hub'],
      [undefined, 'cyclonedx'],
      ['nonsense', 'cyclonedx'],
    ] as const) {
      const end = scan(await read(bom({ metadata: { tools }, components: [] })))
      // Who always looks says something by silence.
      expect(end).toMatchObject({ scan: { scanner, covers: scanner === 'grype' ? ['vulnerability'] : [], target: { kind: 'sbom' } } })
    }
  })
})

describe('vulnerabilities', () => {
  it('are findings as other scanners make them', async () => {
    const got = await read(bom({ vulnerabilities: [cve()] }))
    const [finding] = findings(got)
    expect(finding).toMatchObject({
      class: 'vulnerability',
      check: 'CVE-2026-0001',
      title: 'A hole.',
      severity: 'low',
      cvss: { version: '3.1', score: 9.8 },
      outcome: 'fail',
      outcomeReason: null,
      resource: { kind: 'image', scope: 'global', key: digest('a') },
      package: { key: 'pkg:deb/debian/openssl@3.0', name: 'openssl', type: 'deb', fixedIn: ['3.1'], paths: ['/var/lib/dpkg/status'] },
    })
    expect(scan(got)).toMatchObject({ scan: finding?.scan, end: { findings: 1 } })
    expect(finding?.scan.covers).toEqual(['vulnerability'])
  })

  it('may stand before the components, in chunks of any size', async () => {
    const { components, ...rest } = bom()
    const turned = { vulnerabilities: [cve()], ...rest, components }
    const wanted = findings(await read(bom({ vulnerabilities: [cve()] }))).map(findingKey)
    for (const chunk of [1, 13, 100_000]) expect(findings(await read(turned, chunk)).map(findingKey)).toEqual(wanted)
  })

  it('of several components are several findings, each with its own bytes', async () => {
    const got = findings(
      await read(bom({ vulnerabilities: [cve({ affects: [{ ref: 'b1' }, { ref: 'root' }, { ref: 'pkg:npm/%40a/b@1?x=y' }] })] })),
    )
    expect(got.map((one) => [one.resource.key, one.package?.key ?? null])).toEqual([
      [digest('a'), 'pkg:deb/debian/openssl@3.0'],
      [digest('a'), null],
      [digest('a'), 'pkg:npm/%40a/b@1'],
    ])
    expect(got[2]?.package).toMatchObject({ name: '@a/b', version: '1' })
    expect(JSON.parse(Buffer.from(got[1]?.raw ?? []).toString())).toMatchObject({ affects: [{ ref: 'root' }] })
    expect(scan(await read(bom({ vulnerabilities: [cve({ affects: [] })] })))).toMatchObject({ end: { findings: 1 } })
  })

  it.each([
    ['not_affected', 'not_applicable'],
    ['false_positive', 'not_applicable'],
    ['resolved', 'pass'],
    ['resolved_with_pedigree', 'pass'],
    ['in_triage', 'fail'],
    ['exploitable', 'fail'],
    ['constructor', 'fail'],
  ])('VEX: %s is %s', async (state, outcome) => {
    const analysis = { state, justification: 'code_not_reachable', detail: 'we looked' }
    expect(findings(await read(bom({ vulnerabilities: [cve({ analysis })] })))[0]).toMatchObject({
      outcome,
      outcomeReason: `${state}: code_not_reachable: we looked`,
    })
  })

  it('of other documents keep whose they are; a VEX document closes nothing', async () => {
    const link = 'urn:cdx:11111111-2222-3333-4444-555555555555/1#'
    const vulnerabilities = [cve({ affects: [{ ref: `${link}pkg:npm/a@1` }, { ref: `${link}product-1` }] })]
    const got = await read({ bomFormat: 'CycloneDX', specVersion: '1.4', vulnerabilities })
    expect(findings(got).map(({ resource, package: found }) => [resource.kind, resource.key, found?.key ?? null])).toEqual([
      ['sbom', 'urn:cdx:11111111-2222-3333-4444-555555555555', 'pkg:npm/a@1'],
      ['sbom', 'urn:cdx:11111111-2222-3333-4444-555555555555#product-1', null],
    ])
    expect(scan(got)).toMatchObject({ scan: { covers: [] } })
    const own = [cve({ affects: [{ ref: 'urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#b1' }] })]
    expect(findings(await read(bom({ vulnerabilities: own })))[0]?.package?.name).toBe('openssl')
  })
})

describe('XML', () => {
  const xml = (body: string): string =>
    `<?xml version="1.0"?>\n<b:bom xmlns:b="http://cyclonedx.org/schema/bom/1.1" xmlns:v="http://cyclonedx.org/schema/ext/vulnerability/1.0">${body}</b:bom>`
  const component = (inner = ''): string =>
    `<b:components><b:component type="library"><b:name>a &amp; b</b:name><b:version>1</b:version><b:purl>pkg:npm/a@1</b:purl>${inner}</b:component></b:components>`

  it('says the same, the vulnerabilities of the old extension too', async () => {
    const vulnerable =
      '<v:vulnerabilities><v:vulnerability ref="x"><v:id>CVE-2026-0002</v:id><v:ratings><v:rating><v:score><v:base>4.3</v:base></v:score><v:severity>Low</v:severity><v:method>CVSSv2</v:method></v:rating></v:ratings></v:vulnerability></v:vulnerabilities>'
    const text = xml(component(vulnerable))
    expect(cyclonedx.detect(text, 'x')).toBe(true)
    const got = await read(text)
    expect(got.dead).toEqual([])
    expect(findings(got)[0]).toMatchObject({
      check: 'CVE-2026-0002',
      severity: 'low',
      cvss: { version: '2.0', score: 4.3 },
      package: { key: 'pkg:npm/a@1', name: 'a & b' },
    })
  })

  it.each([
    ['<!DOCTYPE bom [<!ENTITY x "y">]>', 'document type'],
    ['<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>', 'not XML'],
    ['<bom xmlns="http://example.org/"/>', 'not CycloneDX'],
    [`<bom xmlns="http://cyclonedx.org/schema/bom/1.4">${'<a>'.repeat(5_000)}${'</a>'.repeat(5_000)}</bom>`, 'not XML'],
  ])('refuses %.60s', async (text, reason) => {
    const got = await read(text)
    expect(got.records).toEqual([])
    expect(got.dead).toHaveLength(1)
    expect(got.dead[0]?.reason).toContain(reason)
  })

  it('expands no entity', async () => {
    expect(said(await read(xml(component('<b:group>&bomb;</b:group>'))))).toEqual(['package pkg:npm/a@1'])
  })
})

describe('what is none, or broken', () => {
  it('is not detected', () => {
    for (const text of [
      '{"SchemaVersion":2,"ArtifactType":"cyclonedx"}',
      '{"spdxVersion":"SPDX-2.3"}',
      `{"_type":"https://in-toto.io/Statement/v0.1","predicate":${JSON.stringify(bom())}}`,
      `{"apiVersion":"aquasecurity.github.io/v1alpha1","report":${JSON.stringify(bom())}}`,
      `WARN something\n${JSON.stringify(bom())}`,
      '<html><body>bom</body></html>',
    ])
      expect(cyclonedx.detect(text, 'x')).toBe(false)
    expect(cyclonedx.detect(JSON.stringify(bom(), null, 2), 'x')).toBe(true)
  })

  it('is a dead letter for itself, and then the scan closes nothing', async () => {
    const got = await read(
      bom({ components: [openssl, { type: 'library' }, { ...openssl, purl: 7 }], vulnerabilities: [{ description: 'x' }, cve()] }),
    )
    expect(got.dead.map(({ at }) => at)).toEqual(['components[1]', 'components[2]', 'vulnerabilities[0]'])
    expect(findings(got)).toHaveLength(1)
    expect(scan(got)).toMatchObject({ end: { failed: '3 of its entries could not be read' } })
  })

  it('of another version or kind is refused in whole', async () => {
    for (const more of [{ specVersion: '2.0' }, { bomFormat: 'SPDX' }, { metadata: 'x' }, { metadata: { component: [1] } }]) {
      const got = await read(bom(more))
      expect(got.records).toEqual([])
      expect(got.dead.length).toBeGreaterThan(0)
    }
    expect((await read('{"bomFormat":"CycloneDX","components":[{"name":"a"}')).dead).toHaveLength(1)
  })

  it('never breaks the reader, whatever stands where', async () => {
    const anything = fc.anything({ withBigInt: false, maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value) ?? 'null') as unknown)
    const some = fc.oneof(anything, fc.constantFrom(openssl, image, cve()))
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          metadata: anything,
          tools: anything,
          component: some,
          components: some,
          vulnerability: some,
          field: fc.string(),
          value: anything,
        }),
        async ({ metadata, tools, component, components, vulnerability, field, value }) => {
          for (const document of [
            bom({ metadata }),
            bom({ metadata: { tools, component } }),
            bom({ components, vulnerabilities: [vulnerability] }),
            bom({ components: [{ ...openssl, components }], vulnerabilities: [cve({ analysis: value, affects: components })] }),
            bom({ vulnerabilities: Object.keys(cve()).map((name) => cve({ [name]: value, [field]: value })) }),
            bom({ components: Object.keys(openssl).map((name) => ({ ...openssl, [name]: value })) }),
          ])
            await read(document)
        },
      ),
      { numRuns: 150 },
    )
  })
})
