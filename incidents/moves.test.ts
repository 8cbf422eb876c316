import { expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import type { NewEntity, NewRelation } from '../domain/entity.ts'
import type { NewStep } from '../domain/graph.ts'
import type { Principal } from '../domain/principal.ts'
import { replaceSteps } from '../store/attack-steps.ts'
import type { Database } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { joinReasonsOf, membershipsOf, scopesOf } from '../store/memberships.ts'
import { markDeleted } from '../store/observe.ts'
import { reconsiderEscapes } from '../store/reconsider.ts'
import { readAudit } from '../test/support/audit-input.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, minute, newAlert, noon, podRecords, process_ } from '../test/support/records.ts'
import { decide } from './decide.ts'
import { correlatePending } from './pipeline.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }
let scopes = 0
const newScope = (): string => `move-${(scopes += 1)}`
const after = (minutes: number): bigint => noon + BigInt(minutes) * minute

type Given = { name: string; ip?: string; account?: string; workload?: string | null; from?: bigint; until?: bigint | null; node?: string }
function pod(
  scope: string,
  given: Given,
): { entities: NewEntity[]; relations: NewRelation[]; at(minutes: number, over?: Partial<NewAlert>): NewAlert } {
  const { name, ip = '10.0.0.7', account = 'default', from = noon - 60n * minute, until = null, node = 'node-1' } = given
  const workload = given.workload === null ? null : { kind: 'Deployment', name: given.workload ?? name.replace(/-[^-]+$/, '') }
  const records = podRecords({ name, node, workload }, scope, from)
  const [whole, container, ...rest] = records.entities as [NewEntity, NewEntity, ...NewEntity[]]
  const runsOn = {
    from: { scope, kind: 'pod' as const, key: whole.key },
    type: 'RUNS_ON' as const,
    to: { scope, kind: 'node' as const, key: node },
    observedNs: from,
  }
  return {
    entities: [{ ...whole, deletedNs: until, properties: { ...whole.properties, ip, serviceAccount: account } }, container, ...rest],
    relations: [...records.relations, runsOn],
    at: (minutes, over = {}) =>
      newAlert({ scope, eventNs: after(minutes), container: { id: records.containerId.slice(0, 12), name: null, image: null }, ...over }),
  }
}
const to = (serverIp: string): Partial<NewAlert> => ({
  connection: { clientIp: null, clientPort: null, serverIp, serverPort: 5432, protocol: 'tcp' },
})
const audit = (scope: string, minutes: number, account: string, fields: Record<string, unknown> = {}): NewAlert =>
  newAlert({
    scope,
    eventNs: after(minutes),
    hostname: null,
    sensor: 'kubernetes-audit',
    sensorSource: 'k8s_audit',
    rule: 'Secrets were listed in every namespace',
    fields: { 'ka.user.name': `system:serviceaccount:shop:${account}`, ...fields },
  })
const trail = (scope: string, minutes: number, arn: string): NewAlert =>
  newAlert({
    scope,
    eventNs: after(minutes),
    hostname: null,
    sensor: 'cloudtrail',
    sensorSource: 'aws_cloudtrail',
    rule: 'A secret was read',
    fields: { 'ct.user.arn': arn },
  })

async function give(db: Database, ...records: { entities: NewEntity[]; relations?: NewRelation[] }[]): Promise<void> {
  for (const { entities, relations = [] } of records) await accept(db, clock, [delivery({ entities, relations })])
}
async function place(db: Database, ...alerts: NewAlert[]): Promise<void> {
  for (const alert of alerts) await accept(db, clock, [delivery({ scope: alert.scope, alerts: [alert] })])
  while ((await correlatePending(db, clock)).alerts > 0);
}
/** How many alerts each incident has, fewest first. */
async function sizes(db: Database, ...names: string[]): Promise<number[]> {
  const found = await Promise.all(names.map((scope) => listIncidents(db, { scope }, { limit: 100 })))
  return found.flatMap(({ incidents }) => incidents.map((one) => one.alertCount)).sort((a, b) => a - b)
}
async function movesIn(db: Database, scope: string): Promise<string[]> {
  const { incidents } = await listIncidents(db, { scope }, { limit: 100 })
  const all = await Promise.all(incidents.map(({ id }) => joinReasonsOf(db, id)))
  return all.flat().flatMap(({ label, relation, inferred }) => (relation === undefined ? [] : [`${label}${inferred ? ' (inferred)' : ''}`]))
}

eachDatabase('moves', (database) => {
  it('an account’s token used: the pod it is bound to, the pod at the address, the only workload that runs as it', async () => {
    const scope = newScope()
    const one = pod(scope, { name: 'pay-a', account: 'pay', ip: '10.0.0.1' })
    const other = pod(scope, { name: 'pay-b', account: 'pay', ip: '10.0.0.2' })
    await give(database(), one, other)
    const bound = audit(scope, 2, 'pay', { 'ka.user.pod.uid': 'uid-shop-pay-a' })
    const there = audit(scope, 40, 'pay', { 'ka.sourceips': ['10.0.0.1', '10.0.0.2'] })
    await place(database(), one.at(0), bound, other.at(50), there, audit(scope, 51, 'pay'))
    expect(await movesIn(database(), scope)).toEqual([
      'service account shop/pay, which pod shop/pay-a runs as (its token is bound to it)',
      // Only the last address is the API server’s own.
      'service account shop/pay, which pod shop/pay-b runs as (the request came from its address) (inferred)',
      'service account shop/pay, which workload shop/pay runs as (the only one that did) (inferred)',
    ])
    const { incidents } = await listIncidents(database(), { scope }, { limit: 10 })
    const [reason] = (await joinReasonsOf(database(), incidents[0]?.id ?? '')).filter((join) => join.label.includes('bound'))
    expect(reason?.relation).toMatchObject({
      from: { scope, kind: 'pod', key: 'uid-shop-pay-a', id: expect.stringMatching(/^\d+$/) },
      type: 'RUNS_AS',
      to: { scope, kind: 'service_account', key: 'shop/ServiceAccount/pay' },
    })
  })

  it('an account that several share is no reason, and its alert says why it was not joined', async () => {
    const scope = newScope()
    const [a, b] = [pod(scope, { name: 'cart-a', ip: '10.0.0.1' }), pod(scope, { name: 'web-a', ip: '10.0.0.2' })]
    await give(database(), a, b)
    await place(database(), a.at(0), b.at(0), audit(scope, 1, 'default'))
    expect(await sizes(database(), scope)).toEqual([1, 1, 1])
    const { incidents } = await listIncidents(database(), { scope }, { limit: 10 })
    const told = (await Promise.all(incidents.map(({ id }) => membershipsOf(database(), { incidentId: id })))).flat()
    expect(told.map(({ context }) => context.how)).toContainEqual(expect.stringContaining('several run as service account shop/default'))
  })

  it('what was concluded is taken back when inventory tells of a second one, and when an address turns out to be another’s', async () => {
    const scope = newScope()
    const [a, b] = [
      pod(scope, { name: 'cart-a', account: 'x', ip: '10.0.0.1' }),
      pod(scope, { name: 'web-a', account: 'x', ip: '10.0.0.2' }),
    ]
    await give(database(), a)
    await place(database(), a.at(0), audit(scope, 1, 'x'), a.at(3, to('10.0.0.9')))
    expect(await sizes(database(), scope)).toEqual([3])
    await give(database(), b)
    await place(database())
    expect(await sizes(database(), scope)).toEqual([1, 2])
  })

  it('the same account name in another cluster is another account', async () => {
    const [scope, elsewhere] = [newScope(), newScope()]
    const one = pod(scope, { name: 'pay-a', account: 'pay', ip: '10.0.0.1' })
    await give(database(), one)
    await place(database(), one.at(0), audit(elsewhere, 1, 'pay', { 'ka.sourceips': ['10.0.0.1'], 'ka.user.pod.uid': 'uid-shop-pay-a' }))
    expect(await sizes(database(), scope, elsewhere)).toEqual([1, 1])
  })

  it('a connection to a pod’s address, or its service’s, meets the alerts there; two that connect to one database do not meet', async () => {
    const scope = newScope()
    const a = pod(scope, { name: 'cart-a', ip: '10.0.0.1' })
    const b = pod(scope, { name: 'web-a', ip: '10.0.0.2' })
    const db = pod(scope, { name: 'db-a', ip: '10.0.0.3' })
    const service: NewEntity = {
      ...(db.entities[0] as NewEntity),
      kind: 'service',
      key: 'shop/Service/db',
      name: 'db',
      properties: { clusterIP: '10.96.0.5', selector: { app: 'db-a' } },
    }
    await give(database(), a, b, db, { entities: [service] })
    await place(database(), a.at(0, to('10.0.0.3')), b.at(1, to('10.96.0.5')))
    expect(await sizes(database(), scope)).toEqual([1, 1])
    await place(database(), db.at(10))
    expect(await sizes(database(), scope)).toEqual([3])
    expect((await movesIn(database(), scope)).sort()).toEqual([
      'a connection from pod shop/cart-a to pod shop/db-a, at 10.0.0.3',
      'a connection from pod shop/web-a to workload shop/db through service shop/db, at 10.96.0.5 (inferred)',
    ])
  })

  it('an address that was another pod’s before is no way to that one; nor is one that somebody wrote into a command line', async () => {
    const scope = newScope()
    const gone = pod(scope, { name: 'old-a', ip: '10.0.0.3', until: after(-1) })
    const [a, now] = [pod(scope, { name: 'cart-a', ip: '10.0.0.1' }), pod(scope, { name: 'new-a', ip: '10.0.0.4' })]
    await give(database(), gone, a, now)
    await place(database(), gone.at(-10), now.at(0), a.at(0, to('10.0.0.3')))
    const written = {
      process: process_({ cmdline: 'curl 10.0.0.4:80' }),
      output: 'connects to 10.0.0.4',
      fields: { 'proc.cmdline': 'nc 10.0.0.4 80' },
    }
    await place(database(), a.at(1, written))
    expect(await sizes(database(), scope)).toEqual([1, 1, 2])
  })

  it('a pod that inventory sees go later loses what was joined to it after its end', async () => {
    const scope = newScope()
    const [a, b] = [pod(scope, { name: 'cart-a', ip: '10.0.0.1' }), pod(scope, { name: 'db-a', ip: '10.0.0.3' })]
    await give(database(), a, b)
    await place(database(), b.at(0), a.at(20, to('10.0.0.3')))
    expect(await sizes(database(), scope)).toEqual([2])
    await database().transaction((tx) => markDeleted(tx, scope, 'pod', ['uid-shop-db-a'], after(10)))
    await place(database())
    expect(await sizes(database(), scope)).toEqual([1, 1])
  })

  it('a cloud role and a node’s role, used in the account, join what happened in the cluster: one incident of two scopes', async () => {
    const [scope, account] = [newScope(), newScope()]
    const number = String(200_000_000_000 + scopes)
    const instance = `i-${number.slice(-8)}`
    const one = pod(scope, { name: 'pay-a', account: 'pay', ip: '10.0.0.1' })
    const base = { ...(one.entities[0] as NewEntity), properties: {} }
    const annotations = { 'eks.amazonaws.com/role-arn': `arn:aws:iam::${number}:role/apps/pay` }
    const owner: NewEntity = { ...base, kind: 'service_account', key: 'shop/ServiceAccount/pay', name: 'pay', properties: { annotations } }
    const node: NewEntity = {
      ...base,
      kind: 'node',
      key: 'node-1',
      name: 'node-1',
      namespace: null,
      properties: { providerId: `aws:///eu/${instance}` },
    }
    const session = (name: string): string => `arn:aws:sts::${number}:assumed-role/${name}`
    await place(database(), trail(account, 5, session('pay/botocore-session-1')), trail(account, 40, session(`node/${instance}`)))
    await place(database(), trail(account, 6, session('other/mara')))
    await place(database(), one.at(0), one.at(20, to('169.254.169.254')))
    expect(await sizes(database(), scope, account)).toEqual([1, 1, 1, 2])
    // Inventory comes last.
    await give(database(), one, { entities: [owner] }, { entities: [node] })
    await place(database())
    expect(await sizes(database(), scope, account)).toEqual([1, 4])
    const [whole] = (await listIncidents(database(), { scope }, { limit: 10 })).incidents
    expect((await scopesOf(database(), [whole?.id ?? ''])).get(whole?.id ?? '')?.sort()).toEqual([scope, account].sort())
    expect((await movesIn(database(), scope)).sort()).toEqual([
      `cloud role pay of account ${number}, which service account shop/pay of workload shop/pay assumes (inferred)`,
      'credentials of node node-1, which were asked for from pod shop/pay-a on node node-1 (inferred)',
    ])
    // Incidents that share a scope can be merged by people, others not.
    const [other] = (await listIncidents(database(), { scope: account }, { limit: 10 })).incidents
    const merged = await decide(database(), clock, ada, 'web', { kind: 'merge', into: whole?.id ?? '', from: other?.id ?? '' }, 'mara')
    expect(await sizes(database(), scope, account)).toEqual([5])
    await place(database(), newAlert({ scope: newScope(), hostname: 'far' }))
    const [far] = (await listIncidents(database(), { scope: `move-${scopes}` }, { limit: 10 })).incidents
    await expect(decide(database(), clock, ada, 'web', { kind: 'merge', into: merged, from: far?.id ?? '' }, '')).rejects.toThrow(
      /no cluster or account in common/,
    )
  })

  it('an escape on a node meets a pod there that one can get out of, once that is known; not the others, and not by an ordinary alert', async () => {
    const scope = newScope()
    const [open, shut] = [pod(scope, { name: 'agent-a' }), pod(scope, { name: 'web-a', ip: '10.0.0.2' })]
    await give(database(), open, shut)
    const onNode = newAlert({ scope, eventNs: after(10), techniques: ['T1611'], hostname: 'node-1' })
    const ordinary = newAlert({ scope, eventNs: after(10), rule: 'Read sensitive file untrusted', hostname: 'node-1' })
    await place(database(), open.at(0), shut.at(0), onNode, ordinary)
    expect(await sizes(database(), scope)).toEqual([1, 1, 1, 1])
    const from = { scope, kind: 'workload' as const, key: 'uid-w-shop-agent' }
    const step: NewStep = {
      from,
      type: 'escape-privileged',
      to: { scope, kind: 'node', key: 'node-1' },
      technique: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null },
      cost: 1,
      precondition: 'code runs in it',
      because: 'container app of Deployment shop/agent is privileged',
      evidence: [{ entity: from, path: 'properties', value: 'true' }],
      fix: null,
      fromNs: noon - 60n * minute,
      untilNs: null,
    }
    await database().transaction(async (tx) => {
      await replaceSteps(tx, { scope, unit: 'namespace/shop' }, [step])
      await reconsiderEscapes(tx, scope)
    })
    await place(database())
    expect(await sizes(database(), scope)).toEqual([1, 1, 2])
    expect(await movesIn(database(), scope)).toEqual([
      'node node-1, which pod shop/agent-a runs on: container app of Deployment shop/agent is privileged (inferred)',
    ])
  })

  it('from a pod over its account’s token and a secret to the node: one incident, with the reasons in words; the decoy beside it is another', async () => {
    const scope = newScope()
    const [shop, decoy] = [pod(scope, { name: 'pay-a', account: 'pay', ip: '10.0.0.1' }), pod(scope, { name: 'web-a', ip: '10.0.0.2' })]
    const event = (minutes: number, user: Record<string, unknown>): string =>
      JSON.stringify({
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        auditID: `a-${minutes}`,
        stage: 'ResponseComplete',
        verb: 'list',
        user,
        sourceIPs: ['10.0.0.1'],
        objectRef: { resource: 'secrets', apiVersion: 'v1' },
        requestURI: '/api/v1/secrets',
        responseStatus: { code: 200 },
        requestReceivedTimestamp: new Date(Number(after(minutes) / 1_000_000n)).toISOString(),
      })
    const { alerts } = await readAudit(
      event(10, {
        username: 'system:serviceaccount:shop:pay',
        extra: { 'authentication.kubernetes.io/pod-name': ['pay-a'], 'authentication.kubernetes.io/pod-uid': ['uid-shop-pay-a'] },
      }),
    )
    expect(alerts.map(({ rule }) => rule)).toHaveLength(1)
    const escape = { techniques: ['T1611'], rule: 'Mount launched in privileged container' }
    const onNode = newAlert({
      scope,
      eventNs: after(25),
      rule: 'Change namespace privileges via unshare',
      techniques: ['T1611'],
      hostname: 'node-1',
    })
    const ordinary = newAlert({ scope, eventNs: after(25), rule: 'Read sensitive file untrusted', hostname: 'node-1' })
    await place(database(), shop.at(0), decoy.at(0), ...alerts.map((alert) => ({ ...alert, scope })), shop.at(20, escape), onNode, ordinary)
    await give(database(), shop, decoy)
    await place(database())
    expect(await sizes(database(), scope)).toEqual([1, 1, 4])
    expect(await movesIn(database(), scope)).toEqual([
      'service account shop/pay, which pod shop/pay-a runs as (its token is bound to it)',
      'node node-1, which pod shop/pay-a runs on and tried to escape to (inferred)',
    ])
    const [whole] = (await listIncidents(database(), { scope }, { limit: 10 })).incidents.filter((one) => one.alertCount === 4)
    expect(whole?.title).toContain('in shop/pay')
  })
})
