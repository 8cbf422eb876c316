import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { NewAdvisory } from '../../domain/advisory.ts'
import { readInput } from '../read.ts'
import { epss } from './epss.ts'

async function* cut(input: string | Uint8Array, chunk: number): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(input)
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
}
type Read = { advisories: NewAdvisory[]; dead: string[]; most: number; read: number }
async function read(input: AsyncIterable<Uint8Array>, keep = true): Promise<Read> {
  const got: Read = { advisories: [], dead: [], most: 0, read: 0 }
  const counts = await readInput(input, {
    path: 'epss',
    source: { sourceId: null, sourceName: 'test', scope: 'prod', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async ({ records, deadLetters }) => {
      got.most = Math.max(got.most, records.length)
      got.dead.push(...deadLetters.map(({ at, reason }) => `${at}: ${reason}`))
      if (keep) got.advisories.push(...records.flatMap((record) => (record.kind === 'advisory' ? [record.advisory] : [])))
    },
  })
  expect(counts.format).toBe('epss')
  got.read = counts.read
  return got
}

const header = '#model_version:v2026.01.01,score_date:2026-11-24T00:00:00+0000\ncve,epss,percentile\n'

describe('EPSS', () => {
  it('is a score for each CVE, dated as the list is, packed or not, in chunks of any size', async () => {
    const text = `${header}CVE-1999-0001,0.01,0.8\r\nCVE-2026-12345,0.97565,1.0`
    const wanted = [
      {
        list: 'epss',
        cve: 'CVE-1999-0001',
        snapshot: '2026-11-24',
        snapshotNs: 1_795_478_400_000_000_000n,
        facts: { score: 0.01, percentile: 0.8, model: 'v2026.01.01' },
      },
      expect.objectContaining({ cve: 'CVE-2026-12345', facts: { score: 0.97565, percentile: 1, model: 'v2026.01.01' } }),
    ]
    for (const chunk of [1, 11, 100_000]) expect(await read(cut(text, chunk))).toMatchObject({ advisories: wanted, dead: [] })
    expect((await read(cut(gzipSync(text), 7))).advisories).toEqual(wanted)
  })

  it('without its comment is dated the day it came', async () => {
    expect((await read(cut('cve,epss\nCVE-2026-0001,0.5\n', 100))).advisories).toEqual([
      {
        list: 'epss',
        cve: 'CVE-2026-0001',
        snapshot: '2026-09-21',
        snapshotNs: 1_790_000_000_000_000_000n,
        facts: { score: 0.5, percentile: null },
      },
    ])
  })

  it('says what is no score', async () => {
    const { dead, advisories } = await read(
      cut(
        `${header}x,0.1,0.1\nCVE-2026-0001,2,0.1\nCVE-2026-0001,,0.1\nCVE-2026-0001,0.1\nCVE-2026-0001,NaN,0\n${'y'.repeat(100_000)}\nCVE-2026-0002,0.1,0.1`,
        1_000,
      ),
    )
    expect(dead.map((one) => one.slice(0, 7))).toEqual(['line 3:', 'line 4:', 'line 5:', 'line 6:', 'line 7:', 'line 8:'])
    expect(advisories.map(({ cve }) => cve)).toEqual(['CVE-2026-0002'])
  })

  it('of all CVEs there are is read in batches', async () => {
    async function* many(): AsyncIterable<Uint8Array> {
      yield Buffer.from(header)
      for (let at = 0; at < 300; at += 1)
        yield Buffer.from(Array.from({ length: 1_000 }, (_, n) => `CVE-2020-${100_000 + at * 1_000 + n},0.00042,0.05\n`).join(''))
    }
    expect(await read(many(), false)).toMatchObject({ read: 300_000, dead: [], most: 500 })
  })

  it('is told from other tables', () => {
    expect(epss.detect('cveID,vendorProject,product\n', 'x')).toBe(false)
    expect(epss.detect('# a comment\nname,epss\n', 'x')).toBe(false)
  })
})
