import { describe, expect, it } from 'vitest'
import { sql } from 'kysely'
import type { Entity, EntityRef } from '../../domain/entity.ts'
import { FixedClock } from '../../domain/clock.ts'
import { NewStep } from '../../domain/graph.ts'
import { accept } from '../../store/intake.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import type { Database } from '../../store/database.ts'
import type { FailedCheck } from '../../store/cloud-graph.ts'
import { collect } from '../../test/support/collect.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { cloudChecks } from '../cloud-checks.ts'
import { deriveMarked, stepsOf } from '../derive.ts'
import type { World } from '../world.ts'

const account = '111122223333'
const arn = (name: string): string => `arn:aws:iam::${account}:${name}`
const world = (over: Partial<World>): World => ({
  scope: 'global',
  namespace: null,
  places: [],
  services: [],
  ingresses: [],
  policies: [],
  accounts: [],
  secrets: [],
  nodes: [],
  roles: [],
  bindings: [],
  namespaces: new Map(),
  identities: [],
  cloud: [],
  weaknesses: () => undefined,
  ...over,
})
const entity = (kind: Entity['kind'], name: string, properties: object): Entity => ({
  scope: 'lab',
  kind,
  key: kind === 'node' ? name : `shop/ServiceAccount/${name}`,
  name,
  namespace: kind === 'node' ? null : 'shop',
  properties: { ...properties },
  observedNs: 1n,
  validFromNs: 5n,
  deletedNs: null,
  id: 1n,
  origin: 'inventory',
  sourceId: null,
  firstNs: 1n,
  lastNs: 1n,
})
const steps = (over: Partial<World>): string[] =>
  stepsOf(world(over), 'cloud').map((step) => {
    expect(NewStep.parse(step)).toEqual(step)
    return `${step.from.key} -${step.type} ${step.technique.id}-> ${step.to.key}`
  })
const failed = (check: string, key: string): FailedCheck => ({
  finding: 'f',
  check,
  title: 'it fails',
  resource: { kind: /:(user|role)\//.test(key) ? 'identity' : 'cloud_resource', scope: 'global', key, name: 'it' },
  fromNs: 1n,
})

describe('steps in the cloud', () => {
  it('lead from a service account to the identity it stands for, at each provider', () => {
    const annotated = (name: string, annotations: object): Entity => entity('service_account', name, { annotations })
    const accounts = [
      annotated('eks', { 'eks.amazonaws.com/role-arn': arn('role/web') }),
      annotated('gke', { 'iam.gke.io/gcp-service-account': 'web@shop.iam.gserviceaccount.com' }),
      annotated('aks', { 'azure.workload.identity/client-id': '00000000-0000-4000-8000-00000000000A' }),
      annotated('none', { 'eks.amazonaws.com/role-arn': 'not an ARN', other: arn('role/web') }),
      entity('service_account', 'bare', {}),
    ]
    expect(steps({ scope: 'lab', accounts })).toEqual([
      `shop/ServiceAccount/eks -pod-cloud-role T1078.004-> ${arn('role/web')}`,
      'shop/ServiceAccount/gke -pod-cloud-role T1078.004-> gcp/web@shop.iam.gserviceaccount.com',
      'shop/ServiceAccount/aks -pod-cloud-role T1078.004-> azure/00000000-0000-4000-8000-00000000000a',
    ])
  })

  it('lead from identity to identity as seen, from an instance to its role, and from a node that is that instance', () => {
    const ref = (kind: EntityRef['kind'], key: string): EntityRef => ({ scope: 'global', kind, key })
    const taken = { to: ref('identity', arn('role/web')), toName: 'web', activity: 'a', fromNs: 9n }
    const assumptions = [
      { ...taken, from: ref('identity', arn('user/mara')), fromName: 'mara' },
      { ...taken, from: ref('cloud_resource', 'arn:aws:ec2:eu:1:instance/i-0abc12345'), fromName: 'i-0abc12345' },
      { ...taken, from: ref('cloud_account', 'aws/1'), fromName: 'aws/1' },
    ]
    expect(steps({ assumptions })).toEqual([
      `${arn('user/mara')} -assume-role T1548.005-> ${arn('role/web')}`,
      `arn:aws:ec2:eu:1:instance/i-0abc12345 -instance-cloud-role T1552.005-> ${arn('role/web')}`,
    ])
    const nodes = [
      entity('node', 'node-1', { providerId: 'aws:///eu-central-1a/i-0abc12345' }),
      entity('node', 'node-2', { providerId: 'aws:///eu-central-1a/i-0000000000' }),
      entity('node', 'node-3', {}),
    ]
    expect(steps({ scope: 'lab', nodes, assumptions })).toEqual([`node-1 -node-cloud-role T1552.005-> ${arn('role/web')}`])
  })

  it('lead to the account and from the internet where a scanner says so', () => {
    const bucket = 'arn:aws:s3:::public'
    const group = 'arn:aws:ec2:eu:1:security-group/sg-1'
    expect(
      steps({
        failedChecks: [
          failed('prowler/iam_role_administratoraccess_policy', arn('role/web')),
          failed('prowler/iam_inline_policy_allows_privilege_escalation', arn('user/mara')),
          failed('prowler/iam_inline_policy_no_administrative_privileges', arn('group/ops')),
          failed('security-hub/S3.2', bucket),
          failed('prowler/ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22', group),
          failed('prowler/s3_bucket_default_encryption', bucket),
        ],
      }).sort(),
    ).toEqual(
      [
        `${arn('role/web')} -cloud-admin T1078.004-> aws/${account}`,
        `${arn('user/mara')} -cloud-escalation T1098.003-> aws/${account}`,
        `internet -public-data T1530-> ${bucket}`,
        `internet -public-resource T1190-> ${group}`,
      ].sort(),
    )
    expect(new Set(cloudChecks).size).toBe(cloudChecks.length)
  })
})

const trail = {
  eventID: 'e1',
  eventTime: '2026-05-04T03:02:01Z',
  eventSource: 'sts.amazonaws.com',
  eventName: 'AssumeRole',
  awsRegion: 'eu-central-1',
  userIdentity: { type: 'AWSService', invokedBy: 'ec2.amazonaws.com' },
  requestParameters: { roleArn: arn('role/web'), roleSessionName: 'i-0abc12345' },
  responseElements: {},
}
const result = (check: string, uid: string): object => ({
  CheckID: check,
  CheckTitle: check,
  Status: 'FAIL',
  StatusExtended: 'it fails',
  Provider: 'aws',
  AccountId: account,
  Region: 'eu-central-1',
  ServiceName: 'iam',
  Severity: 'high',
  ResourceId: uid.split('/').at(-1),
  ResourceArn: uid,
  ResourceType: 'x',
  AssessmentStartTime: '2026-05-04T03:00:00',
})
const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', uid: 'u1', creationTimestamp: '2026-05-01T00:00:00Z' },
  spec: { providerID: 'aws:///eu-central-1a/i-0abc12345' },
}
const clock = new FixedClock('2026-11-24T12:00:00Z')

