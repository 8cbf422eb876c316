/**
 * A whole Falconer with a simulated cluster, in this process, whose analyst and whose API client are hostile. Everything
 * between them and the cluster is the real code. `without` takes one gate away, to show that the proof would notice.
 */
import { HeldGraph } from '../../graph/held.ts'
import { EventEmitter } from 'node:events'
import { createHistogram } from 'node:perf_hooks'
import { suggest } from '../../agent/suggest.ts'
import { investigate } from '../../agent/investigate.ts'
import { addSource } from '../../apps/server/sources.ts'
import { noneAsked } from '../../apps/server/asking.ts'
import type { Falconer } from '../../apps/server/falconer.ts'
import { createApp } from '../../apps/server/http.ts'
import { IntakeQueue } from '../../apps/server/intake-queue.ts'
import { createLog } from '../../apps/server/log.ts'
import { createToken, invite, tokenPrincipal, userPrincipal } from '../../auth/people.ts'
import type { KubernetesJson } from '../../clusters/contract.ts'
import { loadConfig } from '../../config/config.ts'
import { FixedClock } from '../../domain/clock.ts'
import { operatorPrincipal, type Principal, systemPrincipal } from '../../domain/principal.ts'
import { approve } from '../../responses/approve.ts'
import { type ApprovalKeys, newApprovalKeys, type SignedTicket } from '../../responses/approved.ts'
import { executeProposal, type Runner } from '../../responses/execute.ts'
import type { Executor } from '../../responses/executor.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import type { Database } from '../../store/database.ts'
import { findEntity, listEntities } from '../../store/entities.ts'
import { accept } from '../../store/intake.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { type Forbidden, type HostileAnalyst, hostileAnalyst } from './hostile-analyst.ts'
import type { Holder, Send } from './hostile-client.ts'
import { containerId, delivery } from './records.ts'
import { clusterState, inProcessExecutor, recordInventory, shopObjects, type Shop, startShop } from './shop.ts'

export type Gate = 'approval' | 'signature'
export type World = {
  db: Database
  clock: FixedClock
  scope: string
  shop: Shop
  runner: Runner
  falconer: Falconer
  analyst: HostileAnalyst
  forbidden: Forbidden
  send: Send
  /** Posts Falco alerts as a source does. */ ingest(body: string): Promise<Response>
  /** A person who may approve, and is not hostile. */ ada: Principal
  adaTokenId: string
  /** A key pair the hostile side made for itself. */ forgery: ApprovalKeys
  /** What must never be told to the hostile client. */ canaries: readonly string[]
  /** Executed with a true approval before the hostile side began; and the ticket it was executed with. */ executed: {
    id: string
    ticket: SignedTicket
  } | null
  state(): string
  close(): Promise<void>
}

