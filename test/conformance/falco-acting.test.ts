import { createReadStream } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { investigate } from '../../agent/investigate.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { suggest } from '../../agent/suggest.ts'
import type { KubernetesJson } from '../../clusters/contract.ts'
import { readInput } from '../../collectors/read.ts'
import type { Alert, NewAlert } from '../../domain/alert.ts'
import { FixedClock } from '../../domain/clock.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Principal } from '../../domain/principal.ts'
import type { Proposal } from '../../domain/proposal.ts'
import type { Report } from '../../domain/report.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { approve } from '../../responses/approve.ts'
import { executeProposal, type Runner } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { propose } from '../../responses/propose.ts'
import { searchAlerts } from '../../store/alert-search.ts'
import { listAlerts } from '../../store/alerts.ts'
import { getEntities } from '../../store/entities.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { membershipsOf } from '../../store/memberships.ts'
import { dropBefore, ensurePartitions } from '../../store/partitions.ts'
import { listProposals } from '../../store/proposals.ts'
import type { Database } from '../../store/database.ts'
import { eachDatabase } from '../support/database.ts'
import { delivery } from '../support/records.ts'
import { recordInventory, type Shop, startShop } from '../support/shop.ts'
import { conformance, filesOf } from './data.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const scope = 'replayed'
const person = (id: string): Principal => ({ id, kind: 'user', name: id, role: 'responder', personId: id, mayApprove: true })
const [ada, bob] = [person('ada'), person('bob')]

async function readReplay(): Promise<NewAlert[]> {
  const source = { sourceId: null, sourceName: 'replay', scope, receivedNs: BigInt(clock.now().getTime()) * 1_000_000n }
  const alerts: NewAlert[] = []
  for (const path of await filesOf('falco-replay'))
    await readInput(createReadStream(path), {
      path,
      source,
      onBatch: async (batch) => {
        expect(batch.deadLetters).toEqual([])
        alerts.push(...batch.records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])))
      },
    })
  return alerts
}

/** A pod of ours for each container of the captures: alive then, named in no alert; its full id begins as the alert's does. */
function objectsFor(alerts: readonly NewAlert[]): KubernetesJson[] {
  const firstSeen = new Map<string, bigint>()
  for (const { container, eventNs } of alerts)
    if (container !== null && eventNs < (firstSeen.get(container.id) ?? eventNs + 1n)) firstSeen.set(container.id, eventNs)
  const objects: KubernetesJson[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: 'cluster-uid-1' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'captures', uid: 'ns-uid-captures' } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: 'node-uid-1' }, spec: {}, status: {} },
  ]
  for (const [id, at] of firstSeen) {
    const image = `registry.example/app-${id}:1`
    objects.push({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `app-${id}`,
        namespace: 'captures',
        uid: uidOf(id),
        labels: { app: id },
        creationTimestamp: formatEventTime(at - 3_600_000_000_000n),
      } as KubernetesJson['metadata'],
      spec: { nodeName: 'node-1', containers: [{ name: 'app', image }] },
      status: {
        phase: 'Running',
        podIP: '10.42.0.9',
        containerStatuses: [{ name: 'app', image, imageID: `${image}@sha256:ab`, containerID: `containerd://${id.padEnd(64, '5')}` }],
      },
    })
  }
  return objects
}
const uidOf = (containerId: string): string => `uid-of-${containerId}`

type Case = { container: string; incident: Incident; alerts: Alert[]; report: Report; proposals: Proposal[] }

/** Everything from alerts to planned proposals, as the server’s loops do it. */
async function investigateAll(db: Database, runner: Runner): Promise<Case[]> {
  while ((await correlatePending(db, clock, 50)).alerts > 0);
  const cases: Case[] = []
  for (const incident of (await listIncidents(db, { scope }, { limit: 200 })).incidents) {
    const { alerts } = await listAlerts(db, { incidentId: incident.id }, { limit: 200 })
    const containers = new Set(alerts.map((alert) => alert.container?.id ?? 'host'))
    expect(containers.size).toBe(1)
    const investigation = await investigate(db, clock, playbook, incident.id, { cluster: () => ({ simulated: true }) })
    if (investigation.report === null) throw new Error(`no report: ${investigation.error}`)
    await suggest(runner, investigation.report, { incidentId: incident.id, investigationId: investigation.id })
    for (const { id } of await listProposals(db, { incidentId: incident.id }, 20)) await planProposal(runner, runner.executor, id)
    cases.push({
      incident,
      alerts,
      container: [...containers][0] ?? '',
      report: investigation.report,
      proposals: await listProposals(db, { incidentId: incident.id }, 20),
    })
  }
  return cases
}

const alarming = (one: Case): boolean => one.report.verdict === 'suspicious' || one.report.verdict === 'true_positive'
/** Below medium nothing is investigated unless somebody asks. */
const quiet = (one: Case): boolean => one.incident.severity === 'low' || one.incident.severity === 'informational'

