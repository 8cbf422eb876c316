import { expect, it } from 'vitest'
import type { Alert, NewAlert } from '../../domain/alert.ts'
import { readAudit } from '../../test/support/audit-input.ts'
import { noContext } from '../context.ts'
import { factsOf } from '../correlate.ts'
import { cloudIdentity } from './cloud-identity.ts'
import { samePod } from './same-pod.ts'

const arn = 'arn:aws:sts::111122223333:assumed-role/admin/mara'
const exec = {
  kind: 'Event',
  auditID: 'a',
  stage: 'ResponseComplete',
  verb: 'create',
  user: { username: 'mara', extra: { arn: [arn] } },
  objectRef: { resource: 'pods', subresource: 'exec', namespace: 'shop', name: 'cart-7d' },
  requestReceivedTimestamp: '2026-05-04T03:02:01.123456Z',
}
const stop = {
  eventID: 'e',
  eventTime: '2026-05-04T03:09:01Z',
  eventSource: 'cloudtrail.amazonaws.com',
  eventName: 'StopLogging',
  userIdentity: { type: 'AssumedRole', arn },
}
const unknown = noContext('inventory does not know it')
const stored = (alert: NewAlert | undefined): Alert => alert as unknown as Alert

it('an alert of an audit log meets Falco’s in the pod, and the other log’s in the cloud identity', async () => {
  const [inCluster] = (await readAudit(JSON.stringify(exec))).alerts
  const [inCloud] = (await readAudit(JSON.stringify(stop))).alerts
  expect(samePod.facts(stored(inCluster), unknown)).toEqual([{ key: 'name/shop/cart-7d', label: 'pod shop/cart-7d', inferred: false }])
  const keys = [inCluster, inCloud].map((alert) => cloudIdentity.facts(stored(alert), unknown).map(({ key }) => key))
  expect(keys).toEqual([expect.arrayContaining([`ct.user.arn/${arn}`, 'ka.user.name/mara']), [`ct.user.arn/${arn}`]])
})

it('what spoke of one request is one fact beside all others, and keeps repeats of a rule together as before', async () => {
  const anonymous = (auditID: string, resource: string): string =>
    JSON.stringify({
      ...exec,
      auditID,
      verb: 'list',
      user: { username: 'system:anonymous' },
      objectRef: { resource },
      responseStatus: { code: 200 },
      requestURI: `/api/v1/${resource}`,
    })
  const secrets = (await readAudit(anonymous('a-1', 'secrets'))).alerts.map(stored)
  expect(secrets.map(({ rule }) => rule)).toHaveLength(2)
  const [one, two] = secrets.map((alert) => factsOf(alert, unknown))
  expect(one?.map(({ rule }) => rule)).toEqual(['same-request', 'same-host-rule'])
  expect(one?.[0]?.key).toBe(two?.[0]?.key)
  const [other] = (await readAudit(anonymous('a-2', 'pods'))).alerts.map((alert) => factsOf(stored(alert), unknown))
  expect(other?.[0]?.key).not.toBe(one?.[0]?.key)
})
