import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { attackFromTags } from '../../domain/attack.ts'
import { NewActivity } from '../../domain/activity.ts'
import { NewAlert } from '../../domain/alert.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { type ReadLog, readLog, readLogs } from './audit-logs.ts'
import { conformance, filesOf, indexOf } from './data.ts'
import { attacks } from './stratus.ts'

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

  it.each(Object.entries(attacks))('%s is an attack, and is detected as what it is', (name, [id, technique]) => {
    const { alerts } = logs.get(`stratus_aws.${name}.json`) as ReadLog
    const found = alerts.filter(({ tags }) => tags[0] === id)
    expect(found.length).toBeGreaterThan(0)
    for (const { techniques, tactics } of found) {
      expect(techniques).toContain(technique)
      expect(tactics).toContain(attackFromTags([`mitre_${name.split('.')[0]?.replaceAll('-', '_')}`]).tactics[0])
    }
  })

  it('has an attack of every file that holds one', () => {
    const files = [...index.keys()].flatMap((file) => /^stratus_aws\.(.+)\.json$/.exec(file)?.[1] ?? [])
    expect(files.sort()).toEqual(Object.keys(attacks).sort())
  })

  it('raises few alerts beside the attacks', () => {
    const all = [...logs]
    const share = (events: (file: string, log: ReadLog) => { of: number; alerting: number }): number => {
      const sums = all.map(([file, log]) => events(file, log))
      return sums.reduce((sum, { alerting }) => sum + alerting, 0) / sums.reduce((sum, { of }) => sum + of, 0)
    }
    const shares = {
      // What stands around an attack in its own file: another detection that speaks there is noise.
      neighbours: share((file, { activities, alerts }) => {
        const [id] = attacks[/^stratus_aws\.(.+)\.json$/.exec(file)?.[1] ?? ''] ?? []
        if (id === undefined) return { of: 0, alerting: 0 }
        const itself = new Set(alerts.filter(({ tags }) => tags[0] === id).map(({ activityKey }) => activityKey))
        const others = new Set(alerts.map(({ activityKey }) => activityKey).filter((key) => !itself.has(key)))
        return { of: activities.length - itself.size, alerting: others.size }
      }),
      // An hour of attacks and of the Terraform that sets them up.
      lab: share((file, { activities, alerts }) =>
        file.startsWith('invictus_')
          ? { of: activities.length, alerting: new Set(alerts.map(({ activityKey }) => activityKey)).size }
          : { of: 0, alerting: 0 },
      ),
      // The same without the two techniques that read every secret and password there is.
      labWithoutReads: share((file, { activities, alerts }) => {
        if (!file.startsWith('invictus_')) return { of: 0, alerting: 0 }
        const rest = activities.filter(({ operation }) => !/^Get(SecretValue|PasswordData|Parameters)$/.test(operation))
        const alerting = new Set(alerts.map(({ activityKey }) => activityKey))
        return { of: rest.length, alerting: rest.filter(({ contentKey }) => alerting.has(contentKey)).length }
      }),
    }
    console.log('share of events that alert:', shares)
    expect(shares.neighbours).toBeLessThan(0.02)
    expect(shares.lab).toBeLessThan(0.08)
    expect(shares.labWithoutReads).toBeLessThan(0.02)
  })

  it('makes records as the house knows them', () => {
    for (const { activities, alerts } of logs.values()) {
      for (const activity of activities) expect(NewActivity.parse(activity)).toEqual(activity)
      for (const alert of alerts) expect(NewAlert.parse(alert)).toEqual(alert)
    }
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
