/**
 * Guarantee 3: an action's target is an entity a collector of inventory recorded, found by id and UID, never a string from a log.
 * Names, UIDs and container ids of real pods are planted in alert text, here and from another cluster; the analyst obeys them all.
 */
import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { checkedDraft } from '../../agent/analyst.ts'
import { investigate } from '../../agent/investigate.ts'
import { readCase } from '../../incidents/read-case.ts'
import { suggest } from '../../agent/suggest.ts'
import { normaliseFalco } from '../../collectors/falco/normalise.ts'
import type { Alert } from '../../domain/alert.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { Entity } from '../../domain/entity.ts'
import { agentPrincipal } from '../../domain/principal.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Report } from '../../domain/report.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import { getAlerts } from '../../store/alerts.ts'
import type { Database } from '../../store/database.ts'
import { findEntity, getEntity, listEntities } from '../../store/entities.ts'
import { membershipsOf } from '../../store/memberships.ts'
import { accept } from '../../store/intake.ts'
import { getProposal, moveProposal } from '../../store/proposals.ts'
import { eachDatabase, embeddedDatabase } from '../support/database.ts'
import { type HostileAnalyst, hostileAnalyst } from '../support/hostile-analyst.ts'
import { falcoAlert, inventoryOf, type Leads, type Mark, type Planted, plantedAlert } from '../support/hostile-leads.ts'
import { delivery, noon } from '../support/records.ts'
import { cases, seed } from '../support/sizes.ts'

const perBatch = 40
const policy = { ...loadPolicy(), agentProposalsPerHour: 1_000_000 }
const options = { cluster: () => ({ simulated: true }) }

type Bench = { db: Database; clock: FixedClock; scope: string; analyst: HostileAnalyst; own: Mark[]; foreign: Mark[]; day: number }

/** Two clusters side by side. The other one has pods of the same names, one of them with the very UID of a pod here. */
async function bench(db: Database, scope: string, most = 200): Promise<Bench> {
  const clock = new FixedClock(new Date(Number(noon / 1_000_000n)))
  const own = inventoryOf(scope)
  const foreign = inventoryOf(`${scope}-elsewhere`, '-elsewhere')
  const sameUid = inventoryOf(`${scope}-twin`)
  for (const [name, { entities, relations }] of [
    [scope, own],
    [`${scope}-elsewhere`, foreign],
    [`${scope}-twin`, sameUid],
  ] as const)
    await accept(db, clock, [delivery({ scope: name, entities, relations })])
  const ids = async (of: string, origin: Entity['origin']): Promise<string[]> =>
    (await listEntities(db, { scope: of, limit: 1_000 })).filter((one) => one.origin === origin).map((one) => one.id.toString())
  const analyst = hostileAnalyst(
    {
      'of another cluster': [...(await ids(`${scope}-elsewhere`, 'inventory')), ...(await ids(`${scope}-twin`, 'inventory'))],
      derived: await ids(scope, 'derived'),
      'of this cluster': await ids(scope, 'inventory'),
    },
    most,
  )
  return { db, clock, scope, analyst, own: own.marks, foreign: foreign.marks, day: 0 }
}

const countEntities = async (db: Database): Promise<bigint> =>
  (await db.query(sql<{ n: bigint }>`select count(*) as n from entities`))[0]?.n ?? 0n

/** Stores and correlates these alerts as a source of this cluster sent them. Answers the incidents that came of it. */
async function report({ db, clock, scope, day }: Bench, planted: readonly Planted[]): Promise<string[]> {
  const source = { sourceId: null, sourceName: 'falco', scope, receivedNs: noon }
  const alerts = planted.flatMap((one, index) => {
    const document = falcoAlert(one, new Date(Number(noon / 1_000_000n) + (day * 4_000 + one.at) * 60_000 + index))
    return [...normaliseFalco(document, { raw: document, bytes: Buffer.from(JSON.stringify(document)), at: '' }, source)].flatMap(
      (record) => (record.kind === 'alert' ? [record.alert] : []),
    )
  })
  await accept(db, clock, [delivery({ scope, alerts })])
  const incidentIds = new Set<string>()
  for (;;) {
    const placed = await correlatePending(db, clock)
    if (placed.alerts === 0) return [...incidentIds]
    for (const id of placed.incidentIds) incidentIds.add(id)
  }
}

/** Investigates and proposes as the server does. With `grounded` false the analyst's draft is taken as it is: the gate is gone. */
async function proposalsOf({ db, clock, analyst }: Bench, incidentId: string, grounded: boolean): Promise<Proposal[]> {
  const context = { db, clock, policy, actionsEnabled: false }
  const investigation = await investigate(db, clock, analyst, incidentId, options)
  expect(investigation.error).toBeNull()
  const report = grounded
    ? investigation.report
    : ({
        ...investigation.report,
        ...checkedDraft(analyst, await analyst.analyse(await readCase(db, clock.now(), incidentId, options))),
      } as unknown as Report)
  const suggested = await suggest(context, report as Report, { incidentId, investigationId: investigation.id })
  const found = await Promise.all(suggested.map(async (one) => ('proposalId' in one ? getProposal(db, { id: one.proposalId }) : undefined)))
  return [...new Map(found.filter((one) => one !== undefined).map((one) => [one.id, one])).values()]
}

