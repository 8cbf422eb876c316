import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { collect } from '../support/collect.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = [...indexOf('sarif-checkov')].filter(([, { notes }]) => notes.includes('checkov types='))
const stated = (notes: string, word: string): number => Number(new RegExp(`${word}=(\\d+)`).exec(notes)?.[1])

conformance('reports of Checkov', () => {
  const contents = new Map<string, Buffer>()
  beforeAll(async () => {
    for (const path of await filesOf('sarif-checkov')) contents.set(basename(path), await readFile(path))
  })

  it('are many', () => expect(index.length).toBeGreaterThan(6))

  it.each(index)('%s', async (file, { records, notes }) => {
    const content = contents.get(file) as Buffer
    const { counts, findings, scans, dead, records: made } = await collect(content, { path: file, chunk: 65_536 })
    expect(dead).toEqual([])
    const types = (/types=([\w,]+)/.exec(notes)?.[1] ?? '').split(',')
    const passed = stated(notes, 'passed')
    expect(counts).toMatchObject({ format: 'checkov', read: records + passed, skipped: 0, deadLetters: 0, scans: types.length })
    expect(findings.filter((one) => one.outcome === 'fail')).toHaveLength(stated(notes, 'failed'))
    expect(findings.filter((one) => one.outcome === 'pass')).toHaveLength(passed)
    expect(scans.map(({ scan }) => scan.target.key)).toEqual(types.map((type) => `.#${type}`))
    expect(scans.reduce((sum, { end }) => sum + end.findings, 0)).toBe(findings.length)
    expect(notes).toContain(`'${scans[0]?.scan.version}'`)
    const passing = findings.filter((one) => one.outcome !== 'fail').map((one) => `${one.check} ${one.resource.key}`)
    const failing = new Set(findings.filter((one) => one.outcome === 'fail').map((one) => `${one.check} ${one.resource.key}`))
    expect(passing.filter((key) => failing.has(key))).toEqual([])
    expect((await collect(content, { chunk: 4_099 })).records).toEqual(made)
  })
})
