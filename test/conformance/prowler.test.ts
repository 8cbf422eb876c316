import { beforeAll, expect, it } from 'vitest'
import { findingKey } from '../../domain/finding.ts'
import { type Read, readFolder } from './cloud-reports.ts'
import { conformance, indexOf } from './data.ts'

const index = indexOf('prowler')

conformance('what Prowler wrote, all its versions', () => {
  let read: Map<string, Read>
  beforeAll(async () => {
    read = await readFolder('prowler')
  })

  it('is in the index, every file of it', () => {
    expect([...read.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(10)
  })

  it.each([...index])('%s', (file, { records, notes }) => {
    const { counts, dead, findings, records: made, claimedBy } = read.get(file) as Read
    expect(dead).toEqual([])
    expect(claimedBy).toEqual(['prowler'])
    expect(counts).toMatchObject({ format: 'prowler', read: records, skipped: 0, deadLetters: 0 })
    expect(findings).toHaveLength(records)
    // Results of different resources stay apart.
    expect(new Set(findings.map(findingKey)).size).toBe(records)
    const scans = made.flatMap((record) => (record.kind === 'scan' ? [record] : []))
    expect(scans.reduce((sum, { end }) => sum + end.findings, 0)).toBe(records)
    expect(scans.every(({ end }) => end.failed === null)).toBe(true)
    for (const finding of findings) expect(scans.map(({ scan }) => scan)).toContainEqual(finding.scan)
    const said = [...notes.matchAll(/(FAIL|Fail|PASS|Pass|MANUAL|Info)×(\d+)/g)]
    const expected = said.reduce<Record<string, number>>((sum, [, word = '', count]) => {
      const outcome = { fail: 'fail', pass: 'pass' }[word.toLowerCase()] ?? 'manual'
      return { ...sum, [outcome]: (sum[outcome] ?? 0) + Number(count) }
    }, {})
    if (said.length > 0)
      for (const [outcome, count] of Object.entries(expected))
        expect([
          outcome,
          findings.filter((finding) => (finding.outcome === 'muted' ? 'fail' : finding.outcome) === outcome).length,
        ]).toEqual([outcome, count])
  })

  it('is two scans where it tells of two accounts', () => {
    const targets = read
      .get('dd_aws_prowler_many_vuln_plus_one.json')
      ?.records.flatMap((record) => (record.kind === 'scan' ? [record.scan.target.key] : []))
    expect(targets).toEqual(['aws/012345678912', 'aws/012345673312'])
  })

  it('is the same finding in OCSF and as a table', () => {
    const keys = (file: string): string[] => (read.get(file)?.findings ?? []).map(findingKey)
    const ocsf = new Set(keys('prowler_example_output_aws.ocsf.json'))
    expect(keys('prowler_example_output_aws.csv').some((key) => ocsf.has(key))).toBe(true)
  })
})
