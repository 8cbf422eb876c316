/**
 * Real data, written by others, that these tests hold Falconer against. It is not part of the repository: where
 * FALCONER_CONFORMANCE_DATA names no folder the tests are skipped and say so.
 */
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe } from 'vitest'

export const dataFolder = process.env.FALCONER_CONFORMANCE_DATA ?? ''

export function conformance(title: string, tests: () => void): void {
  describe.skipIf(dataFolder === '')(dataFolder === '' ? `${title} (skipped: no conformance data)` : title, tests)
}

/** Files of one folder of the data and its folders, sorted by path. */
export async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(join(dataFolder, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** The index's row of each file of a folder: how many records it says there are, and its remarks. */
export function indexOf(folder: string): Map<string, { records: number; notes: string }> {
  if (dataFolder === '') return new Map()
  const rows = readFileSync(join(dataFolder, 'INDEX.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`| \`A/${folder}/`))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  return new Map(
    rows.map(([, file = '', _source, _commit, _licence, _size, records = '', notes = '']) => [
      basename(file.replaceAll('`', '')),
      { records: Number(records), notes },
    ]),
  )
}
