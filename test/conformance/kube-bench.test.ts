import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { collect, type Collected } from '../support/collect.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = indexOf('kube-bench')
/** Excerpts: their totals say more than they list. */
const partial: Record<string, string> = {
  'kubebench_result.json': 'its totals say 75 checks, it lists 3',
  'kubebench_controlsCollection.json': 'its totals say 75 checks, it lists 3',
}

conformance('reports of kube-bench', () => {
  const contents = new Map<string, Buffer>()
  beforeAll(async () => {
    for (const path of await filesOf('kube-bench')) contents.set(basename(path), await readFile(path))
  })
  const read = (file: string, chunk = 65_536): Promise<Collected> => collect(contents.get(file), { path: file, chunk })

  it('are in the index, every file of them', () => {
    expect([...contents.keys()].sort()).toEqual([...index.keys()].sort())
  })

  it.each([...index].filter(([file]) => file.endsWith('.json')))('%s', async (file, { records, notes }) => {
    const { counts, findings, scans, dead } = await read(file)
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'kube-bench', read: records, skipped: 0, deadLetters: 0, scans: 1 })
    expect(findings).toHaveLength(records)
    for (const [word, outcome] of [
      ['PASS', 'pass'],
      ['FAIL', 'fail'],
      ['WARN', 'manual'],
    ] as const)
      expect(findings.filter((one) => one.outcome === outcome)).toHaveLength(Number(new RegExp(`${word}×(\\d+)`).exec(notes)?.[1] ?? 0))
    expect(new Set(findings.map((one) => one.check)).size).toBe(records)
    expect(scans[0]?.end).toEqual({ findings: records, failed: partial[file] ?? null })
    expect((await read(file, 1_013)).records).toEqual((await read(file)).records)
  })

  it('refuses its output for people', async () => {
    await expect(read('kubebench_Expected_output.data')).rejects.toThrow(/: it looks like (plain text|YAML of a kind)/)
  })
})
