import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { NewRecord } from '../../collectors/collector.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = indexOf('cyclonedx')
type Read = { counts: ReadCounts; records: NewRecord[]; dead: Batch['deadLetters'] }

async function read(path: string, chunk?: number): Promise<Read> {
  const batches: Batch[] = []
  const counts = await readInput(createReadStream(path, chunk === undefined ? {} : { highWaterMark: chunk }), {
    path,
    source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async (batch) => {
      batches.push(batch)
    },
  })
  return { counts, records: batches.flatMap((one) => one.records), dead: batches.flatMap((one) => one.deadLetters) }
}
const findings = ({ records }: Read) => records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : []))
const packages = ({ records }: Read) =>
  records.flatMap((record) => (record.kind === 'entity' && record.entity.kind === 'package' ? [record.entity.key] : []))

/** What the index counts: components and vulnerabilities at the outermost level. */
const stated = (notes: string): { components: number; vulnerabilities: number } => ({
  components: Number(/components=(\d+)/.exec(notes)?.[1]),
  vulnerabilities: Number(/vuln(?:s|erabilities)=(\d+)/.exec(notes)?.[1]),
})
const isCycloneDx = (notes: string): boolean => /bomFormat=CycloneDX|^XML/.test(notes)

conformance('SBOMs and VEX documents as others write them', () => {
  const paths = new Map<string, string>()
  beforeAll(async () => {
    for (const path of await filesOf('cyclonedx')) paths.set(basename(path), path)
  })

  it('are in the index, every file of them', () => {
    expect([...paths.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(20)
  })

  it.each([...index].filter(([, { notes }]) => isCycloneDx(notes)))('%s', async (file, { records, notes }) => {
    const path = paths.get(file) as string
    const got = await read(path)
    const { components, vulnerabilities } = stated(notes)
    expect(records).toBe(components)
    expect(got.dead).toEqual([])
    expect(got.counts).toMatchObject({ format: 'cyclonedx', scans: 1, deadLetters: 0 })
    // What the document describes is one piece more, where it says; of XML the index has counted it.
    const text = await readFile(path, 'utf8')
    const described = !text.startsWith('<') && /"metadata"[\s\S]*"component"\s*:/.test(text) ? 1 : 0
    // A statement about three products is three findings.
    expect(got.counts.read + got.counts.skipped).toBe(components + findings(got).length + described)
    expect(findings(got).length).toBeGreaterThanOrEqual(vulnerabilities)
    const scan = got.records.at(-1)
    expect(scan).toMatchObject({ kind: 'scan', end: { findings: findings(got).length, failed: null } })
    for (const finding of findings(got)) expect(finding.scan).toEqual(scan?.kind === 'scan' ? scan.scan : null)
    for (const size of [7, 4_096]) expect(await read(path, size)).toEqual(got)
  })

  it.each([...index].filter(([, { notes }]) => !isCycloneDx(notes)))('%s is none, and not taken for one', async (file) => {
    const got = await read(paths.get(file) as string).catch((error: unknown) => (error as Error).message)
    if (typeof got === 'string') expect(got).toContain('name it with --format')
    else expect(got.counts.format).not.toBe('cyclonedx')
  })

  describe('what they say', () => {
    it.each([
      [
        'trivy_fluentd-multiple-lockfiles-short.cdx.json.golden',
        'sha256:5a992077baba51b97f27591a10d54d2f2723dc9c81a3fe419e261023f2554933',
        3,
      ],
      ['juice-shop.cdx_3690a9.json', 'sha256:b029fa83327aa8a3bbcaf161af6269c18c80134942437cb90794233502554e48', 1_001],
      ['dd_grype.xml', 'sha256:91bc0f1478c6d26e04da5c2a59ac20262ec2661942418e2a3e7c77245d872658', 307],
      ['juice-shop.cdx_6e8331.json', 'bkimminich/juice-shop:v20.0.0', 840],
    ])('%s: image %s with %i packages', async (file, key, count) => {
      const got = await read(paths.get(file) as string)
      const images = got.records.flatMap((record) => (record.kind === 'entity' && record.entity.kind === 'image' ? [record.entity] : []))
      expect(images.map((image) => image.key)).toEqual([key])
      const has = got.records.flatMap((record) => (record.kind === 'relation' ? [record.relation] : []))
      expect(new Set(has.map(({ to }) => to.key)).size).toBe(count)
      expect(has.every(({ from, type }) => from.key === key && type === 'HAS_PACKAGE')).toBe(true)
    })

    it('a file has the same packages in JSON as in XML', async () => {
      const [json, xml] = await Promise.all(
        ['json', 'xml'].map((kind) => read(paths.get(`cdx_SBOM_dropwizard-1.3.15_bom.${kind}`) as string)),
      )
      expect(packages(json as Read)).toHaveLength(167)
      expect(new Set(packages(xml as Read)).isSupersetOf(new Set(packages(json as Read)))).toBe(true)
    })

    it('VEX says what does not apply, and why', async () => {
      const [finding] = findings(await read(paths.get('cdx_VEX_vex.json') as string))
      expect(finding).toMatchObject({
        check: 'CVE-2020-25649',
        outcome: 'not_applicable',
        outcomeReason: expect.stringMatching(/^not_affected: code_not_reachable: Automated dataflow/),
        severity: 'high',
        cvss: { version: '3.1', score: 7.5 },
        resource: { kind: 'sbom', key: 'urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79' },
        package: { key: 'pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.10.0', version: '2.10.0' },
        scan: { covers: [] },
      })
      expect(findings(await read(paths.get('cdx_VEX_Use-Cases_Case-9_vex.json') as string))).toHaveLength(57)
    })

    it('ids of an advisory become its CVE, and a nested component lies in its image', async () => {
      const [snyk] = findings(await read(paths.get('dd_valid-vulnerability-1.4.xml') as string))
      expect(snyk).toMatchObject({
        check: 'CVE-2018-7489',
        aliases: ['SNYK-JAVA-COMFASTERXMLJACKSONCORE-32111'],
        outcome: 'not_applicable',
      })
      const nested = findings(await read(paths.get('dd_nested-component-log4j.json') as string))
      expect(new Set(nested.map(({ resource }) => `${resource.kind} ${resource.key}`))).toEqual(new Set(['image testcontainer:test']))
      expect(nested[0]?.package?.key).toBe('pkg:maven/org.apache.logging.log4j/log4j-core@2.13.2')
    })
  })
})
