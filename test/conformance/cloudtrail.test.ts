import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { type ReadLog, readLog, readLogs } from './audit-logs.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = indexOf('cloudtrail')

conformance('CloudTrail as people keep it', () => {
  let logs = new Map<string, ReadLog>()
  beforeAll(async () => {
    logs = await readLogs('cloudtrail')
  })

  it('is in the index, every file of it', () => {
    expect([...logs.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(50)
  })

  it.each([...index])('%s', (file, { records, notes }) => {
    const log = logs.get(file) as ReadLog
    expect(log.refused).toBeUndefined()
    expect(log.dead).toEqual([])
    expect(log.counts).toMatchObject({ format: 'cloudtrail', read: records, deadLetters: 0, skipped: 0 })
    expect(log.activities).toHaveLength(records)
    expect(new Set(log.activities.map(({ contentKey }) => contentKey)).size).toBe(records)
    expect(log.activities.filter(({ outcome }) => outcome === 'failure')).toHaveLength(Number(/errors=(\d+)/.exec(notes)?.[1]))
  })

  it('reads alike however it is cut into chunks', async () => {
    for (const path of await filesOf('cloudtrail')) {
      const whole = logs.get(basename(path)) as ReadLog
      if ((await readFile(path)).length > 100_000) continue
      for (const chunk of [11, 1_000]) expect(stringifyExact((await readLog(path, chunk)).records)).toBe(stringifyExact(whole.records))
    }
  })

  it('leaves no secret behind', async () => {
    const stored = [...logs.values()]
      .flatMap(({ activities, alerts }) => [...activities, ...alerts])
      .map((record) => `${stringifyExact({ ...record, raw: null })}${Buffer.from(record.raw).toString()}`)
      .join('\n')
    const secrets: string[] = []
    for (const path of await filesOf('cloudtrail')) {
      const text = await readFile(path, 'utf8')
      for (const name of ['sessionToken', 'secretAccessKey', 'tokenValue', 'streamUrl', 'userData', 'sSHPublicKey'])
        secrets.push(...[...text.matchAll(new RegExp(`"${name}"\\s*:\\s*"([^"]{12,})"`, 'g'))].map((match) => match[1] ?? ''))
    }
    expect(secrets.length).toBeGreaterThan(10)
    for (const secret of new Set(secrets)) expect(stored).not.toContain(secret)
  })
})
