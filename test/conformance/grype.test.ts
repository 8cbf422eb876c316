import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { NewFinding, NewScan } from '../../domain/finding.ts'
import { collect, type Collected } from '../support/collect.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = indexOf('grype')

conformance('reports of Grype', () => {
  const read = new Map<string, Collected>()
  beforeAll(async () => {
    for (const path of await filesOf('grype')) read.set(basename(path), await collect(await readFile(path), { chunk: 65_536 }))
  })

  it('are in the index, every file of them', () => {
    expect([...read.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(10)
  })

  it.each([...index])('%s', (file, { records, notes }) => {
    const { counts, findings, scans, dead } = read.get(file) as Collected
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'grype', read: records, skipped: 0, deadLetters: 0, scans: 1 })
    expect(findings).toHaveLength(records)
    for (const finding of findings) expect(NewFinding.parse(finding)).toBeTruthy()
    const [only] = scans
    expect(NewScan.parse(only?.scan)).toEqual(only?.scan)
    expect(only?.scan).toMatchObject({ scanner: 'grype', version: /grype=(\S+)/.exec(notes)?.[1], covers: ['vulnerability'] })
    expect(only?.end).toEqual({ findings: records, failed: null })
    expect(only?.scan.observedFrom).toBe(['0.7.0', '0.28.0', '0.36.0'].includes(only?.scan.version ?? '') ? 'received' : 'report')
    for (const finding of findings) expect(finding.scan).toEqual(only?.scan)
    // Severities as the index counts them; Grype’s Negligible is informational; Unknown, or none given (the index’s None), is none.
    const words = { critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low' } as const
    for (const [severity, word] of Object.entries(words))
      expect(findings.filter((one) => one.severity === severity)).toHaveLength(Number(new RegExp(`${word}×(\\d+)`).exec(notes)?.[1] ?? 0))
    expect(findings.filter((one) => one.severity === null)).toHaveLength(Number(/(?:Unknown|None)×(\d+)/.exec(notes)?.[1] ?? 0))
  })

  it('are read alike in chunks of any size', async () => {
    for (const path of await filesOf('grype')) {
      const { records } = read.get(basename(path)) as Collected
      expect(records.length).toBeLessThan(4_000)
      if (records.length > 200) continue
      for (const chunk of [37, 4_099])
        expect(stringifyExact((await collect(await readFile(path), { chunk: chunk })).records)).toBe(stringifyExact(records))
    }
  })
})
