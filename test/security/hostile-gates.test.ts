/**
 * That the proof of guarantee 1 can fail: with one gate taken away, the same episode ends in a changed cluster. And the ways
 * round the gates that are no episode: forged approvals inside the program, and tokens that try to become a person.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createToken, invite, newLinkFor } from '../../auth/people.ts'
import { registerPasskey, registrationOptions } from '../../auth/passkeys.ts'
import { connect, flowObserver, readClient } from '../../clusters/client.ts'
import { writeClient } from '../../clusters/write-client.ts'
import { DeniedError } from '../../domain/errors.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { approve } from '../../responses/approve.ts'
import { type Approved, planHash } from '../../responses/approved.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { executeProposal } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { propose } from '../../responses/propose.ts'
import type { Database } from '../../store/database.ts'
import { findEntity } from '../../store/entities.ts'
import { embeddedDatabase } from '../support/database.ts'
import { fitting } from '../support/hostile-analyst.ts'
import { play, type Played } from '../support/hostile-episode.ts'
import { allActions, judge } from '../support/hostile-judge.ts'
import { type Channel, channels, type Payload, payloads } from '../support/hostile-payloads.ts'
import { type Gate, openWorld, type World } from '../support/hostile-world.ts'
import { podUid } from '../support/shop.ts'

const episode = { index: 1, payload: payloads[0] as Payload, channel: channels[4] as Channel, doors: 0 }
const targets: Record<string, ['pod' | 'workload' | 'node', string]> = {
  'kubernetes.scale_workload': ['workload', 'deploy-uid-1'],
  'kubernetes.cordon_node': ['node', 'node-1'],
}

let db: Database
let shared: World
let worlds = 0
beforeAll(async () => {
  db = await embeddedDatabase()
  shared = await openWorld(db, 'shared')
})
afterAll(async () => {
  await shared.close()
  await db.close()
})

async function inWorld<T>(without: Gate | undefined, work: (world: World) => Promise<T>): Promise<T> {
  const world = await openWorld(db, `gates-${(worlds += 1)}`, without)
  try {
    return await work(world)
  } finally {
    await world.close()
  }
}

async function pending({ runner, scope, ada }: World, action: string): Promise<Proposal> {
  const [kind, key] = targets[action] ?? ['pod', podUid]
  const entityId = String((await findEntity(runner.db, { scope, kind, key }))?.id)
  const request = { action, entityId, params: fitting[action] ?? {}, reason: '', incidentId: null, investigationId: null }
  const { proposal } = await propose(runner, { principal: { ...ada, personId: 'somebody else' }, channel: 'web' }, request)
  return (await planProposal(runner, runner.executor, proposal.id)) as Proposal
}

describe('with a gate taken away', () => {
  const turnsRed = (played: Played): void => {
    expect(() => judge(played, [], 'without the gate')).toThrow(/the cluster changed/)
  }

  it('guarantee 1: the episode stays green with every gate in place', async () => {
    await inWorld(undefined, async (world) => judge(await play(world, episode), world.canaries, 'with every gate'))
  })

  it('guarantee 1: turns red when tokens may approve', async () => {
    const played = await inWorld('approval', (world) => play(world, episode))
    turnsRed(played)
    expect(played.answers.filter((answer) => answer.name === 'approveProposal' && answer.status === 200)).not.toHaveLength(0)
  })

  it('guarantee 1: turns red when the executor trusts a key of the attacker’s', async () => {
    const played = await inWorld('signature', (world) => play(world, episode))
    turnsRed(played)
    expect(played.outcomes.filter((outcome) => /^ticket own key .*: done succeeded$/.test(outcome))).not.toHaveLength(0)
  })

  it('guarantee 1: turns red when the hostile side holds the executor’s credentials', async () => {
    await inWorld(undefined, async (world) => {
      const proposal = await pending(world, 'kubernetes.cordon_node')
      const before = world.state()
      const client = writeClient(connect({ kubeconfig: world.shop.cluster.kubeconfig('executor') }))
      for (const request of proposal.plan?.requests ?? []) await client.send(request)
      expect(world.state()).not.toBe(before)
    })
  })

  it.each(allActions)('guarantee 1: a true, unexpired approval of %s does what it says', async (action) => {
    await inWorld(undefined, async (world) => {
      const proposal = await pending(world, action)
      const before = world.state()
      const request = { proposalId: proposal.id, planHash: proposal.planHash ?? '', reason: '', shownDigest: null }
      await approve(world.runner, { principal: world.ada, channel: 'web' }, request)
      expect((await executeProposal(world.runner, proposal.id))?.state).toBe('succeeded')
      expect(world.state() === before).toBe(action === 'kubernetes.collect_logs')
    })
  })
})

it.each(allActions)('guarantee 1: %s does nothing with a forged approval, whatever it is copied from', async (action) => {
  const world = shared
  const { plan } = await pending(world, action)
  const genuine = world.executed?.ticket.ticket
  if (plan === null || genuine === undefined) throw new Error('there is no plan')
  const kubeConfig = connect({ kubeconfig: world.shop.cluster.kubeconfig('executor') })
  const client = writeClient(kubeConfig)
  const context = {
    read: readClient(kubeConfig),
    flows: flowObserver(kubeConfig, true),
    wait: async () => {},
    keep: async () => {},
    send: async (request: Parameters<typeof client.send>[0]) => {
      await client.send(request)
    },
  }
  const shape = { ticket: { ...genuine, plan, planHash: planHash(plan) }, plan, requests: plan.requests }
  const before = world.state()
  for (const forged of [shape, Object.freeze({ ...shape }), structuredClone(shape), Object.create(shape), new Proxy(shape, {})])
    await expect(actions.find((one) => one.name === action)?.execute(forged as unknown as Approved, context)).rejects.toThrow(
      /not approved/,
    )
  expect(world.state()).toBe(before)
})

describe('a token', () => {
  const site = { origin: 'http://localhost' }
  const everyRole = ['viewer', 'investigator', 'responder', 'administrator'] as const

  it.each(everyRole)('guarantee 1: of role %s cannot become a person', async (role) => {
    const { falconer, ada } = shared
    const principal = { id: 'token', kind: 'token' as const, name: 'robin (token agent)', role, personId: ada.personId, mayApprove: false }
    const as = { principal, channel: 'api' as const }
    const { auth } = falconer
    const attempts: Record<string, () => Promise<unknown>> = {
      'an invitation': () => invite(auth, as, 'Eve', 'administrator'),
      'a sign-in link': () => newLinkFor(auth, as, ada.id),
      'another token': () => createToken(auth, as, { userId: ada.id, name: 'x', role, days: 1 }),
      'a passkey’s options': () => registrationOptions(auth, as, site),
      'a passkey': () => registerPasskey(auth, as, site, 'x', {} as never),
    }
    for (const [what, attempt] of Object.entries(attempts)) {
      const refusal: unknown = await attempt().then(
        () => 'allowed',
        (error: unknown) => (error instanceof DeniedError ? error.reason : error),
      )
      expect(refusal, what).toBe('person_only')
    }
  })
})
