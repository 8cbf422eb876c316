/**
 * What the recorded attacks become: one incident per attacking identity, with its techniques named, and none of medium or more for those who
 * worked beside it. The sessions of a role belong to who assumed it.
 */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { readInput } from '../../collectors/read.ts'
import { FixedClock } from '../../domain/clock.ts'
import { severityId } from '../../domain/severity.ts'
import type { Incident } from '../../domain/incident.ts'
import type { NewRecord } from '../../domain/record.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { getAlerts } from '../../store/alerts.ts'
import type { Database } from '../../store/database.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { membershipsOf } from '../../store/memberships.ts'
import { eachDatabase, embeddedDatabase } from '../support/database.ts'
import { seed } from '../support/sizes.ts'
import { conformance, filesOf } from './data.ts'
import { attacks } from './stratus.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
type Told = { incident: Incident; identities: string[]; reasons: string[] }

/** What Stratus did there: passwords and user data of instances, secrets, the trail, the organization, flow logs, instances, ports, images. */
const ofTheLab = ['T1552', 'T1552.005', 'T1555.006', 'T1562.007', 'T1562.008', 'T1666', 'T1496.001', 'T1537', 'T1651']

/** Each recording of one technique in a scope of its own, all files of the lab in one. */
const scopeOf = (path: string): string => (basename(path).startsWith('invictus_') ? 'invictus' : basename(path, '.json'))

async function recordsOf(path: string): Promise<NewRecord[]> {
  const records: NewRecord[] = []
  await readInput(createReadStream(path), {
    path,
    source: { sourceId: null, sourceName: 'import', scope: scopeOf(path), receivedNs: 0n },
    onBatch: async (batch) => void records.push(...batch.records),
  })
  return records
}

const shuffled = <T>(items: readonly T[]): T[] =>
  fc.sample(fc.shuffledSubarray([...items], { minLength: items.length }), { numRuns: 1, seed })[0] ?? []

async function store(db: Database, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const delivery = emptyDelivery({ sourceId: null, scope: scopeOf(path) })
    for (const record of await recordsOf(path)) addRecord(delivery, record)
    await accept(db, clock, [delivery])
    while ((await correlatePending(db, clock)).more);
  }
}

async function told(db: Database): Promise<Map<string, Told[]>> {
  const { incidents } = await listIncidents(db, {}, { limit: 500 })
  const all = await Promise.all(
    incidents.map(async (incident): Promise<Told> => {
      const memberships = await membershipsOf(db, { incidentId: incident.id })
      const alerts = await getAlerts(
        db,
        memberships.map(({ alertId }) => alertId),
      )
      const identities = alerts.map(({ fields }) => String(fields['ct.user.arn'] ?? fields['ct.user'] ?? fields['ct.srcip']))
      return {
        incident,
        identities: [...new Set(identities)].sort(),
        reasons: [...new Set(memberships.flatMap(({ reasons }) => reasons.map(({ label }) => label)))],
      }
    }),
  )
  return Map.groupBy(all, ({ incident }) => incident.scope)
}

conformance('CloudTrail as incidents', () => {
  eachDatabase('of the recorded attacks', (database) => {
    let incidents: Map<string, Told[]>
    beforeAll(async () => {
      await store(database(), await filesOf('cloudtrail'))
      incidents = await told(database())
      console.table(
        [...incidents.values()]
          .flat()
          .map(({ incident, identities }) => ({
            scope: incident.scope.replace('stratus_aws.', ''),
            identities: identities.map((one) => one.split(':').at(-1)?.split('/')[1]).join(' '),
            alerts: incident.alertCount,
            techniques: incident.techniques.join(' '),
            severity: incident.severity,
          })),
      )
    }, 120_000)

    it.each(Object.entries(attacks))('%s is one incident, and is named as what it is', (name, [, technique]) => {
      const found = incidents.get(`stratus_aws.${name}`) ?? []
      expect(found).toHaveLength(1)
      expect(found[0]?.incident.techniques).toContain(technique)
    })

    it('the lab has one attacker with five roles, and who looked around beside them is no incident of medium or more', () => {
      const all = incidents.get('invictus') ?? []
      const [attacker, ...others] = all.filter(({ incident }) => severityId(incident.severity) >= severityId('medium'))
      expect(others).toEqual([])
      expect(attacker?.identities[0]).toBe('arn:aws:iam::123837392027:user/bert-jan')
      expect(attacker?.identities.slice(1).map((arn) => arn.split('/')[1])).toEqual([
        'stratus-red-team-ec2-get-password-data-role',
        'stratus-red-team-ec2lui-role-pcccexdthk',
        'stratus-red-team-ec2lui-role-wuzemnoeqa',
        'stratus-red-team-get-usr-data-role',
        'stratus-red-team-leave-org-role',
      ])
      expect(attacker?.incident.techniques).toEqual(expect.arrayContaining(ofTheLab))
      expect(attacker?.incident.severity).toBe('critical')
      expect(attacker?.reasons).toContainEqual(
        expect.stringMatching(/^identity .*:user\/bert-jan, which took .*leave-org-role by AssumeRole \(activity /),
      )
      expect(all.filter((one) => one !== attacker).map(({ identities }) => identities)).toEqual([
        ['arn:aws:iam::123837392027:user/benjamin'],
      ])
    })

    it('is the same whatever the order of the files', async () => {
      const shape = (of: Map<string, Told[]>): unknown =>
        [...of]
          .map(([scope, all]) => [
            scope,
            all.map(({ incident, identities }) => [identities, incident.alertCount, incident.severity, incident.techniques]).sort(),
          ])
          .sort()
      const other = await embeddedDatabase()
      await store(other, shuffled(await filesOf('cloudtrail')))
      expect(shape(await told(other))).toEqual(shape(incidents))
      await other.close()
    }, 120_000)
  })
})
