import { expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { pacing } from './pace.ts'

eachDatabase('the pace at which Slack is asked', (database) => {
  it('is one message a second into a channel, and fewer updates a minute than Slack takes, of two servers together', async () => {
    const clock = new FixedClock('2026-11-24T12:00:00Z')
    const servers = [pacing(database(), clock), pacing(database(), clock)]
    const taken = { post: 0, other: 0, update: 0 }
    for (let tick = 0; tick * 350 < 60_000; tick += 1) {
      const [pace, also] = tick % 2 === 0 ? servers : servers.toReversed()
      const waits = await Promise.all([pace?.take('post', 'a'), also?.take('post', 'a')])
      taken.post += waits.filter((wait) => wait === 0).length
      if ((await pace?.take('post', 'b')) === 0) taken.other += 1
      if ((await pace?.take('update', tick % 2 === 0 ? 'a' : 'b')) === 0) taken.update += 1
      clock.advance(350)
    }
    expect(taken).toMatchObject({ post: 58, other: 58 })
    expect(taken.update).toBeGreaterThan(40)
    expect(taken.update).toBeLessThan(50)
  })

  it('says for how long to wait, and a clock that was set back keeps nobody waiting', async () => {
    const clock = new FixedClock('2026-11-24T13:00:00Z')
    const pace = pacing(database(), clock)
    expect(await pace.take('post', 'c')).toBe(0)
    clock.advance(50)
    const wait = await pace.take('post', 'c')
    expect(wait).toBe(1_000)
    clock.advance(wait - 1)
    expect(await pace.take('post', 'c')).toBe(1)
    clock.advance(1)
    expect(await pace.take('post', 'c')).toBe(0)
    clock.advance(-3_600_000)
    expect(await pace.take('post', 'c')).toBe(0)
    expect(await pace.take('post', 'c')).toBe(1_050)
  })
})
