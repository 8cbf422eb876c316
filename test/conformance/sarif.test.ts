import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { collect } from '../support/collect.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const all = indexOf('sarif-checkov')
const index = [...all].filter(([, { notes }]) => notes.startsWith('SARIF'))
/** What each of them says of itself. */
const failed: Record<string, RegExp> = {
  'dd_appendix_k.sarif': /^the tool reports an error: Exception evaluating rule "C2001"/,
  'dd_spotbugs.sarif': /^the tool reports that it failed: ERROR,MISSING CLASS,BUGS FOUND/,
}

conformance('SARIF of many tools', () => {
  const contents = new Map<string, Buffer>()
  beforeAll(async () => {
    for (const path of await filesOf('sarif-checkov')) contents.set(basename(path), await readFile(path))
  })

  it('are in the index, every file of them', () => {
    expect([...contents.keys()].sort()).toEqual([...all.keys()].sort())
    expect(index.length).toBeGreaterThan(7)
  })

  it.each(index)('%s', async (file, { records, notes }) => {
    const content = contents.get(file) as Buffer
    const { counts, findings, scans, dead, records: made } = await collect(content, { path: file, chunk: 65_536 })
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'sarif', read: records, skipped: 0, deadLetters: 0, scans: 1 })
    expect(findings).toHaveLength(records)
    expect(scans[0]?.end.findings).toBe(records)
    expect(scans[0]?.end.failed ?? '').toMatch(failed[file] ?? /^$/)
    const tool = /tools=(.+?)×/.exec(notes)?.[1] ?? ''
    expect(scans[0]?.scan.scanner).toBe(tool.toLowerCase().replaceAll(' ', '-'))
    for (const one of findings) {
      expect(one.title).not.toBe('')
      expect(scans[0]?.scan.covers).toContain(one.class)
      expect(one.scan).toEqual(scans[0]?.scan)
    }
    expect((await collect(content, { chunk: 4_099 })).records).toEqual(made)
  })

  it('leave no code they quote behind', async () => {
    for (const [file] of index) {
      const written = (contents.get(file) as Buffer).toString()
      const snippets = [...written.matchAll(/"snippet"\s*:\s*\{\s*"text"\s*:\s*"((?:[^"\\]|\\.){40,})"/g)].map(
        (match) => match[1] as string,
      )
      const { findings } = await collect(written, { path: file, chunk: 65_536 })
      const kept = findings.map((one) => Buffer.from(one.raw).toString()).join('\n')
      expect(snippets.filter((snippet) => kept.includes(snippet))).toEqual([])
    }
  })
})
