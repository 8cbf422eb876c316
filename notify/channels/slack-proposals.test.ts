import { expect, it } from 'vitest'
import { approve, reject } from '../../responses/approve.ts'
import { executeProposal, expireOverdue } from '../../responses/execute.ts'
import { listDestinations } from '../../store/incident-notices.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { ada, bob, caseOf, decision, openBench, planned } from '../../test/support/executor-bench.ts'
import { shownText } from '../../test/support/slack-shown.ts'
import { slackWorld } from '../../test/support/slack-world.ts'

eachDatabase('a proposal in a channel of Slack', (database) => {
  it('has one card that says what it is now, with buttons only while it can be decided', async () => {
    const { site, clock, pass, end } = await slackWorld(database(), { at: new Date('2026-11-24T12:00:00Z') })
    const bench = await openBench(database(), {}, clock)
    const shown = async (): Promise<string> => shownText((await site.messages()).at(-1)?.blocks ?? [])
    try {
      const proposal = await planned(bench, caseOf('isolate_pod'))
      await pass(3)
      expect(await site.messages()).toHaveLength(1)
      expect(await shown()).toMatch(/^# Isolate .*: waits for a decision/)
      expect(await shown()).toContain(proposal.planHash)
      expect(await shown()).toContain('Nobody has decided yet.')
      expect(await shown()).toContain('Reject…')
      await approve(bench.runner, ada, decision(proposal))
      await pass(3)
      expect(await shown()).toContain('ada (responder) approved by web')
      expect(await shown()).not.toContain('Reject…')
      await executeProposal(bench.runner, proposal.id)
      await pass(3)
      expect(await shown()).toMatch(/^# Isolate .*: (?:done|failed)/)
      expect(await site.messages()).toHaveLength(1)
      const before = site.asked.length
      await pass(10)
      expect(site.asked.length).toBe(before)
    } finally {
      await bench.stop()
      await end()
    }
  })

  it('says that it was rejected or expired; what was over before Slack heard of it is not told', async () => {
    const { site, clock, pass, end, first } = await slackWorld(database(), { at: new Date('2026-11-25T12:00:00Z') })
    const bench = await openBench(database(), {}, clock)
    try {
      const one = await planned(bench, caseOf('isolate_pod'))
      await pass(2)
      await reject(bench.runner, bob, { ...decision(one), reason: 'not *now* <!channel>' })
      const other = await planned(bench, caseOf('cordon_node'))
      site.fails = () => ({ status: 503 })
      await pass(3)
      expect((await listDestinations(database())).find(({ name }) => name === first.name)?.error).toContain('503')
      clock.advance(2 * 3_600_000)
      expect(await expireOverdue(bench.runner)).toBe(1)
      site.fails = () => null
      await pass(5)
      const shown = (await site.messages()).map(({ blocks }) => shownText(blocks ?? []))
      expect(other.state).toBe('pending')
      expect(shown).toHaveLength(1)
      expect(shown[0]).toMatch(/: rejected\n/)
      expect(shown[0]).toContain('bob (responder) rejected by web')
      expect(shown[0]).not.toMatch(/Approve…|Reject…/)
      const again = await planned(bench, caseOf('cordon_node'))
      await pass(2)
      clock.advance(2 * 3_600_000)
      await expireOverdue(bench.runner)
      await pass(5)
      expect(again.id).not.toBe(other.id)
      expect(shownText((await site.messages()).at(-1)?.blocks ?? [])).toMatch(/: expired\n/)
    } finally {
      await bench.stop()
      await end()
    }
  })

  it('is told in quiet hours if they would leave less than half an hour to decide, else when they end: to the minute', async () => {
    const quiet = { from: '22:00', to: '07:00', zone: 'UTC' }
    const { site, clock, round, end } = await slackWorld(database(), { at: new Date('2027-02-10T06:29:00Z'), routes: { quiet } })
    const bench = await openBench(database(), {}, clock)
    const told = async (): Promise<number> => {
      await round()
      return (await site.messages()).length
    }
    try {
      const minutes = bench.runner.policy.decideWithinMinutes
      expect(minutes).toBe(60)
      // Until 07:29: of that it would be there for 29 minutes.
      await planned(bench, caseOf('isolate_pod'))
      expect(await told()).toBe(1)
      clock.advance(60_000)
      // Until 07:30.
      await planned(bench, caseOf('cordon_node'))
      expect(await told()).toBe(1)
      clock.advance(29 * 60_000 + 59_000)
      expect(await told()).toBe(1)
      clock.advance(1_000)
      expect(await told()).toBe(2)
      expect(shownText((await site.messages()).at(-1)?.blocks ?? [])).toContain('waits for a decision')
    } finally {
      await bench.stop()
      await end()
    }
  })
})
