/** Reads a folder of audit logs as `falconer import` does, for the tests of both collectors. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { NewRecord } from '../../collectors/collector.ts'
import { readInput, type ReadCounts } from '../../collectors/read.ts'
import type { NewActivity } from '../../domain/activity.ts'
import type { NewAlert } from '../../domain/alert.ts'
import { filesOf } from './data.ts'

export type ReadLog = {
  counts?: ReadCounts
  refused?: string
  records: NewRecord[]
  activities: NewActivity[]
  alerts: NewAlert[]
  dead: string[]
}

export async function readLog(path: string, chunk = 65_536, format?: string): Promise<ReadLog> {
  const bytes = await readFile(path)
  const records: NewRecord[] = []
  const dead: string[] = []
  const log = (counts?: ReadCounts, refused?: string): ReadLog => ({
    counts,
    refused,
    records,
    dead,
    activities: records.flatMap((record) => (record.kind === 'activity' ? [record.activity] : [])),
    alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])),
  })
  try {
    const counts = await readInput(
      (async function* () {
        for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
      })(),
      {
        path,
        format,
        source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
        onBatch: async (batch) => {
          records.push(...batch.records)
          dead.push(...batch.deadLetters.map((letter) => letter.reason))
        },
      },
    )
    return log(counts)
  } catch (error) {
    return log(undefined, String(error))
  }
}

export async function readLogs(folder: string): Promise<Map<string, ReadLog>> {
  const logs = new Map<string, ReadLog>()
  for (const path of await filesOf(folder)) logs.set(basename(path), await readLog(path))
  return logs
}
