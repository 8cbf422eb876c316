import { Readable } from 'node:stream'
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readInput } from '../../collectors/read.ts'
import { FixedClock } from '../../domain/clock.ts'
import { getAlerts } from '../../store/alerts.ts'
import type { Database } from '../../store/database.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { membershipsOf } from '../../store/memberships.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { cases, seed } from '../../test/support/sizes.ts'
import { correlatePending } from '../pipeline.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const account = '111122223333'
const arn = (name: string): string => `arn:aws:iam::${account}:${name}`
const user = (name: string): object => ({ type: 'IAMUser', arn: arn(`user/${name}`), userName: name, accountId: account })
const session = (role: string, name: string, key: string): object => ({
  type: 'AssumedRole',
  arn: `arn:aws:sts::${account}:assumed-role/${role}/${name}`,
  accessKeyId: key,
  sessionContext: { sessionIssuer: { type: 'Role', arn: arn(`role/${role}`), userName: role } },
})
let made = 0
/** `minute`: of the day. */
const event = (minute: number, eventName: string, userIdentity: object, over: object = {}): object => ({
  eventID: `e${(made += 1)}`,
  eventTime: `2026-05-04T${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00Z`,
  eventSource: `${{ StopLogging: 'cloudtrail', AssumeRole: 'sts', SendCommand: 'ssm', GetCallerIdentity: 'sts' }[eventName]}.amazonaws.com`,
  eventName,
  awsRegion: 'eu-central-1',
  recipientAccountId: account,
  sourceIPAddress: '203.0.113.9',
  userIdentity,
  ...over,
})
const assume = (minute: number, by: object, role: string, key: string, name = 'same-name'): object =>
  event(minute, 'AssumeRole', by, {
    requestParameters: { roleArn: arn(`role/${role}`), roleSessionName: name },
    responseElements: { credentials: { accessKeyId: key } },
  })
const stop = (minute: number, by: object): object => event(minute, 'StopLogging', by)

/** Brought in one after the other, each placed at once. */
async function take(db: Database, scope: string, events: readonly object[]): Promise<void> {
  for (const one of events) {
    const delivery = emptyDelivery({ sourceId: null, scope })
    await readInput(Readable.from([Buffer.from(JSON.stringify(one))]), {
      path: 'trail',
      format: 'cloudtrail',
      source: { sourceId: null, sourceName: 'import', scope, receivedNs: 0n },
      onBatch: async ({ records }) => {
        for (const record of records) addRecord(delivery, record)
      },
    })
    await accept(db, clock, [delivery])
    while ((await correlatePending(db, clock)).more);
  }
}

/** Of each incident who is in it, and why. */
async function told(db: Database, scope: string): Promise<{ who: string[]; reasons: string[]; relations: unknown[] }[]> {
  const { incidents } = await listIncidents(db, { scope }, { limit: 100 })
  const all = await Promise.all(
    incidents.map(async ({ id }) => {
      const memberships = await membershipsOf(db, { incidentId: id })
      const alerts = await getAlerts(
        db,
        memberships.map(({ alertId }) => alertId),
      )
      const who = alerts.map(({ fields }) => String(fields['ct.user.arn']).split(':').at(-1) as string)
      const reasons = memberships.flatMap((one) => one.reasons)
      return {
        who: [...new Set(who)].sort(),
        reasons: reasons.map(({ label }) => label),
        relations: reasons.map(({ relation }) => relation),
      }
    }),
  )
  return all.sort((a, b) => (a.who.join() < b.who.join() ? -1 : 1))
}
const whose = async (db: Database, scope: string): Promise<string[][]> => (await told(db, scope)).map(({ who }) => who)

