import { expect, it } from 'vitest'
import type { NewRecord } from '../../domain/record.ts'
import { readAudit } from '../../test/support/audit-input.ts'

const account = '111122223333'
const base = { eventTime: '2026-05-04T03:02:01Z', awsRegion: 'eu-central-1', recipientAccountId: account, eventID: 'e1' }
const user = {
  type: 'IAMUser',
  arn: `arn:aws:iam::${account}:user/ops/mara`,
  accountId: account,
  userName: 'mara',
  accessKeyId: 'AKIAEXAMPLE',
}
const role = `arn:aws:iam::${account}:role/deploy`
const assume = {
  ...base,
  eventSource: 'sts.amazonaws.com',
  eventName: 'AssumeRole',
  userIdentity: user,
  requestParameters: { roleArn: role, roleSessionName: 's' },
  responseElements: { credentials: { accessKeyId: 'ASIAEXAMPLE' } },
}
const told = async (event: unknown): Promise<string[]> => (await readAudit(JSON.stringify(event))).records.flatMap(line).sort()
const line = (record: NewRecord): string[] =>
  record.kind === 'entity'
    ? [`${record.entity.kind} ${record.entity.key} (${record.entity.name})`]
    : record.kind === 'relation'
      ? [`${record.relation.from.key} ${record.relation.type} ${record.relation.to.key}`]
      : []

it('tells who acts, in whose account, and who takes whose role', async () => {
  expect(await told(assume)).toEqual(
    [
      `${user.arn} ASSUMES ${role}`,
      `aws/${account} CONTAINS ${user.arn}`,
      `aws/${account} CONTAINS ${role}`,
      `identity ${user.arn} (mara)`,
      `identity ${role} (deploy)`,
    ].sort(),
  )
  const { activities, records } = await readAudit(JSON.stringify(assume))
  expect(records).toContainEqual({
    kind: 'relation',
    relation: {
      from: { scope: 'global', kind: 'identity', key: user.arn },
      type: 'ASSUMES',
      to: { scope: 'global', kind: 'identity', key: role },
      observedNs: activities[0]?.eventNs,
      properties: { activity: activities[0]?.contentKey, operation: 'AssumeRole' },
    },
  })
})

it('knows a session by its role, with the path that only the role’s own ARN has', async () => {
  const own = `arn:aws:iam::${account}:role/aws-service-role/x/deploy`
  const session = { type: 'AssumedRole', arn: `arn:aws:sts::${account}:assumed-role/deploy/s` }
  const list = { ...base, eventSource: 's3.amazonaws.com', eventName: 'ListBuckets' }
  expect(await told({ ...list, userIdentity: { ...session, sessionContext: { sessionIssuer: { arn: own } } } })).toContain(
    `identity ${own} (deploy)`,
  )
  expect(await told({ ...list, userIdentity: session })).toContain(`identity ${role} (deploy)`)
})

it.each<[string, object, string]>([
  [
    'a service account’s token',
    {
      eventName: 'AssumeRoleWithWebIdentity',
      userIdentity: {
        type: 'WebIdentityUser',
        principalId: `arn:aws:iam::${account}:oidc-provider/o:sts:system:serviceaccount:shop:cart`,
        userName: 'system:serviceaccount:shop:cart',
      },
    },
    `arn:aws:iam::${account}:oidc-provider/o:sts:system:serviceaccount:shop:cart`,
  ],
  [
    'a person of a directory',
    {
      eventName: 'AssumeRoleWithSAML',
      userIdentity: { type: 'SAMLUser', principalId: 'x=:mara', userName: 'mara', identityProvider: 'x=' },
      requestParameters: { roleArn: role, principalArn: `arn:aws:iam::${account}:saml-provider/ad` },
    },
    `arn:aws:iam::${account}:saml-provider/ad/mara`,
  ],
  [
    'an instance',
    {
      userIdentity: { type: 'AWSService', invokedBy: 'ec2.amazonaws.com' },
      requestParameters: { roleArn: role, roleSessionName: 'i-0dbc91f429e48eeed' },
    },
    `arn:aws:ec2:eu-central-1:${account}:instance/i-0dbc91f429e48eeed`,
  ],
  ['another account', { userIdentity: { type: 'AWSAccount', principalId: 'AIDAEXAMPLE', accountId: '999988887777' } }, 'aws/999988887777'],
])('a role is taken by %s', async (_name, over, from) => {
  expect(await told({ ...assume, ...over })).toContain(`${from} ASSUMES ${role}`)
})

it('says nothing of what failed, and of services that act for everybody', async () => {
  expect((await told({ ...assume, errorCode: 'AccessDenied' })).join('\n')).not.toMatch(/ASSUMES|deploy/)
  const service = { type: 'AWSService', invokedBy: 'inspector2.amazonaws.com' }
  expect(await told({ ...assume, userIdentity: service })).toEqual([`aws/${account} CONTAINS ${role}`, `identity ${role} (deploy)`])
})

it('tells of other resources only where a detection spoke, and counts none of it as read', async () => {
  const trail = `arn:aws:cloudtrail:eu-central-1:${account}:trail/main`
  const event = { ...base, userIdentity: user, eventSource: 'cloudtrail.amazonaws.com', requestParameters: { name: trail } }
  expect((await told({ ...event, eventName: 'GetTrail' })).join()).not.toContain('trail/main')
  expect(await told({ ...event, eventName: 'StopLogging' })).toEqual(
    expect.arrayContaining([`cloud_resource ${trail} (main)`, `aws/${account} CONTAINS ${trail}`]),
  )
  const { counts, records } = await readAudit(
    [1, 2, 3].map((id) => JSON.stringify({ ...event, eventName: 'GetTrail', eventID: `${id}` })).join('\n'),
  )
  expect(counts).toMatchObject({ read: 3, skipped: 0 })
  // Of one who does much it is told once.
  expect(records.map(({ kind }) => kind)).toEqual(['activity', 'entity', 'relation', 'activity', 'activity'])
})
