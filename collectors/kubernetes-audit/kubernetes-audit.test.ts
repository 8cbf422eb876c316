import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { damaged, readAudit, storedText } from '../../test/support/audit-input.ts'
import { property } from '../../test/support/sizes.ts'

type Event = Record<string, unknown>
const exec: Event = {
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Request',
  auditID: '0f3c',
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/shop/pods/cart-7d/exec?command=sh&command=-c&command=id&container=app&stdin=true',
  verb: 'create',
  user: {
    username: 'system:serviceaccount:shop:ci',
    groups: ['system:serviceaccounts', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': ['JTI=4'], 'authentication.kubernetes.io/pod-name': ['runner-1'] },
  },
  sourceIPs: ['203.0.113.9', '10.0.0.1'],
  userAgent: 'kubectl/v1.33.0',
  objectRef: { resource: 'pods', namespace: 'shop', name: 'cart-7d', apiVersion: 'v1', subresource: 'exec' },
  responseStatus: { metadata: {}, code: 101 },
  requestReceivedTimestamp: '2026-05-04T03:02:01.123456Z',
  stageTimestamp: '2026-05-04T03:07:01.000001Z',
  annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: allowed by …' },
}
const get: Event = {
  ...exec,
  auditID: '0f3d',
  verb: 'get',
  requestURI: '/api/v1/namespaces/shop/pods/cart-7d',
  objectRef: { resource: 'pods', namespace: 'shop', name: 'cart-7d' },
  responseStatus: { code: 200 },
}
const aks = (event: Event, category = 'kube-audit'): Event => ({
  category,
  properties: { log: `${JSON.stringify(event)}\n`, stream: 'stdout' },
  time: 'x',
})
const ocsf: Event = {
  class_uid: 6003,
  activity_id: 1,
  message: 'ResponseComplete',
  metadata: { product: { name: 'Amazon EKS', version: 'audit.k8s.io/v1' }, log_level: 'Request', version: '1.5.0' },
  api: { operation: 'create', request: { uid: '0f3c', data: '{"kind":"Secret","data":{"p":"aHVudGVyMg=="}}' }, response: { code: 101 } },
  actor: { user: { name: 'system:serviceaccount:shop:ci', groups: [{ name: 'system:authenticated' }] } },
  http_request: { url: { path: '/api/v1/namespaces/shop/pods/cart-7d/exec?container=app' }, user_agent: 'kubectl' },
  resources: [{ name: 'cart-7d', namespace: 'shop', type: 'pods' }],
  src_endpoint: { ip: '203.0.113.9' },
  start_time_dt: '2026-05-04 03:02:01.123456+00:00',
  time: 1777863721123,
}
const list = (items: unknown): Event => ({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items })
const text = (value: unknown): string => JSON.stringify(value)

describe('the Kubernetes audit log', () => {
  it.each<[string, string]>([
    ['a document', text(exec)],
    ['pretty-printed, with a byte order mark', `\ufeff${JSON.stringify(exec, null, 2)}`],
    ['an event a line', `${text(exec)}\n${text(get)}\n`],
    ['a list', text([exec, get])],
    ['an EventList', text(list([exec, get]))],
    ['EventLists in a list', text([list([exec]), list([get])])],
    ['an EventList a line', `${text(list([exec]))}\n${text(list([get]))}`],
    ['records of AKS', text({ records: [aks(exec), aks(get, 'kube-audit-admin')] })],
    ['records of AKS, one a line', `${text(aks(exec))}\n${text(aks(get))}`],
    [
      'a delivery of CloudWatch',
      text({
        messageType: 'DATA_MESSAGE',
        logEvents: [
          { id: '1', message: text(exec) },
          { id: '2', message: text(get) },
        ],
      }),
    ],
    ['OCSF', text(ocsf)],
  ])('is read from %s, whatever the chunks', async (_name, input) => {
    for (const chunk of [1, 13, 100_000]) {
      const { counts, activities, alerts, dead } = await readAudit(input, { chunk })
      const both = input.includes('0f3d')
      expect(dead).toEqual([])
      expect(counts).toMatchObject({ format: 'kubernetes-audit', read: both ? 2 : 1, skipped: 0 })
      expect(activities.map(({ operation }) => operation)).toEqual(both ? ['create pods/exec', 'get pods'] : ['create pods/exec'])
      expect(alerts).toHaveLength(1)
      expect(activities[0]).toMatchObject({
        scope: 'lab',
        producer: 'kubernetes-audit',
        eventNs: 1777863721123456000n,
        service: 'core',
        outcome: 'success',
        error: null,
        actor: { id: 'system:serviceaccount:shop:ci', kind: 'service_account' },
        source: { ip: '203.0.113.9', service: null },
        resources: ['shop/Pod/cart-7d'],
      })
      expect(activities[0]?.contentKey).toBe((await readAudit(text(exec))).activities[0]?.contentKey)
    }
  })

  it('raises an alert beside the activity, in the names of Falco’s plug-in', async () => {
    const { activities, alerts } = await readAudit(text(exec))
    expect(alerts).toEqual([
      expect.objectContaining({
        sensor: 'kubernetes-audit',
        sensorSource: 'k8s_audit',
        rule: 'Command run in a pod through the API',
        priority: 'Notice',
        severity: 'low',
        eventNs: activities[0]?.eventNs,
        activityKey: activities[0]?.contentKey,
        tags: ['pod-exec', 'mitre_execution', 'T1609'],
        tactics: ['TA0002'],
        techniques: ['T1609'],
        pod: { namespace: 'shop', name: 'cart-7d', uid: null },
        output:
          'Command run in a pod through the API: system:serviceaccount:shop:ci did “create pods/exec” on shop/Pod/cart-7d from 203.0.113.9.',
      }),
    ])
    expect(alerts[0]?.fields).toMatchObject({
      'ka.user.name': 'system:serviceaccount:shop:ci',
      'ka.verb': 'create',
      'ka.target.resource': 'pods',
      'ka.target.subresource': 'exec',
      'ka.target.namespace': 'shop',
      'ka.target.name': 'cart-7d',
      'ka.uri.param[container]': 'app',
      'ka.uri.param[command]': 'sh -c id',
      'ka.response.code': 101,
    })
    expect(activities[0]?.actor.session).toBe('JTI=4')
  })

  it('keeps every stage of a request, and alerts once: never when it was only received', async () => {
    const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete'].map((stage) => text({ ...exec, stage }))
    const { activities, alerts } = await readAudit(stages.join('\n'))
    expect(new Set(activities.map(({ contentKey }) => contentKey)).size).toBe(3)
    expect(alerts).toHaveLength(2)
    expect(new Set(alerts.map(({ contentKey }) => contentKey)).size).toBe(1)
  })

  it('names the pod that was made, or else the one whose token was used', async () => {
    const make = { ...exec, requestURI: '/x', objectRef: { resource: 'pods', namespace: 'kube-system' }, responseStatus: { code: 201 } }
    const made = { kind: 'Pod', metadata: { name: 'miner-x7', uid: 'u1' } }
    const { alerts } = await readAudit([text({ ...make, responseObject: made }), text({ ...make, auditID: '2' })].join('\n'))
    expect(alerts.map(({ pod }) => pod)).toEqual([
      { namespace: 'kube-system', name: 'miner-x7', uid: 'u1' },
      { namespace: 'shop', name: 'runner-1', uid: null },
    ])
  })

  it('says what was refused, and to whom', async () => {
    const { activities, alerts } = await readAudit(
      text({ ...exec, user: { username: 'system:anonymous' }, responseStatus: { code: 403, reason: 'Forbidden', message: 'no' } }),
    )
    expect(activities[0]).toMatchObject({ outcome: 'failure', error: '403 Forbidden no', actor: { kind: 'anonymous' } })
    expect(alerts[0]?.output).toContain('was refused')
  })

  it('stores nothing of what objects hold, nor secrets in an address', async () => {
    const hidden = 'c3VwZXItc2VjcmV0LXZhbHVl'
    const bodies: Event[] = [
      {
        kind: 'Secret',
        metadata: { name: 's', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': hidden } },
        data: { name: hidden },
        stringData: { type: hidden },
      },
      { kind: 'ConfigMap', data: { path: hidden }, binaryData: { path: hidden } },
      { kind: 'Pod', spec: { containers: [{ name: 'a', env: [{ name: 'P', value: hidden }], args: [hidden], command: [hidden] }] } },
      { kind: 'TokenRequest', status: { token: hidden }, spec: { token: hidden } },
    ]
    const events: Event[] = bodies.flatMap((body, index) => [
      { ...exec, auditID: `a${index}`, requestObject: body },
      { ...exec, auditID: `b${index}`, responseObject: { kind: 'List', items: [body] } },
      { ...exec, auditID: `c${index}`, requestObject: [{ op: 'add', path: '/data/x', value: hidden }] },
      { ...exec, auditID: `d${index}`, requestObject: hidden, responseObject: [hidden] },
    ])
    events.push(
      { ...exec, auditID: 'e', annotations: { 'patch.webhook.admission.k8s.io/round_0_index_0': hidden } },
      { ...exec, auditID: 'f', requestURI: `/api/v1/namespaces/shop/pods/p/exec?command=mysql&command=--password%3D${hidden}&command=-e` },
      { ...exec, auditID: 'g', message: hidden, event: { original: hidden } },
    )
    const read = await readAudit(events.map(text).join('\n'))
    expect(read.activities).toHaveLength(events.length)
    expect(storedText(read)).not.toContain(hidden)
    expect(storedText(await readAudit(text(ocsf)))).not.toContain('aHVudGVyMg')
    const broken = await readAudit(`{"auditID":"x","verb":"get","requestObject":{"data":"${hidden}"}`)
    expect(Buffer.from(broken.dead[0]?.bytes ?? []).toString()).toBe('[not kept: it may hold Secrets]')
  })

  it('keeps the bytes of what holds nothing to be removed', async () => {
    const { activities } = await readAudit(`${JSON.stringify(exec)}\n`)
    expect(Buffer.from(activities[0]?.raw ?? []).toString()).toBe(JSON.stringify(exec))
  })

  it('passes over other logs of the control plane, loses one event to a cut line, and refuses what is none', async () => {
    const other = { category: 'kube-apiserver', properties: { log: 'I0504 03:02:01 httplog.go' } }
    expect((await readAudit(text({ records: [other, aks(exec)] }))).counts).toMatchObject({ read: 1, skipped: 1, deadLetters: 0 })
    const cutOff = await readAudit(`${text(exec)}\n${text(get).slice(0, 90)}\n${text(get)}\n`)
    expect(cutOff.counts).toMatchObject({ read: 3, deadLetters: 1 })
    expect(cutOff.activities).toHaveLength(2)
    expect((await readAudit(text(list([])))).counts).toMatchObject({ read: 0, deadLetters: 0 })
    const ended = await readAudit(text(list([exec, get])).slice(0, -20))
    expect(ended.activities).toHaveLength(1)
    expect(ended.dead.map(({ reason }) => reason)).toEqual(['the document does not end: it was cut off'])
    const wrong = await readAudit(
      [text({ ...exec, stageTimestamp: 1 }), text({ ...exec, requestReceivedTimestamp: 'soon', stageTimestamp: null })].join('\n'),
    )
    expect(wrong.dead.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/stageTimestamp: Invalid input/),
      expect.stringMatching(/no time that can be read/),
    ])
    const deep = `${'['.repeat(30_000)}1${']'.repeat(30_000)}`
    const tooDeep = [
      `{"auditID":"1","stage":${deep}}`,
      `[[{"auditID":"1","stage":${deep}}]]`,
      text({ ...ocsf, api: { request: { uid: '1', data: deep } } }),
    ]
    for (const input of tooDeep) {
      const { dead, activities } = await readAudit(input, { format: 'kubernetes-audit', chunk: 100_000 })
      expect([activities.length, dead.length], dead[0]?.reason).toEqual([0, 1])
    }
    const core = await readAudit('{"kind":"Event","apiVersion":"v1","metadata":{"name":"x"},"message":"Started"}')
    expect(core.counts).toMatchObject({ format: 'kubernetes', skipped: 1 })
  })

  it('ends in records or dead letters, whatever is wrong in a document', async () => {
    const whole = {
      ...exec,
      requestObject: { kind: 'Pod', spec: { containers: [{ image: 'a' }], volumes: [{ hostPath: { path: '/' } }] } },
      impersonatedUser: { username: 'x' },
    }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(whole, ocsf, aks(exec)),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
        fc.jsonValue(),
        async (event, at, value) => {
          const { counts } = await readAudit(text(damaged(event, at, value)), { format: 'kubernetes-audit' })
          expect(counts.read + counts.skipped).toBeLessThanOrEqual(1)
        },
      ),
      property(2_000, 200),
    )
  })
})
