/** What each file of a folder of cloud reports becomes, in one piece and cut into small ones. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect } from 'vitest'
import type { NewRecord } from '../../collectors/collector.ts'
import { readInput, type ReadCounts } from '../../collectors/read.ts'
import { collectors } from '../../collectors/registry.generated.ts'
import type { NewFinding } from '../../domain/finding.ts'
import { filesOf } from './data.ts'

export type Read = { counts: ReadCounts; records: NewRecord[]; dead: string[]; findings: NewFinding[]; claimedBy: string[] }

export async function readReport(bytes: Uint8Array, path: string, chunk = bytes.length, format?: string): Promise<Read> {
  const read: Omit<Read, 'counts' | 'findings'> = { records: [], dead: [], claimedBy: [] }
  async function* cut(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  const counts = await readInput(cut(), {
    path,
    ...(format === undefined ? {} : { format }),
    source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async ({ records, deadLetters }) => {
      read.records.push(...records)
      read.dead.push(...deadLetters.map(({ reason }) => reason))
    },
  })
  const sample = Buffer.from(bytes.subarray(0, 65_536)).toString()
  return {
    ...read,
    counts,
    findings: read.records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : [])),
    claimedBy: collectors.filter((collector) => collector.detect(sample, path)).map(({ name }) => name),
  }
}

export async function readFolder(folder: string): Promise<Map<string, Read>> {
  const all = new Map<string, Read>()
  for (const path of await filesOf(folder)) {
    const bytes = await readFile(path)
    const read = await readReport(bytes, path)
    for (const chunk of [7, 1_000]) expect((await readReport(bytes, path, chunk)).records).toEqual(read.records)
    all.set(basename(path), read)
  }
  return all
}
