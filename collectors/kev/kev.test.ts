import { describe, expect, it } from 'vitest'
import type { NewAdvisory } from '../../domain/advisory.ts'
import { type Batch, readInput } from '../read.ts'
import { kev } from './kev.ts'

async function* cut(text: string, chunk: number): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
}
async function read(text: string, chunk = 1_000): Promise<{ format: string; advisories: NewAdvisory[]; dead: string[] }> {
  const batches: Batch[] = []
  const counts = await readInput(cut(text, chunk), {
    path: 'kev',
    source: { sourceId: null, sourceName: 'test', scope: 'prod', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async (batch) => {
      batches.push(batch)
    },
  })
  return {
    format: counts.format,
    advisories: batches.flatMap((one) => one.records).flatMap((record) => (record.kind === 'advisory' ? [record.advisory] : [])),
    dead: batches.flatMap((one) => one.deadLetters).map(({ at, reason }) => `${at}: ${reason}`),
  }
}

const entry = {
  cveID: 'CVE-2026-0001',
  vendorProject: 'Example',
  product: 'Server',
  vulnerabilityName: 'Example Server Hole',
  dateAdded: '2026-11-01',
  shortDescription: 'It has\na hole, "they" say.',
  requiredAction: 'Patch it.',
  dueDate: '2026-11-22',
  knownRansomwareCampaignUse: 'Known',
  notes: '',
  cwes: ['CWE-79'],
}
const catalog = { title: 'KEV', catalogVersion: '2026.11.24', dateReleased: '2026-11-24T17:00:00.1234Z', count: 2 }
const other = { ...entry, cveID: 'cve-2026-0002', knownRansomwareCampaignUse: 'Unknown' }
const document = (vulnerabilities: unknown[], more: object = {}): string =>
  JSON.stringify({ ...catalog, vulnerabilities, ...more }, null, 1)

describe('KEV', () => {
  it('is an advisory for each CVE, dated as the list is, in chunks of any size', async () => {
    for (const chunk of [1, 17, 100_000]) {
      const got = await read(document([entry, other]), chunk)
      expect(got).toMatchObject({ format: 'kev', dead: [] })
      expect(got.advisories).toMatchObject([
        {
          list: 'kev',
          cve: 'CVE-2026-0001',
          snapshot: '2026.11.24',
          facts: { dateAdded: '2026-11-01', dueDate: '2026-11-22', ransomware: true, action: 'Patch it.' },
        },
        { cve: 'CVE-2026-0002', facts: { ransomware: false } },
      ])
      expect(got.advisories[0]?.snapshotNs).toBe(1_795_539_600_123_400_000n)
    }
  })

  it('as CSV says the same, dated the day it came', async () => {
    const cell = (value: unknown): string => `"${String(value).replaceAll('"', '""')}"`
    const table = [Object.keys(entry).join(','), ...[entry, other].map((one) => Object.values(one).map(cell).join(','))].join('\r\n')
    for (const chunk of [1, 5, 100_000]) {
      const got = await read(`\uFEFF${table}`, chunk)
      expect(got).toMatchObject({ format: 'kev', dead: [] })
      expect(got.advisories).toMatchObject([
        { cve: 'CVE-2026-0001', snapshot: '2026-09-21', facts: { description: entry.shortDescription, ransomware: true } },
        { cve: 'CVE-2026-0002' },
      ])
    }
    expect((await read(`${table}\r\n"CVE-2026-0003,"x`)).dead).toHaveLength(1)
  })

  it('says what of it cannot be read, and when entries are missing', async () => {
    expect((await read(document([entry, { ...entry, cveID: 'x' }]))).dead).toEqual([expect.stringContaining('vulnerabilities[1]: ')])
    expect((await read(document([entry]))).dead).toEqual(['report: the list says it has 2 entries, and 1 stand in it'])
    expect((await read(document([entry, other]).slice(0, -4))).advisories).toEqual([])
    for (const value of [null, 7, [], {}, 'x'])
      for (const name of Object.keys(entry))
        await read(document([{ ...entry, [name]: value }], { count: value, dateReleased: value, catalogVersion: value }))
  })

  it('is told from other lists of CVEs', () => {
    expect(kev.detect('{"vulnerabilities":[{"id":"CVE-2026-0001"}]}', 'x')).toBe(false)
    expect(kev.detect('cve,epss,percentile\n', 'x')).toBe(false)
  })
})
