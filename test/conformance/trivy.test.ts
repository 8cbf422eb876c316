import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { grype } from '../../collectors/grype/grype.ts'
import { trivy } from '../../collectors/trivy/trivy.ts'
import { InputError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { NewFinding, NewScan } from '../../domain/finding.ts'
import { collect, type Collected } from '../support/collect.ts'
import { conformance, dataFolder, filesOf, indexOf } from './data.ts'

/** Kept with the SBOMs, for it is SBOMs that were scanned: reports of Trivy all the same. */
const ofSboms: Readonly<Record<string, { findings: number; covers: string[] }>> = {
  'trivy_license-cyclonedx.json.golden': { findings: 3, covers: ['licence'] },
  'trivy_minikube-kbom.json.golden': { findings: 1, covers: ['vulnerability'] },
}
/** Ids alone, as a test of Trivy’s keeps them: no report. */
const refused = 'golden_summary-ids.json.golden'
const index = new Map([...indexOf('trivy')].filter(([file]) => file !== refused))
/** Of the operator’s reports the index counts the reports; these are what stands in them. */
const inReports: Readonly<Record<string, { reports: number; findings: number }>> = {
  'dd_operator_all_reports_in_dict.json': { reports: 3, findings: 43 },
  'dd_operator_clustercompliancereport.json': { reports: 1, findings: 3 },
  'dd_operator_configauditreport_many.json': { reports: 1, findings: 13 },
  'dd_operator_configauditreport_no_vuln.json': { reports: 1, findings: 0 },
  'dd_operator_configauditreport_with_remediation.json': { reports: 1, findings: 2 },
  'dd_operator_exposedsecretreport_no_vuln.json': { reports: 1, findings: 0 },
  'dd_operator_findings_in_list.json': { reports: 2, findings: 18 },
  'dd_operator_vulnerabilityreport_many.json': { reports: 1, findings: 41 },
  'dd_operator_vulnerabilityreport_single_vuln.json': { reports: 1, findings: 1 },
}

conformance('reports of Trivy', () => {
  const read = new Map<string, Collected>()
  beforeAll(async () => {
    for (const path of await filesOf('trivy'))
      if (basename(path) !== refused) read.set(basename(path), await collect(await readFile(path), { chunk: 65_536 }))
  })

  it('are in the index, every file of them', () => {
    expect([...read.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(60)
  })

  it.each([...index])('%s', (file, { records, notes }) => {
    const { counts, findings, scans, dead } = read.get(file) as Collected
    const expected = inReports[file] ?? { reports: 1, findings: records }
    // The index does not look into the dictionary of all reports, and counts none there.
    if (file in inReports && records > 0) expect(expected.reports).toBe(records)
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'trivy', read: expected.findings, deadLetters: 0, scans: expected.reports })
    expect(findings).toHaveLength(expected.findings)
    for (const finding of findings) expect(NewFinding.parse(finding)).toBeTruthy()
    for (const { scan } of scans) expect(NewScan.parse(scan)).toEqual(scan)
    expect(scans.reduce((sum, { end }) => sum + end.findings, 0)).toBe(expected.findings)
    expect(scans.every(({ end }) => end.failed === null)).toBe(true)
    const keys = new Set(scans.map(({ scan }) => scan.contentKey))
    expect(keys.size).toBe(expected.reports)
    for (const { scan } of findings) expect(keys).toContain(scan.contentKey)
    if (file in inReports) return
    for (const [kind, one] of [
      ['vulns', 'vulnerability'],
      ['misconf', 'misconfiguration'],
      ['secrets', 'secret'],
      ['licences', 'licence'],
    ] as const)
      expect(findings.filter((finding) => finding.class === one)).toHaveLength(Number(new RegExp(`${kind}=(\\d+)`).exec(notes)?.[1] ?? 0))
  })

  it('say what they looked for, and a report without results says nothing', () => {
    const covers = (file: string): unknown => read.get(file)?.scans[0]?.scan.covers
    expect(covers('dd_scheme_2_no_vuln.json')).toEqual(['vulnerability'])
    expect(covers('golden_alpine-39-skip.json.golden')).toEqual([])
    expect(covers('golden_terraform-exclude-misconfs-remote-module.json.golden')).toEqual(['misconfiguration'])
    expect(covers('dd_misconfigurations_and_secrets.json')).toEqual(['vulnerability', 'misconfiguration', 'secret'])
  })

  it('keep no line of what a secret was found in', async () => {
    let lines = 0
    for (const [file, { records }] of read) {
      const stored = stringifyExact(records)
      const report = JSON.parse(await readFile(join(dataFolder, 'trivy', file), 'utf8')) as {
        Results?: { Secrets?: { Match: string; Code?: { Lines?: { Content: string }[] } }[] }[]
      }
      for (const { Match, Code } of (report.Results ?? []).flatMap(({ Secrets }) => Secrets ?? [])) {
        for (const text of [Match, ...(Code?.Lines ?? []).map(({ Content }) => Content)].filter((one) => one.trim().length > 12)) {
          lines += 1
          expect(stored).not.toContain(JSON.stringify(text).slice(1, -1))
        }
      }
    }
    expect(lines).toBeGreaterThan(30)
  })

  it('are read alike in chunks of any size', async () => {
    for (const path of await filesOf('trivy')) {
      const known = read.get(basename(path))
      if (known === undefined || known.records.length > 60) continue
      for (const chunk of [41, 4_099])
        expect(stringifyExact((await collect(await readFile(path), { chunk: chunk })).records)).toBe(stringifyExact(known.records))
    }
  })

  it('what only looks like one is refused', async () => {
    const reading = collect(await readFile(join(dataFolder, 'trivy', refused)))
    await expect(reading).rejects.toThrow(InputError)
    await expect(reading).rejects.toThrow('its first key is "vulnerabilities"')
  })

  it.each(Object.entries(ofSboms))('%s', async (file, { findings, covers }) => {
    const { counts, scans } = await collect(await readFile(join(dataFolder, 'cyclonedx', file)))
    expect(counts).toMatchObject({ format: 'trivy', read: findings, deadLetters: 0, scans: 1 })
    expect(scans[0]?.scan).toMatchObject({ covers, target: { kind: 'sbom' } })
  })

  it('no file of another scanner is taken for one, nor for one of Grype’s', async () => {
    let others = 0
    for (const path of await filesOf('.')) {
      if (/\/(trivy|grype)\/[^/]+$/.test(path) || basename(path) in ofSboms) continue
      others += 1
      const bytes = (await readFile(path)).subarray(0, 65_536)
      const text = bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString()
      expect([trivy.detect(text, path), grype.detect(text, path)], path).toEqual([false, false])
    }
    expect(others).toBeGreaterThan(300)
  })
})
