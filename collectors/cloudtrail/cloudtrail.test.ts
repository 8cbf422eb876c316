import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { damaged, readAudit, storedText } from '../../test/support/audit-input.ts'
import { property } from '../../test/support/sizes.ts'

type Event = Record<string, unknown>
const account = '111122223333'
const stop: Event = {
  eventVersion: '1.09',
  userIdentity: {
    type: 'AssumedRole',
    principalId: 'AROAEXAMPLE:mara',
    arn: `arn:aws:sts::${account}:assumed-role/admin/mara`,
    accountId: account,
    accessKeyId: 'ASIDEXAMPLE',
    sessionContext: {
      sessionIssuer: { type: 'Role', arn: `arn:aws:iam::${account}:role/admin`, userName: 'admin' },
      attributes: { mfaAuthenticated: 'false' },
    },
  },
  eventTime: '2026-05-04T03:02:01Z',
  eventSource: 'cloudtrail.amazonaws.com',
  eventName: 'StopLogging',
  awsRegion: 'eu-central-1',
  sourceIPAddress: '203.0.113.9',
  userAgent: 'aws-cli/2.15',
  requestParameters: { name: `arn:aws:cloudtrail:eu-central-1:${account}:trail/main` },
  responseElements: null,
  requestID: 'r1',
  eventID: 'e1',
  readOnly: false,
  eventType: 'AwsApiCall',
  managementEvent: true,
  recipientAccountId: account,
}
const list: Event = {
  ...stop,
  eventSource: 's3.amazonaws.com',
  eventName: 'ListBuckets',
  eventID: 'e2',
  requestParameters: null,
  readOnly: true,
}
const ocsf: Event = {
  class_uid: 6003,
  metadata: { product: { name: 'CloudTrail', version: '1.09' }, uid: 'e1', version: '1.5.0', event_code: 'AwsApiCall' },
  api: {
    operation: 'StopLogging',
    service: { name: 'cloudtrail.amazonaws.com' },
    request: { uid: 'r1', data: JSON.stringify({ ...(stop.requestParameters as Event), secretString: 'aHVudGVyMg' }) },
    response: {},
  },
  actor: {
    user: {
      type: 'AssumedRole',
      uid: `arn:aws:sts::${account}:assumed-role/admin/mara`,
      uid_alt: 'AROAEXAMPLE:mara',
      account: { uid: account },
      credential_uid: 'ASIDEXAMPLE',
    },
    session: { issuer: `arn:aws:iam::${account}:role/admin`, is_mfa: false },
  },
  cloud: { region: 'eu-central-1', account: { uid: account } },
  src_endpoint: { ip: '203.0.113.9' },
  http_request: { user_agent: 'aws-cli/2.15' },
  time: Date.parse('2026-05-04T03:02:01Z'),
  unmapped: {
    'userIdentity.sessionContext.sessionIssuer.userName': 'admin',
    readOnly: 'false',
    recipientAccountId: account,
    'a.__proto__.b': 1,
  },
}
const text = (value: unknown): string => JSON.stringify(value)