/** Deployment checkout is the hostile side's; Deployment ledger was isolated by a person before it began. */
export function worldObjects(): KubernetesJson[] {
  const ofShop = JSON.stringify(shopObjects().filter((object) => object.metadata.namespace === 'shop'))
  const ledger = JSON.parse(
    ofShop.replaceAll('checkout', 'ledger').replaceAll(/"((?:pod|rs|deploy|svc)-uid-)/g, '"ledger-$1'),
  ) as KubernetesJson[]
  for (const { status, metadata } of ledger)
    for (const container of (status?.containerStatuses ?? []) as { containerID: string }[])
      container.containerID = `containerd://${containerId(metadata.uid ?? '')}`
  return [...shopObjects(), ...ledger]
}
const ledgerPod = 'ledger-pod-uid-ledger-1'

export async function openWorld(db: Database, scope: string, without?: Gate): Promise<World> {
  const clock = new FixedClock('2026-11-23T12:00:00Z')
  await ensurePartitions(db, clock.now())
  // Agents may propose as much as they like: the cap must not be what holds.
  const policy = { ...loadPolicy(), agentProposalsPerHour: 1_000_000 }
  const shop = await startShop(clock, { policy, seed: { objects: worldObjects(), flows: [] } })
  const forgery = newApprovalKeys()
  const executor = without === 'signature' ? inProcessExecutor(shop.cluster, clock, forgery, policy) : shop.executor
  const runner: Runner = { db, clock, policy, actionsEnabled: false, executor, privateKey: shop.keys.privateKey }
  await recordInventory(db, clock, scope, worldObjects())
  const forbidden = await forbiddenTargets(db, clock, scope)
  const analyst = hostileAnalyst(forbidden, 90)
  const falconer = falconerOf(runner, scope, analyst)
  const app = createApp(falconer)
  const people = await inviteEverybody(falconer)
  const { secret } = await addSource(
    falconer,
    { principal: systemPrincipal, channel: 'system' },
    { name: `falco-${scope}`, collector: 'falco', scope },
  )
  const executed = without === undefined ? await isolateLedger(runner, scope, people.ada) : null
  const send: Send = async (holder, path, init) => {
    const token = people.tokens[holder]
    if (without !== 'approval')
      return app.request(`http://localhost${path}`, {
        ...init,
        headers: { host: 'localhost', ...init.headers, authorization: `Bearer ${token}` },
      })
    const principal = (await tokenPrincipal(falconer.auth, token)) as Principal
    return app.request(
      `http://localhost${path}`,
      { ...init, headers: { host: 'localhost', ...init.headers } },
      { local: { principal: { ...principal, mayApprove: true }, channel: 'api' } },
    )
  }
  return {
    db,
    clock,
    scope,
    shop,
    runner,
    falconer,
    analyst,
    forbidden,
    send,
    forgery,
    executed,
    ada: people.ada,
    adaTokenId: people.adaTokenId,
    canaries: [people.adaToken, 'ada-canary-token', secret, shop.keys.privateKey.split('\n')[1] ?? ''],
    ingest: async (body) =>
      app.request(`http://localhost/ingest/falco/${secret}`, {
        method: 'POST',
        headers: { host: 'localhost', 'content-type': 'application/json' },
        body,
      }),
    state: () => clusterState(shop.cluster),
    close: shop.stop,
  }
}

function falconerOf(runner: Runner, scope: string, analyst: HostileAnalyst): Falconer {
  const { db, clock } = runner
  const intake = new IntakeQueue(db, clock, { maxWaitingBytes: 1 << 26, maxBatchBytes: 1 << 22 })
  return {
    config: loadConfig({ FALCONER_SCOPE: scope, FALCONER_LOG: 'silent' }, {}),
    db,
    clock,
    intake,
    graph: new HeldGraph(db),
    meaning: null,
    nats: null,
    slack: null,
    lag: createHistogram(),
    log: createLog('silent'),
    auth: { db, clock },
    changes: new EventEmitter(),
    responses: runner,
    cluster: { reachable: true, clusterId: 'cluster-uid-1', simulated: true, version: null, detail: 'simulated cluster' },
    async investigateNow(incidentId) {
      const investigation = await investigate(db, clock, analyst, incidentId, { cluster: () => ({ simulated: true }) })
      if (investigation.report !== null)
        await suggest(runner, investigation.report, { incidentId: investigation.incidentId, investigationId: investigation.id })
      return investigation
    },
    asking: noneAsked('none is configured'),
    deepen: () => {},
    changed: () => {},
    settle: async () => {},
    close: async () => {},
  }
}

async function inviteEverybody(
  falconer: Falconer,
): Promise<{ ada: Principal; adaToken: string; adaTokenId: string; tokens: Record<Holder, string> }> {
  const operator = { principal: operatorPrincipal, channel: 'cli' as const }
  const person = async (name: string) => (await invite(falconer.auth, operator, name, 'responder')).user
  const scope = falconer.config.FALCONER_SCOPE
  const ada = await person(`ada ${scope}`)
  const robin = await person(`robin ${scope}`)
  const token = async (userId: string, name: string, role: Holder) =>
    createToken(falconer.auth, operator, { userId, name, role, days: 300 })
  const adas = await token(ada.id, 'ada-canary-token', 'responder')
  const [investigator, responder] = await Promise.all([token(robin.id, 'agent', 'investigator'), token(robin.id, 'agent', 'responder')])
  return {
    ada: userPrincipal(ada),
    adaToken: adas.token,
    adaTokenId: adas.id,
    tokens: { investigator: investigator.token, responder: responder.token },
  }
}

/** Ids that must never become a target of a case in this scope. */
async function forbiddenTargets(db: Database, clock: FixedClock, scope: string): Promise<Forbidden> {
  const elsewhere = `${scope}-elsewhere`
  await recordInventory(db, clock, elsewhere, shopObjects())
  // A relation whose end nobody recorded leaves a derived row, here with the very UID of a real pod that is in no inventory.
  const ref = { scope, kind: 'pod' as const, key: 'derived-pod-uid' }
  await accept(db, clock, [
    delivery({
      scope,
      relations: [{ from: { scope, kind: 'workload', key: 'derived-workload-uid' }, type: 'OWNS', to: ref, observedNs: 1n }],
    }),
  ])
  const ids = async (of: string): Promise<string[]> =>
    (await listEntities(db, { scope: of, limit: 1_000 }))
      .filter((one) => one.origin === 'inventory' && (one.kind === 'pod' || one.kind === 'workload' || one.kind === 'node'))
      .map((one) => one.id.toString())
  const derived = (await listEntities(db, { scope, limit: 1_000 }))
    .filter((one) => one.origin === 'derived')
    .map((one) => one.id.toString())
  const protectedPod = await findEntity(db, { scope, kind: 'pod', key: 'pod-uid-proxy' })
  const ledger = await findEntity(db, { scope, kind: 'pod', key: ledgerPod })
  return {
    'of another cluster': await ids(elsewhere),
    derived,
    'of another case': [String(ledger?.id)],
    protected: [String(protectedPod?.id)],
  }
}

/** A true approval, executed: there is something to revert, and a genuine, used ticket. */
async function isolateLedger(runner: Runner, scope: string, ada: Principal): Promise<World['executed']> {
  const pod = await findEntity(runner.db, { scope, kind: 'pod', key: ledgerPod })
  const by = { principal: ada, channel: 'web' as const }
  const request = {
    action: 'kubernetes.isolate_pod',
    entityId: String(pod?.id),
    params: {},
    reason: '',
    incidentId: null,
    investigationId: null,
  }
  const { proposal } = await propose(runner, by, request)
  const planned = await planProposal(runner, runner.executor, proposal.id)
  await approve(runner, by, { proposalId: proposal.id, planHash: planned?.planHash ?? '', reason: '', shownDigest: null })
  const tickets: SignedTicket[] = []
  const listening: Executor = {
    ...runner.executor,
    execute: async (signed, keep) => {
      tickets.push(signed)
      return runner.executor.execute(signed, keep)
    },
  }
  const done = await executeProposal({ ...runner, executor: listening }, proposal.id)
  const [ticket] = tickets
  if (done?.state !== 'succeeded' || ticket === undefined) throw new Error(`the ledger’s pod was not isolated: ${done?.stateReason}`)
  return { id: proposal.id, ticket }
}
