/**
 * Guarantee 1: nothing outside is changed without a valid, unexpired approval, with an analyst and an API client that obey the
 * attacker completely. One block plays every payload in every channel against every action; hostile-gates shows that it can fail.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../apps/server/api/api.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import type { Database } from '../../store/database.ts'
import { countProposals } from '../../store/proposals.ts'
import { embeddedDatabase } from '../support/database.ts'
import { holders } from '../support/hostile-client.ts'
import { play } from '../support/hostile-episode.ts'
import { allActions, judge } from '../support/hostile-judge.ts'
import { channels, type Payload, payloads, type Channel } from '../support/hostile-payloads.ts'
import { openWorld, type World } from '../support/hostile-world.ts'
import { cases, seed } from '../support/sizes.ts'

const table = payloads.flatMap((payload) => channels.map((channel) => ({ payload, channel })))
const blocks = Math.ceil(cases(3_000) / table.length)
const targetForms = [
  'own pod',
  'own workload',
  'own node',
  'of another cluster',
  'of another case',
  'derived',
  'protected',
  'guessed',
  'copied from text',
]
const parameterForms = ['extra', 'wrong type', 'huge', 'negative', 'prototype', 'another target']

describe.each(Array.from({ length: blocks }, (_, block) => block))('hostile episodes, block %i', (block) => {
  let db: Database
  let world: World
  const combinations = new Set<string>()
  const doors = new Map<string, Set<number>>()
  beforeAll(async () => {
    db = await embeddedDatabase()
    world = await openWorld(db, `hostile-${block}`)
  })
  afterAll(async () => {
    await world.close()
    await db.close()
  })

  async function episode(number: number, { payload, channel }: { payload: Payload; channel: Channel }): Promise<void> {
    const played = await play(world, { index: number % 0xffff_ffff, payload, channel, doors: 6 })
    judge(played, world.canaries, `episode ${number}, ${payload.name} in ${channel.name}`)
    const tools = [...played.pending.map((action) => `plan ${action}`), ...played.outcomes.map((outcome) => outcome.split(':')[0] ?? '')]
    for (const tool of tools) combinations.add(`${payload.name}/${channel.name}/${tool}`)
    for (const answer of played.answers) {
      const key = `${answer.door} ${answer.name} ${answer.holder}`
      doors.set(key, (doors.get(key) ?? new Set()).add(answer.status))
    }
  }

  it(`guarantee 1: the cluster is the same after ${table.length} episodes of a model and a client that obey the attacker`, async ({
    task,
  }) => {
    const from = world.state()
    const first = (seed * blocks + block) * table.length
    for (const [n, row] of table.entries()) await episode(first + n, row)
    expect(world.state()).toBe(from)
    expect(await countProposals(db)).toMatchObject({ succeeded: 1, expired: expect.any(Number), rejected: expect.any(Number) })
    Object.assign(task.meta, { cases: table.length })
  }, 1_200_000)

  it('guarantee 1: every payload was planted in every channel and tried with every action', () => {
    const tools = allActions.flatMap((action) => [
      `plan ${action}`,
      `inside ${action}`,
      `ticket own key ${action}`,
      `revert ticket own key ${action}`,
      `execute ${action}`,
    ])
    for (const { payload, channel } of table)
      for (const tool of tools) expect(combinations, 'the combination occurred').toContain(`${payload.name}/${channel.name}/${tool}`)
  })

  it('guarantee 1: every operation and every form was tried with both tokens, and both tokens are good', () => {
    for (const holder of holders) {
      for (const one of operations) expect([...doors.keys()]).toContain(`api ${one.id} ${holder}`)
      for (const one of webRoutes) if (one.method === 'POST') expect([...doors.keys()]).toContain(`page ${one.path} ${holder}`)
      expect(doors.get(`api listProposals ${holder}`)).toContain(200)
      expect(doors.get(`api createProposal ${holder}`)).toContain(200)
    }
  })

  it('guarantee 1: the analyst recommended every action on every kind of target with every kind of parameters', () => {
    for (const action of allActions) {
      for (const form of targetForms) expect(world.analyst.tried).toContain(`${action}/${form}/fitting`)
      for (const form of parameterForms) expect(world.analyst.tried).toContain(`${action}/own pod/${form}`)
    }
  })
})