describe('CloudTrail', () => {
  it.each<[string, string]>([
    ['a log file', text({ Records: [stop, list] })],
    ['a log file, pretty-printed', JSON.stringify({ Records: [stop, list] }, null, 2)],
    ['a list', text([stop, list])],
    ['an event a line', `${text(stop)}\n${text(list)}\n`],
    ['an event', text(stop)],
    ['an event, pretty-printed', JSON.stringify(stop, null, 4)],
    ['a log file a line', `${text({ Records: [stop] })}\n${text({ Records: [list] })}\n`],
    [
      'an answer of lookup-events',
      text({
        Events: [
          { EventId: 'e1', CloudTrailEvent: text(stop) },
          { EventId: 'e2', CloudTrailEvent: text(list) },
        ],
      }),
    ],
    [
      'a delivery of CloudWatch',
      text({
        messageType: 'DATA_MESSAGE',
        logEvents: [
          { id: '1', message: text(stop) },
          { id: '2', message: text(list) },
        ],
      }),
    ],
    ['a row of a table', text({ ...stop, requestParameters: text(stop.requestParameters) })],
    ['OCSF', text(ocsf)],
  ])('is read from %s, whatever the chunks', async (_name, input) => {
    for (const chunk of [1, 13, 100_000]) {
      const { counts, activities, alerts, dead } = await readAudit(input, { chunk })
      const both = input.includes('e2')
      expect(dead).toEqual([])
      expect(counts).toMatchObject({ format: 'cloudtrail', read: both ? 2 : 1, skipped: 0 })
      expect(activities.map(({ operation }) => operation)).toEqual(both ? ['StopLogging', 'ListBuckets'] : ['StopLogging'])
      expect(alerts.map(({ tags }) => tags[0])).toEqual(['cloudtrail-stopped'])
      expect(activities[0]).toMatchObject({
        scope: 'lab',
        producer: 'cloudtrail',
        eventNs: 1777863721000000000n,
        service: 'cloudtrail.amazonaws.com',
        outcome: 'success',
        error: null,
        actor: { id: `arn:aws:sts::${account}:assumed-role/admin/mara`, name: 'admin', kind: 'role', session: 'ASIDEXAMPLE' },
        source: { ip: '203.0.113.9', service: null, userAgent: 'aws-cli/2.15' },
        resources: [`arn:aws:cloudtrail:eu-central-1:${account}:trail/main`],
        properties: { account, region: 'eu-central-1', role: `arn:aws:iam::${account}:role/admin` },
      })
      expect(activities[0]?.contentKey).toBe((await readAudit(text(stop))).activities[0]?.contentKey)
    }
  })

  it('raises an alert beside the activity, in the names of Falco’s plug-in', async () => {
    const { activities, alerts } = await readAudit(text(stop))
    expect(alerts).toEqual([
      expect.objectContaining({
        sensor: 'cloudtrail',
        sensorSource: 'aws_cloudtrail',
        rule: 'CloudTrail stopped',
        priority: 'Critical',
        severity: 'critical',
        activityKey: activities[0]?.contentKey,
        tactics: ['TA0005'],
        techniques: ['T1562.008'],
        output: `CloudTrail stopped: admin called cloudtrail:StopLogging on arn:aws:cloudtrail:eu-central-1:${account}:trail/main in ${account} eu-central-1 from 203.0.113.9.`,
      }),
    ])
    expect(alerts[0]?.fields).toMatchObject({
      'ct.user.arn': `arn:aws:sts::${account}:assumed-role/admin/mara`,
      'ct.name': 'StopLogging',
      'ct.src': 'cloudtrail.amazonaws.com',
      'ct.shortsrc': 'cloudtrail',
      'ct.srcip': '203.0.113.9',
      'ct.region': 'eu-central-1',
      'ct.user.accountid': account,
      'ct.readonly': 'false',
    })
    expect(alerts[0]?.contentKey).not.toBe(activities[0]?.contentKey)
    expect((await readAudit(text(stop))).alerts[0]?.contentKey).toBe(alerts[0]?.contentKey)
  })

  it('says who it was and from where, as far as the log knows', async () => {
    const of = async (userIdentity: unknown, sourceIPAddress: unknown) =>
      (await readAudit(text({ ...list, userIdentity, sourceIPAddress }))).activities[0]
    expect(await of({ type: 'AWSService', invokedBy: 'ec2.amazonaws.com' }, 'ec2.amazonaws.com')).toMatchObject({
      actor: { id: 'ec2.amazonaws.com', kind: 'service', session: null },
      source: { ip: null, service: 'ec2.amazonaws.com' },
    })
    expect(await of({ type: 'Root', arn: `arn:aws:iam::${account}:root` }, '2001:db8::1')).toMatchObject({
      actor: { kind: 'root' },
      source: { ip: '2001:db8::1' },
    })
    expect(await of({ type: 'WebIdentityUser', userName: 'system:serviceaccount:shop:cart' }, 'AWS Internal')).toMatchObject({
      actor: { kind: 'service_account', name: 'system:serviceaccount:shop:cart' },
      source: { ip: null, service: 'AWS Internal' },
    })
    expect(await of(null, null)).toMatchObject({ actor: { id: 'unknown', kind: 'unknown' }, source: { ip: null, service: null } })
    const denied = await readAudit(text({ ...stop, errorCode: 'AccessDenied', errorMessage: 'not you' }))
    expect(denied.activities[0]).toMatchObject({ outcome: 'failure', error: 'AccessDenied: not you' })
    expect(denied.alerts[0]?.output).toContain('admin tried and failed at cloudtrail:StopLogging')
  })

  it('finds a sign-in without a second factor in OCSF too', async () => {
    const signIn = {
      ...ocsf,
      class_uid: 3002,
      api: { operation: 'ConsoleLogin', service: { name: 'signin.amazonaws.com' } },
      actor: { user: { type: 'IAMUser', name: 'mara', uid: `arn:aws:iam::${account}:user/mara` } },
      status: 'Success',
      is_mfa: false,
    }
    expect((await readAudit(text(signIn))).alerts.map(({ tags }) => tags[0])).toEqual(['console-login-without-mfa'])
    const failed = await readAudit(text({ ...signIn, status: 'Failure' }))
    expect([failed.activities[0]?.outcome, failed.alerts.map(({ tags }) => tags[0])]).toEqual(['failure', ['console-login-failed']])
    expect((await readAudit(text({ ...signIn, is_mfa: true }))).alerts).toEqual([])
  })

  it('knows an event by its id, or else by all of it', async () => {
    const { eventID: _id, ...nameless } = stop
    const read = await readAudit(
      [stop, { ...stop, userAgent: 'other' }, nameless, nameless, { ...nameless, userAgent: 'other' }].map(text).join('\n'),
    )
    const [a, b, c, d, e] = read.activities.map(({ contentKey }) => contentKey)
    expect([a === b, c === d, c === e, a === c]).toEqual([true, true, false, false])
  })

  it('stores nothing of parameters and answers but the listed names', async () => {
    const hidden = 'c3VwZXItc2VjcmV0LXZhbHVl'
    const values: Event[] = [
      { value: hidden, name: 'p' },
      { masterUserPassword: hidden, environment: { variables: { name: hidden } } },
      { userData: hidden, parameters: { commands: [hidden] } },
      { credentials: { accessKeyId: 'ASIDOTHER', sessionToken: hidden, secretAccessKey: hidden } },
      { tags: [{ key: 'a', value: hidden }], secretString: hidden },
    ]
    const events = values.flatMap((one, index): Event[] => [
      { ...list, eventID: `a${index}`, requestParameters: one },
      { ...list, eventID: `b${index}`, responseElements: one },
      { ...list, eventID: `c${index}`, requestParameters: text(one), responseElements: [one] },
      { ...list, eventID: `d${index}`, additionalEventData: one, serviceEventDetails: one },
      { ...list, eventID: `e${index}`, message: text(one), requestParameters: hidden, responseElements: [hidden] },
    ])
    const read = await readAudit(events.map(text).join('\n'))
    expect(read.activities).toHaveLength(events.length)
    expect(storedText(read)).not.toContain(hidden)
    expect(storedText(read)).toContain('ASIDOTHER')
    const translated = await readAudit(text(ocsf))
    expect(storedText(translated)).not.toContain('aHVudGVyMg')
    expect((await readAudit(`${text(stop)}\n{"eventSource":"x","requestParameters":{"p":"${hidden}"}}`)).dead).toMatchObject([
      {
        reason: expect.stringMatching(/not a CloudTrail document: eventName/),
        bytes: Buffer.from('[not kept: its parameters may hold secrets]'),
      },
    ])
  })

  it('keeps the bytes of what holds nothing to be removed', async () => {
    const { activities } = await readAudit(text({ Records: [stop] }))
    expect(Buffer.from(activities[0]?.raw ?? []).toString()).toBe(text(stop))
  })

  it('loses one event to a cut line, says so, and refuses what only looks alike', async () => {
    const cutOff = await readAudit(`${text(stop)}\n${text(list).slice(0, 200)}\n${text(list)}\n`)
    expect(cutOff.counts).toMatchObject({ read: 3, deadLetters: 1 })
    const ended = await readAudit(text({ Records: [stop, list] }).slice(0, -30))
    expect([ended.activities.length, ended.dead.map(({ reason }) => reason)]).toEqual([1, ['the document does not end: it was cut off']])
    expect((await readAudit('{"Records":[]}', { format: 'cloudtrail' })).counts).toMatchObject({ read: 0, deadLetters: 0 })
    const notification = {
      Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', userIdentity: { principalId: 'x' } }],
    }
    await expect(readAudit(text(notification))).rejects.toThrow(/kind this version does not read/)
    expect((await readAudit(text({ ...stop, eventTime: 'soon' }))).dead[0]?.reason).toMatch(/no time that can be read/)
  })

  it('ends in records or dead letters, whatever is wrong in a document', async () => {
    const roles = {
      ...stop,
      eventName: 'CreateRole',
      eventSource: 'iam.amazonaws.com',
      requestParameters: { assumeRolePolicyDocument: '{"Statement":[{"Effect":"Allow"}]}' },
      resources: [{ ARN: 'arn:aws:x' }],
    }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(stop, roles, ocsf),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
        fc.jsonValue(),
        async (event, at, value) => {
          const { counts } = await readAudit(text(damaged(event, at, value)), { format: 'cloudtrail' })
          expect(counts.read + counts.skipped).toBeLessThanOrEqual(1)
        },
      ),
      property(2_000, 200),
    )
  })
})