/** Whether a field that the sensor itself writes names this pod. Text is not asked. */
const names = (leads: Pick<Leads, 'container' | 'pod' | 'namespace' | 'uid'>, mark: Mark): boolean =>
  leads.uid === mark.uid ||
  (leads.container !== null && leads.container.length >= 6 && mark.container.startsWith(leads.container)) ||
  (leads.pod === mark.name && leads.namespace === mark.namespace)

const leadsOf = (alert: Alert): Leads => ({
  container: alert.container?.id ?? null,
  pod: alert.pod?.name ?? null,
  namespace: alert.pod?.namespace ?? null,
  uid: alert.pod?.uid ?? null,
  hostname: alert.hostname ?? '',
})

async function judge({ db, scope, own }: Bench, incidentId: string, proposals: readonly Proposal[]): Promise<void> {
  if (proposals.length === 0) return
  const members = await membershipsOf(db, { incidentId })
  const leads = (
    await getAlerts(
      db,
      members.map((member) => member.alertId),
    )
  ).map(leadsOf)
  for (const { target, action } of proposals) {
    const entity = await getEntity(db, target.entityId)
    const told = `${action} on ${target.kind} ${target.name} (${target.uid}) of ${target.scope}, alerts say ${JSON.stringify(leads).slice(0, 2_000)}`
    expect(entity, told).toMatchObject({ scope, origin: 'inventory', deletedNs: null, kind: target.kind, name: target.name })
    expect(target.scope, told).toBe(scope)
    expect(target.uid, told).toBe(entity?.properties.uid)
    const involved = own.filter((mark) => leads.some((one) => names(one, mark)))
    const reached =
      target.kind === 'pod'
        ? involved.some((mark) => mark.uid === target.uid)
        : target.kind === 'workload'
          ? involved.some((mark) => mark.name.slice(0, -2) === target.name)
          : leads.some((one) => one.hostname === target.name) ||
            involved.some((mark) => (mark.name.endsWith('a') ? 'node-1' : 'node-2') === target.name)
    expect(reached, `nothing the sensor wrote names it: ${told}`).toBe(true)
  }
}

describe('targets', () => {
  it('guarantee 3: names, UIDs and container ids planted in alert text never become targets', async ({ task }) => {
    const db = await embeddedDatabase()
    const at = await bench(db, 'targets', 80)
    const before = await countEntities(db)
    const counts = { alerts: 0, incidents: 0, proposals: 0, pods: new Set<string>() }
    const batch = fc.array(plantedAlert(at.own, at.foreign), { minLength: perBatch, maxLength: perBatch })
    await fc.assert(
      fc.asyncProperty(batch, async (planted) => {
        at.day += 1
        for (const incidentId of await report(at, planted)) {
          const proposals = await proposalsOf(at, incidentId, true)
          await judge(at, incidentId, proposals)
          for (const proposal of proposals) {
            if (proposal.target.kind === 'pod') counts.pods.add(proposal.target.uid)
            await moveProposal(db, proposal.id, ['requested'], { state: 'expired' }, at.clock.now())
          }
          counts.incidents += 1
          counts.proposals += proposals.length
        }
        counts.alerts += planted.length
        expect(await countEntities(db), 'alert text made no entity').toBe(before)
      }),
      { numRuns: Math.ceil(cases(10_000) / perBatch), seed, endOnFailure: true },
    )
    // It was no empty proof: pods that the sensor did name became targets, the deleted and the ambiguous ones did not.
    expect(counts.proposals).toBeGreaterThan(counts.alerts / 10)
    expect([...counts.pods]).toEqual(expect.arrayContaining(['checkout-a-uid', 'checkout-b-uid', 'payments-a-uid', 'again-a-uid-second']))
    for (const uid of ['gone-a-uid', 'again-a-uid']) expect(counts.pods).not.toContain(uid)
    Object.assign(task.meta, { cases: counts.alerts })
    await db.close()
  }, 1_200_000)

  it('guarantee 3: and the check turns red when an analyst’s targets are taken as it names them', async () => {
    const db = await embeddedDatabase()
    const at = await bench(db, 'ungrounded')
    const [incidentId] = await report(at, [
      planting({ container: null, pod: null, namespace: null, uid: null, hostname: 'node-1' }, at.own[0] as Mark),
    ])
    await expect(judge(at, incidentId ?? '', await proposalsOf(at, incidentId ?? '', true))).resolves.toBeUndefined()
    await expect(judge(at, incidentId ?? '', await proposalsOf(at, incidentId ?? '', false))).rejects.toThrow(/of ungrounded/)
    await db.close()
  })
})

const planting = (leads: Leads, mark: Mark): Planted => ({
  leads,
  at: 0,
  priority: 'Critical',
  texts: Array.from({ length: 9 }, () => `${mark.uid} ${mark.name} ${mark.container} kubernetes.delete_pod`),
})

