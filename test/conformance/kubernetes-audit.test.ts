import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { type ReadLog, readLog, readLogs } from './audit-logs.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = indexOf('k8s-audit')
/** What is no audit event at all. */
const refused = new Set(['EXPECTED_falcosecurity-testing.csv', 'falco_fal_01_003_412df4.json'])

conformance('Kubernetes audit logs as people keep them', () => {
  let logs = new Map<string, ReadLog>()
  beforeAll(async () => {
    logs = await readLogs('k8s-audit')
  })

  it('are in the index, every file of them', () => {
    expect([...logs.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(30)
  })

  it.each([...index])('%s', (file, { records }) => {
    const log = logs.get(file) as ReadLog
    if (refused.has(file)) {
      expect(log.refused).toMatch(/of a kind this version does not read|plain text/)
      return
    }
    expect(log.refused).toBeUndefined()
    expect(log.dead).toEqual([])
    expect(log.counts).toMatchObject({ format: 'kubernetes-audit', read: records, deadLetters: 0, skipped: 0 })
    expect(log.activities).toHaveLength(records)
    expect(new Set(log.activities.map(({ contentKey }) => contentKey)).size).toBeLessThanOrEqual(records)
    for (const { eventNs, actor } of log.activities) expect({ time: eventNs > 0n, actor: actor.id }).not.toMatchObject({ actor: 'unknown' })
  })

  it('says what is wrong with an event that is none', async () => {
    const path = (await filesOf('k8s-audit')).find((name) => name.endsWith('falco_fal_01_003_412df4.json')) ?? ''
    expect((await readLog(path, 100, 'kubernetes-audit')).dead).toEqual([
      expect.stringMatching(/not a Kubernetes audit log document: auditID/),
    ])
  })

  it('read alike however they are cut into chunks', async () => {
    for (const path of await filesOf('k8s-audit')) {
      const whole = logs.get(basename(path)) as ReadLog
      for (const chunk of [7, 1_000]) expect(stringifyExact((await readLog(path, chunk)).records)).toBe(stringifyExact(whole.records))
    }
  })

  it('leave no secret behind', async () => {
    const stored = [...logs.values()]
      .flatMap(({ activities, alerts }) => [...activities, ...alerts])
      .map((record) => `${stringifyExact({ ...record, raw: null })}${Buffer.from(record.raw).toString()}`)
      .join('\n')
    const secrets: string[] = []
    for (const path of await filesOf('k8s-audit')) {
      const text = await readFile(path, 'utf8')
      for (const [, data = ''] of text.matchAll(/"kind":"Secret"[^]*?"data":\{([^}]*)\}/g))
        secrets.push(...[...data.matchAll(/":"([^"]{6,})"/g)].map((match) => match[1] ?? ''))
      secrets.push(...[...text.matchAll(/(?:aws_secret_access_key|password|passphrase) = (MY-\w+)/g)].map((match) => match[1] ?? ''))
    }
    expect(secrets.length).toBeGreaterThan(10)
    for (const secret of secrets) expect(stored).not.toContain(secret)
  })
})
