import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Piece } from './collector.ts'
import { aroundOf, type ReportLayout, splitReports } from './report.ts'

async function* cut(text: string, chunk: number): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
}
const split = (text: string, layout: ReportLayout, chunk = 1_000): Promise<Piece[]> =>
  Array.fromAsync(splitReports(cut(text, chunk), layout))
const nested: ReportLayout = { lists: ['$.results.*.hits.*'] }
const report = {
  a: 'x',
  results: [
    { name: 'é"]}', hits: [{ n: 1 }, { n: [2, { hits: [3] }] }] },
    { name: 'none' },
    { name: 'q', hits: [{ n: 12345678901234567890n }] },
  ],
  behind: 7,
}
const written = JSON.stringify(report, (_key, value: unknown) => (typeof value === 'bigint' ? 'BIG' : value)).replace(
  '"BIG"',
  '12345678901234567890',
)

describe('reports', () => {
  it('hands out each element with all that stands around it, however it is cut into chunks and written', async () => {
    for (const text of [
      written,
      `\ufeff${written}`,
      `\n ${JSON.stringify(JSON.parse(written), null, 2).replace('12345678901234567000', '12345678901234567890')}\n`,
    ])
      for (const chunk of [1, 3, 17, 100_000]) {
        const pieces = await split(text, nested, chunk)
        expect(pieces.map(({ at, raw }) => [at, raw])).toEqual([
          ['results[0].hits[0]', { n: 1 }],
          ['results[0].hits[1]', { n: [2, { hits: [3] }] }],
          ['results[2].hits[0]', { n: 12345678901234567890n }],
          ['report', { a: 'x', results: [{ name: 'é"]}', hits: [] }, { name: 'none' }, { name: 'q', hits: [] }], behind: 7 }],
        ])
        expect(new Set(pieces.map((piece) => piece.report)).size).toBe(1)
        expect(pieces[0]?.report).toMatchObject({ value: { behind: 7 }, counts: { '$.results.*.hits.*': 3 } })
        expect(pieces.map((piece) => piece.end)).toEqual([undefined, undefined, undefined, true])
      }
  })

  it('keeps several reports apart, each with its own digest, alike wherever it stands', async () => {
    const other = written.replace('"x"', '"y"')
    const pieces = await split(`${written}\n${other}`, nested)
    const ends = pieces.filter((piece) => piece.end)
    expect(ends.map((piece) => [piece.at, (piece.raw as { a: string }).a])).toEqual([
      ['document 1', 'x'],
      ['document 2', 'y'],
    ])
    expect(pieces[4]?.report).toBe(ends[1]?.report)
    const alone = (await split(other, nested)).at(-1)?.report?.sha256
    expect(ends.map((piece) => piece.report?.sha256)).toEqual([(await split(written, nested)).at(-1)?.report?.sha256, alone])
  })

  it('never half-reads a report that is cut off, and reads the others', async () => {
    const pieces = await split(`${written}\n${written.slice(0, -5)}`, nested)
    expect(pieces).toHaveLength(5)
    expect(pieces[4]).toMatchObject({ error: 'the document does not end: it was cut off' })
  })

  it('takes one broken element for itself alone', async () => {
    const pieces = await split('{"results":[{"hits":[{"n":1},{"n":},7,{"n":3}]}]}', nested)
    expect(pieces.map(({ raw, error, end }) => [raw, error?.slice(0, 12), end])).toEqual([
      [{ n: 1 }, undefined, undefined],
      [null, 'not JSON: Un', undefined],
      [null, 'an element o', undefined],
      [{ n: 3 }, undefined, undefined],
      [{ results: [{ hits: [] }] }, undefined, true],
    ])
    expect(pieces.every((piece) => piece.report !== undefined)).toBe(true)
  })

  it('reads lists and lines of findings as one report', async () => {
    const layout: ReportLayout = { lists: ['$.*', '$.Findings.*'], documentsAreElements: true }
    for (const text of ['[{"n":1},{"n":2}]', '{"n":1}\n{"n":2}\n', '{"Findings":[{"n":1},{"n":2}]}', '[{"n":1}]\n{"n":2}']) {
      const pieces = await split(text, layout, 3)
      expect(pieces.map(({ raw, end }) => [raw, end])).toEqual([
        [{ n: 1 }, undefined],
        [{ n: 2 }, undefined],
        [{}, true],
      ])
      expect(pieces[2]?.report?.counts).toEqual({ $: 2 })
    }
    expect((await split('[]', layout)).map(({ end }) => end)).toEqual([true])
  })

  it('reads what is larger than memory should hold from a file, and removes it', async () => {
    const spools = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('falconer-report-'))
    const before = spools()
    const hits = Array.from({ length: 120_000 }, (_, n) => ({ n, text: 'x'.repeat(100) }))
    let seen = 0
    let between: string[] = []
    for await (const piece of splitReports(cut(JSON.stringify({ results: [{ hits }], behind: 1 }), 65_536), nested)) {
      if (seen % 10_000 === 0) expect(piece.report).toMatchObject({ value: { behind: 1 } })
      if (seen === 10) between = spools()
      seen += 1
    }
    expect(seen).toBe(120_001)
    expect(between.length).toBeGreaterThan(before.length)
    expect(spools().filter((name) => !before.includes(name))).toEqual([])
  })

  it('says what does not fit around the findings, once for each that stands in it', async () => {
    const around = aroundOf(z.object({ behind: z.string() }))
    const [piece] = await split(written, nested)
    expect(() => around(piece as Piece)).toThrow('the report around it does not fit: behind: ')
  })
})