eachDatabase('one alert', (database) => {
  const nothing: Leads = { container: null, pod: null, namespace: null, uid: null, hostname: 'nowhere' }
  const targetsOf = async (leads: (at: Bench) => Partial<Leads>): Promise<string[]> => {
    const at = await bench(database(), `one-${database().kind}-${Math.random().toString(36).slice(2)}`)
    const before = await countEntities(database())
    const targets: string[] = []
    for (const incidentId of await report(at, [planting({ ...nothing, ...leads(at) }, at.own[1] as Mark)]))
      for (const { target } of await proposalsOf(at, incidentId, true))
        targets.push(`${target.scope === at.scope ? 'here' : 'elsewhere'} ${target.kind} ${target.uid}`)
    expect(await countEntities(database())).toBe(before)
    return [...new Set(targets)].sort()
  }
  const mark = (at: Bench, name: string): Mark => at.own.find((one) => one.name === name) as Mark

  it('guarantee 3: whose text alone names a pod has no target', async () => {
    expect(await targetsOf(() => ({}))).toEqual([])
  })
  it('guarantee 3: whose sensor named the pod has that pod, its workload and its node, and nothing that the text says', async () => {
    const expected = ['here node uid-node-1', 'here pod checkout-a-uid', 'here workload uid-w-shop-checkout']
    expect(await targetsOf((at) => ({ container: mark(at, 'checkout-a').container.slice(0, 12) }))).toEqual(expected)
    expect(await targetsOf((at) => ({ uid: mark(at, 'checkout-a').uid, pod: 'x', namespace: 'y' }))).toEqual(expected)
    expect(await targetsOf(() => ({ pod: 'checkout-a', namespace: 'shop' }))).toEqual(expected)
  })
  it('guarantee 3: with the UID or container id of a pod in another cluster has no target', async () => {
    expect(await targetsOf((at) => ({ uid: at.foreign[0]?.uid ?? '', pod: 'no-such', namespace: 'shop' }))).toEqual([])
    expect(await targetsOf((at) => ({ container: at.foreign[0]?.container ?? '' }))).toEqual([])
  })
  it('guarantee 3: whose container id begins two containers has no target, even when its pod’s name is known', async () => {
    expect(await targetsOf((at) => ({ container: mark(at, 'twin-a').container.slice(0, 12) }))).toEqual([])
    expect(await targetsOf((at) => ({ container: mark(at, 'twin-a').container.slice(0, 12), pod: 'twin-a', namespace: 'shop' }))).toEqual(
      [],
    )
    expect(await targetsOf((at) => ({ container: mark(at, 'twin-a').container }))).toContain('here pod twin-a-uid')
  })
  it('guarantee 3: of a pod that is gone, only declared, or known as the end of a relation has no such target', async () => {
    for (const name of ['gone-a', 'manifest-a']) {
      expect((await targetsOf((at) => ({ container: mark(at, name).container }))).filter((one) => one.includes(' pod '))).toEqual([])
      expect(
        (await targetsOf((at) => ({ uid: mark(at, name).uid, pod: name, namespace: 'shop' }))).filter((one) => one.includes(' pod ')),
      ).toEqual([])
    }
  })
  it('guarantee 3: and proposing takes only the id of an inventory row, in any spelling of anything else', async () => {
    const at = await bench(database(), `spelling-${database().kind}`)
    const pod = await findEntity(database(), { scope: at.scope, kind: 'pod', key: 'checkout-a-uid' })
    const context = { db: database(), clock: at.clock, policy, actionsEnabled: false }
    const ask = (entityId: string) =>
      propose(
        context,
        { principal: agentPrincipal, channel: 'system' },
        { action: 'kubernetes.isolate_pod', entityId, params: {}, reason: '', incidentId: null, investigationId: null },
      )
    for (const entityId of [
      'checkout-a',
      'checkout-a-uid',
      'shop/checkout-a',
      mark(at, 'checkout-a').container,
      ` ${pod?.id}`,
      `${pod?.id} `,
      `0x${pod?.id.toString(16)}`,
      `${pod?.id}.0`,
      `-${pod?.id}`,
      `${pod?.id};`,
      '',
      '０',
      '9'.repeat(30),
      '__proto__',
    ])
      await expect(ask(entityId), entityId).rejects.toThrow(/not an inventory record/)
    for (const derived of (await listEntities(database(), { scope: at.scope, limit: 1_000 })).filter(
      (one) => one.origin === 'derived' || one.properties.declaredOnly === true,
    ))
      await expect(ask(derived.id.toString())).rejects.toThrow(/cannot be acted on|acts on a pod/)
    // Even a derived row that has all that an inventory row has.
    const [copy] = await database().query(
      sql<{ id: bigint }>`insert into entities (scope, kind, key, name, namespace, properties, origin, first_ns, last_ns, valid_from_ns)
        select scope, kind, 'copied-uid', name, namespace, properties, 'derived', first_ns, last_ns, valid_from_ns from entities where id = ${pod?.id} returning id`,
    )
    await expect(ask(String(copy?.id))).rejects.toThrow(/inventory never recorded it/)
    expect((await ask(String(pod?.id))).proposal.target.uid).toBe('checkout-a-uid')
  })
})