eachDatabase('a session of a cloud role', (database) => {
  it('is one with whoever asked for it, through as many roles as it takes, with the record as the reason', async () => {
    await take(database(), 'chain', [
      stop(10, user('mara')),
      assume(11, user('mara'), 'deploy', 'ASIADEPLOY'),
      assume(12, session('deploy', 'same-name', 'ASIADEPLOY'), 'admin', 'ASIAADMIN', 'other'),
      stop(13, session('admin', 'other', 'ASIAADMIN')),
    ])
    const [incident, ...others] = await told(database(), 'chain')
    expect(others).toEqual([])
    expect(incident?.who).toEqual(['assumed-role/admin/other', 'user/mara'])
    expect(incident?.relations).toContainEqual({
      from: { scope: 'global', kind: 'identity', key: arn('user/mara'), id: null },
      type: 'ASSUMES',
      to: { scope: 'global', kind: 'identity', key: arn('role/deploy'), id: null },
    })
    expect(incident?.reasons).toContainEqual(
      expect.stringMatching(
        /^identity arn:aws:iam::111122223333:user\/mara, which took arn:.*:role\/deploy by AssumeRole \(activity [0-9a-f]{12}\)$/,
      ),
    )
  })

  it('stays apart from another’s session of the same role, under the same name, and from who did not ask for it', async () => {
    await take(database(), 'apart', [
      stop(10, user('mara')),
      stop(10, user('nell')),
      assume(11, user('mara'), 'deploy', 'ASIAMARA'),
      assume(11, user('nell'), 'deploy', 'ASIANELL', 'another-name'),
      stop(12, session('deploy', 'another-name', 'ASIANELL')),
      stop(13, session('audit', 'x', 'ASIANOBODY')),
    ])
    expect(await whose(database(), 'apart')).toEqual([
      ['assumed-role/audit/x'],
      ['assumed-role/deploy/another-name', 'user/nell'],
      ['user/mara'],
    ])
  })

  it('does not join what AWS itself took the role for, but what a command was sent to', async () => {
    const ec2 = { type: 'AWSService', invokedBy: 'ec2.amazonaws.com' }
    const asked = (instance: string, key: string): object => event(20, 'GetCallerIdentity', session('web', instance, key))
    await take(database(), 'instances', [
      assume(1, ec2, 'web', 'ASIAONE', 'i-0aaaaaaaaaaaaaaa1'),
      assume(1, ec2, 'web', 'ASIATWO', 'i-0aaaaaaaaaaaaaaa2'),
      event(15, 'SendCommand', user('mara'), {
        requestParameters: { documentName: 'AWS-RunShellScript', instanceIds: ['i-0aaaaaaaaaaaaaaa1'] },
      }),
      asked('i-0aaaaaaaaaaaaaaa1', 'ASIAONE'),
      asked('i-0aaaaaaaaaaaaaaa2', 'ASIATWO'),
    ])
    expect(await whose(database(), 'instances')).toEqual([
      ['assumed-role/web/i-0aaaaaaaaaaaaaaa1', 'user/mara'],
      ['assumed-role/web/i-0aaaaaaaaaaaaaaa2'],
    ])
  })

  it('keeps two apart who send the same instance commands', async () => {
    const command = (minute: number, by: string): object =>
      event(minute, 'SendCommand', user(by), {
        requestParameters: { documentName: 'AWS-RunShellScript', instanceIds: ['i-0aaaaaaaaaaaaaaa1'] },
      })
    await take(database(), 'commands', [command(1, 'mara'), command(2, 'nell'), command(3, 'mara')])
    expect(await whose(database(), 'commands')).toEqual([['user/mara'], ['user/nell']])
  })

  it('comes to the same incidents, identities and relations in any order of the records', async () => {
    const events = [
      stop(10, user('mara')),
      assume(11, user('mara'), 'deploy', 'ASIADEPLOY'),
      assume(11, user('mara'), 'deploy', 'ASIASECOND'),
      assume(14, user('nell'), 'deploy', 'ASIANELL', 'nell'),
      stop(40, session('deploy', 'same-name', 'ASIADEPLOY')),
      stop(95, session('deploy', 'same-name', 'ASIADEPLOY')),
      stop(120, session('deploy', 'nell', 'ASIANELL')),
      stop(150, user('mara')),
    ]
    const graph = async (): Promise<unknown> =>
      database()
        .query(sql`select f.key as from, r.type, t.key as to, t.name, t.properties, r.first_ns, r.properties->>'operation' as operation
        from relations r join entities f on f.id = r.src join entities t on t.id = r.dst where r.type in ('ASSUMES', 'CONTAINS') order by 1, 2, 3`)
    await database().query(sql`delete from relations`)
    await take(database(), 'ordered', events)
    const first = { incidents: await whose(database(), 'ordered'), graph: await graph() }
    expect(first.incidents).toEqual([['assumed-role/deploy/nell'], ['assumed-role/deploy/same-name', 'user/mara']])
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(events, { minLength: events.length }), async (shuffled) => {
        run += 1
        await database().query(sql`delete from relations`)
        await take(database(), `shuffled-${run}`, shuffled)
        expect({ incidents: await whose(database(), `shuffled-${run}`), graph: await graph() }).toEqual(first)
      }),
      { numRuns: cases(100, 8), seed },
    )
  }, 120_000)
})