async function take(db: Database, content: unknown, inventory = false): Promise<void> {
  const delivery = emptyDelivery({ sourceId: null, scope: 'lab', inventory })
  for (const record of (await collect(content)).records) addRecord(delivery, record)
  await accept(db, clock, [delivery])
}

eachDatabase('steps in the cloud, from what is brought in', (database) => {
  it('are derived again when a record or a scan brings something new', async () => {
    const db = database()
    const stored = async (): Promise<string[]> => {
      while ((await deriveMarked(db, clock)).more);
      return (
        await db.query(sql<{ step: string }>`select f.key || ' ' || s.type || ' ' || t.key as step from attack_steps s
          join entities f on f.id = s.src join entities t on t.id = s.dst where s.unit = 'cloud' order by 1`)
      ).map(({ step }) => step)
    }
    await take(db, node, true)
    expect(await stored()).toEqual([])
    const instance = `arn:aws:ec2:eu-central-1:${account}:instance/i-0abc12345`
    const ofRole = [`${instance} instance-cloud-role ${arn('role/web')}`, `node-1 node-cloud-role ${arn('role/web')}`]
    await take(db, trail)
    expect(await stored()).toEqual(ofRole)
    await take(db, [result('iam_role_administratoraccess_policy', arn('role/web')), result('ec2_instance_public_ip', instance)])
    expect(await stored()).toEqual([
      `${instance} instance-cloud-role ${arn('role/web')}`,
      `${arn('role/web')} cloud-admin aws/${account}`,
      `internet public-resource ${instance}`,
      `node-1 node-cloud-role ${arn('role/web')}`,
    ])
    await take(db, [
      { ...result('iam_role_administratoraccess_policy', arn('role/web')), Status: 'PASS', AssessmentStartTime: '2026-05-05T03:00:00' },
    ])
    expect(await stored()).not.toContain(`${arn('role/web')} cloud-admin aws/${account}`)
  })
})
