import { beforeAll, expect, it } from 'vitest'
import { findingKey } from '../../domain/finding.ts'
import { type Read, readFolder } from './cloud-reports.ts'
import { conformance, indexOf } from './data.ts'

const index = indexOf('asff')
/** A finding of a vulnerability that names several packages is one of each. */
const packages: Record<string, number> = { 'dd_many_vulns.json': 7, 'dd_one_vuln.json': 2 }

conformance('findings of Security Hub, and what others wrote for it', () => {
  let read: Map<string, Read>
  beforeAll(async () => {
    read = await readFolder('asff')
  })

  it('are in the index, every file of them', () => {
    expect([...read.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(3)
  })

  it.each([...index])('%s', (file, { records, notes }) => {
    const { counts, dead, findings, records: made, claimedBy } = read.get(file) as Read
    expect(dead).toEqual([])
    expect(claimedBy).toEqual(['asff'])
    expect(counts).toMatchObject({ format: 'asff', read: packages[file] ?? records, skipped: 0, deadLetters: 0, records: 0 })
    expect(findings).toHaveLength(packages[file] ?? records)
    expect(new Set(findings.map(({ raw }) => raw)).size).toBe(records)
    expect(new Set(findings.map(findingKey)).size).toBe(findings.length)
    const scans = made.flatMap((record) => (record.kind === 'scan' ? [record] : []))
    expect(scans.reduce((sum, { end }) => sum + end.findings, 0)).toBe(findings.length)
    for (const finding of findings) expect(scans.map(({ scan }) => scan)).toContainEqual(finding.scan)
    for (const [, word = '', count] of notes.matchAll(/(LOW|MEDIUM|HIGH|CRITICAL|INFORMATIONAL)×(\d+)/g)) {
      const elements = new Set(findings.filter(({ severity }) => severity === word.toLowerCase()).map(({ raw }) => raw))
      expect([word, elements.size]).toEqual([word, Number(count)])
    }
  })

  it('name packages and checks as every scanner does', () => {
    const first = (file: string): unknown[] =>
      (read.get(file)?.findings ?? []).slice(0, 2).map((one) => [one.class, one.check, one.package?.key ?? null, one.resource.key])
    expect(first('trivy_alpine-310.asff.golden')).toEqual([
      ['vulnerability', 'CVE-2019-1549', 'pkg:apk/alpine/libcrypto1.1@1.1.1c-r0', 'testdata/fixtures/images/alpine-310.tar.gz'],
      ['vulnerability', 'CVE-2019-1551', 'pkg:apk/alpine/libcrypto1.1@1.1.1c-r0', 'testdata/fixtures/images/alpine-310.tar.gz'],
    ])
    expect(first('dd_one_vuln.json')[0]).toEqual([
      'vulnerability',
      'CVE-2017-9735',
      'pkg:maven/org.eclipse.jetty/jetty-server@8.1.14.v20131031',
      'arn:aws:ec2:eu-west-1:123456789123:instance/i-0sdg8sa1k2l3j11m2',
    ])
    expect(first('heimdall_asff_sample.json')).toEqual([
      ['compliance', 'security-hub/cis-aws-foundations-benchmark/v/1.2.0/1.1', null, 'aws/123456789123/us-east-1'],
      ['compliance', 'security-hub/cis-aws-foundations-benchmark/v/1.2.0/2.5', null, 'aws/123456789123/us-east-1'],
    ])
    expect(read.get('heimdall_asff_sample.json')?.findings.at(-1)).toMatchObject({ check: 'security-hub/S3.2', outcome: 'pass' })
  })
})
