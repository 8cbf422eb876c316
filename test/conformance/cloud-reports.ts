/** What each file of a folder of cloud reports becomes, in one piece and cut into small ones. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect } from 'vitest'
import { collectors } from '../../collectors/registry.generated.ts'
import { collect, type Collected } from '../support/collect.ts'
import { filesOf } from './data.ts'

export type Read = Collected & { claimedBy: string[] }

export async function readFolder(folder: string): Promise<Map<string, Read>> {
  const all = new Map<string, Read>()
  for (const path of await filesOf(folder)) {
    const bytes = await readFile(path)
    const read = await collect(bytes, { path, chunk: bytes.length })
    for (const chunk of [7, 1_000]) expect((await collect(bytes, { path, chunk })).records).toEqual(read.records)
    const sample = bytes.subarray(0, 65_536).toString()
    all.set(basename(path), {
      ...read,
      claimedBy: collectors.filter((collector) => collector.detect(sample, path)).map(({ name }) => name),
    })
  }
  return all
}
