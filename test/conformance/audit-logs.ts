/** Reads a folder of audit logs, for the tests of both collectors. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { collect, type Collected } from '../support/collect.ts'
import { filesOf } from './data.ts'

export type ReadLog = Omit<Collected, 'counts'> & { counts?: Collected['counts']; refused?: string }

export async function readLog(path: string, chunk = 65_536): Promise<ReadLog> {
  const bytes = await readFile(path)
  try {
    return await collect(bytes, { path, chunk })
  } catch (error) {
    // A log is refused before anything is read from it.
    return { refused: String(error), records: [], activities: [], alerts: [], findings: [], scans: [], dead: [] }
  }
}

export async function readLogs(folder: string): Promise<Map<string, ReadLog>> {
  const logs = new Map<string, ReadLog>()
  for (const path of await filesOf(folder)) logs.set(basename(path), await readLog(path))
  return logs
}