conformance('real alerts reach acting', () => {
  eachDatabase('replayed captures', (database) => {
    let shop: Shop
    let runner: Runner
    let alerts: NewAlert[]
    let cases: Case[]

    beforeAll(async () => {
      alerts = await readReplay()
      const objects = objectsFor(alerts)
      // Each pod holds a connection: that it ends is what makes isolation more than a stored policy.
      const open = { peer: '203.0.113.9', port: 4444, direction: 'out' as const, state: 'open' as const }
      const pods = objects.filter((object) => object.kind === 'Pod')
      const flows = pods.map(({ metadata }) => ({ ...open, podUid: metadata.uid ?? '' }))
      shop = await startShop(clock, { seed: { objects, flows } })
      runner = {
        db: database(),
        clock,
        policy: shop.policy,
        actionsEnabled: false,
        executor: shop.executor,
        privateKey: shop.keys.privateKey,
      }
      await ensurePartitions(database(), clock.now())
      await recordInventory(database(), clock, scope, objects)
      await accept(database(), clock, [delivery({ scope, alerts })])
      cases = await investigateAll(database(), runner)
    }, 120_000)
    afterAll(async () => shop.stop())

    it('every container of the captures is one incident, its pod resolved by inventory and marked inferred', async () => {
      const containers = new Set(alerts.map((alert) => alert.container?.id ?? 'host'))
      expect(containers.size).toBeGreaterThanOrEqual(12)
      expect(new Set(cases.map((one) => one.container))).toEqual(containers)
      for (const { incident, container } of cases.filter((one) => one.container !== 'host')) {
        const [pod] = (await getEntities(database(), incident.entityIds)).filter((entity) => entity.kind === 'pod')
        expect(pod).toMatchObject({ key: uidOf(container), name: `app-${container}` })
        for (const { context } of await membershipsOf(database(), { incidentId: incident.id }))
          expect(context).toMatchObject({ pod: pod?.id.toString(), inferred: true })
      }
    })

    it('keeps them though they are years old: what counts for retention is when they were received', async () => {
      const before = (await searchAlerts(database(), { scope }, { limit: 1 })).alerts[0]?.id
      expect(await dropBefore(database(), new Date(clock.now().getTime() - 30 * 86_400_000))).toBe(0)
      expect((await searchAlerts(database(), { scope }, { limit: 1 })).alerts[0]?.id).toBe(before)
      const times = (await searchAlerts(database(), { scope }, { limit: 200 })).alerts.map((alert) => alert.eventNs)
      expect(times).toEqual(times.toSorted((a, b) => (a < b ? 1 : -1)))
    })

    /** As two people would: one asks for it where the playbook did not, the other approves. */
    async function approveAndRun(proposal: Proposal): Promise<void> {
      const decision = { proposalId: proposal.id, planHash: proposal.planHash ?? '', reason: '', shownDigest: null }
      await approve(runner, { principal: ada, channel: 'web' }, decision)
      expect(await executeProposal(runner, proposal.id)).toMatchObject({
        state: 'succeeded',
        result: { observation: { level: 'effect_observed' } },
      })
    }

    it('what the playbook finds alarming at medium or above gets proposals for the inventory’s UID; they are done and verified', async () => {
      const due = cases.filter((one) => alarming(one) && one.container !== 'host' && !quiet(one))
      expect(due.map((one) => one.container).sort()).toEqual(['b199b3b57988', 'c010f5a08549', 'c78a447010cd', 'de7157ba23c4'])
      for (const { container, proposals, report } of due) {
        expect(proposals.length).toBeGreaterThan(0)
        // In the order they were proposed: logs first. Isolating changes the labels, and what was planned before it would be planned anew.
        for (const proposal of proposals.toReversed()) {
          expect(proposal).toMatchObject({ state: 'pending', target: { kind: 'pod', uid: uidOf(container), name: `app-${container}` } })
          expect(proposal.plan).toMatchObject({ simulated: true })
          await approveAndRun(proposal)
        }
        expect(report.unknowns.join(' ')).toMatch(/inferred/)
      }
      const isolated = due.filter((one) => one.proposals.some((proposal) => proposal.action === 'kubernetes.isolate_pod'))
      expect(isolated.map((one) => one.container)).toEqual(['c010f5a08549'])
      expect(
        shop.cluster.store.list('pods', 'captures').filter((pod) => 'falconer.dev/quarantine' in (pod.metadata.labels ?? {})),
      ).toHaveLength(1)
    })

    it('a quiet incident gets no proposal by itself; one that a person asks for has the inventory’s UID too', async () => {
      const due = cases.filter((one) => alarming(one) && one.container !== 'host' && quiet(one))
      expect(due).toHaveLength(7)
      for (const { container, incident, proposals } of due) {
        expect(proposals).toEqual([])
        const [pod] = (await getEntities(database(), incident.entityIds)).filter((entity) => entity.kind === 'pod')
        const about = { incidentId: incident.id, investigationId: null, params: {}, reason: 'asked for by hand' }
        const { proposal } = await propose(
          runner,
          { principal: bob, channel: 'web' },
          { action: 'kubernetes.isolate_pod', entityId: String(pod?.id), ...about },
        )
        const planned = await planProposal(runner, runner.executor, proposal.id)
        expect(planned).toMatchObject({ state: 'pending', target: { uid: uidOf(container) } })
        await approveAndRun(planned as Proposal)
      }
    })
  })
})
