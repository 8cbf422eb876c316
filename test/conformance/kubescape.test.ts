import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { collect } from '../support/collect.ts'
import { conformance, filesOf, indexOf } from './data.ts'

type Written = { results: { resourceID: string; controls: { status: { status: string } }[] }[]; resources: { object: object }[] }
const index = indexOf('kubescape')

conformance('reports of Kubescape', () => {
  const contents = new Map<string, Buffer>()
  beforeAll(async () => {
    for (const path of await filesOf('kubescape')) contents.set(basename(path), await readFile(path))
  })

  it('are in the index, every file of them', () => {
    expect([...contents.keys()].sort()).toEqual([...index.keys()].sort())
  })

  it.each([...index])('%s', async (file, { records, notes }) => {
    const content = contents.get(file) as Buffer
    const { counts, findings, scans, dead, records: made } = await collect(content, { path: file, chunk: 65_536 })
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'kubescape', read: findings.length, skipped: 0, deadLetters: 0, scans: 1 })
    const controls = (JSON.parse(content.toString()) as Written).results.flatMap((one) => one.controls)
    const skipped = Number(/skipped×(\d+)/.exec(notes)?.[1] ?? 0)
    expect(findings).toHaveLength(controls.length + skipped)
    expect(new Set(findings.flatMap((one) => one.document.resourceID ?? [])).size).toBe(records)
    expect(scans[0]?.end).toEqual({ findings: controls.length + skipped, failed: null })
    expect(findings.filter((one) => one.outcome === 'fail')).toHaveLength(controls.filter((one) => one.status.status === 'failed').length)
    for (const one of findings) expect(one.severity).not.toBeNull()
    for (const one of findings) expect(one.resource.key).toMatch(/^[^/]+\/\w+\/[^/]+$|^lab$/)
    expect((await collect(content, { chunk: 4_099 })).records).toEqual(made)
  })
})
