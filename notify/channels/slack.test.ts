import { afterEach, describe, expect, it } from 'vitest'
import { listDestinations, setDestinations } from '../../store/incident-notices.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { shownText } from '../../test/support/slack-shown.ts'
import { slackWorld } from '../../test/support/slack-world.ts'

const open: { end(): Promise<void> }[] = []
const world = async (...given: Parameters<typeof slackWorld>) => {
  const made = await slackWorld(...given)
  open.push(made)
  return made
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.end()
})

/** The most in any stretch of that length. */
const busiest = (asked: readonly { at: number }[], ms: number): number =>
  Math.max(0, ...asked.map(({ at: from }) => asked.filter(({ at }) => at >= from && at < from + ms).length))

eachDatabase('a channel of Slack', (database) => {
  it('has one card for an incident, changed in place, and its thread told of what came, together', async () => {
    const { site, alert, round, pass, incidents, close } = await world(database())
    await alert('a')
    await round()
    await round()
    const [card] = await site.messages()
    expect(shownText(card?.blocks ?? [])).toContain('1 alert of one rule')
    await alert('a', { rule: 'Read of a secret' }, 12)
    await pass(12)
    expect(await site.messages()).toHaveLength(1)
    expect(shownText((await site.messages())[0]?.blocks ?? [])).toContain('13 alerts of 2 rules')
    expect(await site.replies(card?.ts ?? '')).toEqual([])
    await pass(300, round, 10_000)
    const replies = await site.replies(card?.ts ?? '')
    expect(replies.map(({ blocks }) => shownText(blocks ?? []))).toEqual(['12 more alerts in 5 minutes: Read of a secret ×12.'])
    await close((await incidents())[0]?.id ?? '')
    await pass(60)
    const last = (await site.replies(card?.ts ?? '')).at(-1)
    expect(shownText(last?.blocks ?? [])).toBe('Closed.')
    expect(shownText((await site.messages())[0]?.blocks ?? [])).not.toContain('[Investigate]')
    expect(site.of('chat.postMessage')).toHaveLength(3)
  })

  it('a merged incident says where it went', async () => {
    const { site, alert, round, pass, incidents, merge } = await world(database())
    await alert('a')
    await alert('b')
    await round()
    await pass(5)
    expect(await site.messages()).toHaveLength(2)
    const [into, from] = await incidents()
    await merge(into?.id ?? '', from?.id ?? '')
    await pass(60)
    const shown = (await site.messages()).map(({ blocks }) => shownText(blocks ?? []))
    expect(shown.filter((text) => text.includes('merged into <inc-'))).toHaveLength(1)
    const gone = (await site.messages()).find(({ blocks }) => shownText(blocks ?? []).includes('merged into'))
    expect((await site.replies(gone?.ts ?? '')).map(({ blocks }) => shownText(blocks ?? [])).join()).toMatch(/^Merged into <inc-/)
  })

  it('an answer that is lost, a server that is killed, a second one: one card', async () => {
    const { site, alert, round, pass, server, clock } = await world(database())
    for (const fails of ['lost', 'silent', 'lost'] as const) {
      await alert(`${fails}${clock.now().getTime()}`)
      const before = (await site.messages()).length
      let done = false
      site.fails = ({ method }) => {
        if (method !== 'chat.postMessage' || done) return null
        done = true
        return fails
      }
      await round()
      expect((await site.messages()).length - before).toBe(fails === 'lost' ? 1 : 0)
      // Whoever tried is gone: another takes over, with nothing in memory.
      clock.advance(61_000)
      await pass(60, server(site.general, '00000000-0000-7000-8000-000000000002').round)
      expect((await site.messages()).length - before, fails).toBe(1)
      clock.advance(61_000)
    }
    expect(site.of('conversations.history').length).toBeGreaterThanOrEqual(3)
  })

  it('a reply of which the answer is lost is not said twice', async () => {
    const { site, alert, round, pass } = await world(database())
    await alert('a')
    await round()
    await alert('a', { priority: 'Critical', rule: 'worse' }, 3)
    site.fails = ({ method, body }) =>
      method === 'chat.postMessage' && body.has('thread_ts') && site.of('conversations.replies').length === 0 ? 'lost' : null
    await pass(120)
    const [card] = await site.messages()
    expect(await site.replies(card?.ts ?? '')).toHaveLength(1)
  })

  it.each([
    ['is down', () => ({ status: 503 })],
    ['asks to wait', () => ({ status: 429, headers: { 'retry-after': '30' } })],
    ['revoked the token', () => ({ status: 200, body: { ok: false, error: 'token_revoked' } })],
    ['is not in the channel', () => ({ status: 200, body: { ok: false, error: 'not_in_channel' } })],
    ['is slow', () => 'silent' as const],
  ])('Slack %s: nothing is lost, it is visible, and all is told when it is back', async (name, failure) => {
    const { site, alert, round, pass, clock, first, db } = await world(database(), { timeoutMs: name === 'is slow' ? 200 : 5_000 })
    site.fails = failure
    for (const seed of ['a', 'b', 'c']) await alert(seed)
    await round()
    await alert('a', { rule: 'more' }, 5)
    await pass(45)
    const asked = site.asked.length
    expect(asked).toBeGreaterThan(0)
    expect(asked, `it is not asked all the time: ${site.asked.map(({ method, at }) => `${method} ${at % 1_000_000}`).join()}`).toBeLessThan(
      name === 'asks to wait' ? 3 : 12,
    )
    const state = (await listDestinations(db)).find((one) => one.name === first.name)
    expect(state).toMatchObject({ waiting: 3, delivered: 0 })
    expect(state?.error).toMatch(/503|429|token was revoked|\/invite|did not answer/)
    site.fails = () => null
    clock.advance(300_000)
    await pass(60)
    expect((await site.messages()).map(({ blocks }) => /(\d+) alert/.exec(shownText(blocks ?? []))?.[1]).sort()).toEqual(['1', '1', '6'])
    expect((await listDestinations(db)).find((one) => one.name === first.name)).toMatchObject({ waiting: 0, failures: 0, error: null })
  })

  it('a card that Slack refuses waits alone, and says why', async () => {
    const { site, alert, round, pass, first, db, clock } = await world(database())
    for (const seed of ['a', 'b', 'c']) await alert(seed)
    let refused = ''
    site.fails = ({ method, body }) => {
      const key = body.get('metadata') ?? ''
      if (method === 'chat.postMessage' && refused === '') refused = key
      return method === 'chat.postMessage' && key === refused ? { status: 200, body: { ok: false, error: 'invalid_blocks' } } : null
    }
    await round()
    await pass(10)
    expect(await site.messages()).toHaveLength(2)
    expect((await listDestinations(db)).find((one) => one.name === first.name)).toMatchObject({
      waiting: 1,
      refused: 1,
      error: expect.stringContaining('invalid_blocks'),
    })
    site.fails = () => null
    clock.advance(60_000)
    await pass(5)
    expect(await site.messages()).toHaveLength(3)
  })

  it('a card that somebody deleted does not come back', async () => {
    const { site, alert, round, pass } = await world(database())
    await alert('a')
    await round()
    const [card] = await site.messages()
    await site.call('chat.delete', { channel: site.general, ts: card?.ts ?? '' })
    await alert('a', {}, 3)
    await pass(400, round, 10_000)
    expect(await site.messages()).toEqual([])
    expect(site.of('chat.update')).toHaveLength(1)
  })

  it('sleeps in quiet hours: only what is critical is told, the rest together when they end', async () => {
    const { site, alert, round, pass, clock } = await world(database(), {
      at: new Date('2027-01-12T21:30:00Z'),
      routes: { quiet: { from: '22:00', to: '07:00', zone: 'Europe/Berlin' }, mention: { critical: 'here' } },
    })
    for (const seed of ['a', 'b', 'c']) await alert(seed)
    await alert('d', { priority: 'Critical' })
    await round()
    await pass(30)
    const [only, ...none] = (await site.messages()).map(({ blocks }) => shownText(blocks ?? []))
    expect(only).toMatch(/^@here\n# Critical:/)
    expect(none).toEqual([])
    // 06:59 and 07:00 there.
    clock.advance(Date.parse('2027-01-13T05:59:00Z') - clock.now().getTime())
    await round()
    expect(await site.messages()).toHaveLength(1)
    clock.advance(60_000)
    await round()
    const shown = (await site.messages()).map(({ blocks }) => shownText(blocks ?? []))
    expect(shown[1]).toMatch(/^# 3 incidents in quiet hours/)
    expect(shown[1]?.match(/<inc-/g)).toHaveLength(3)
    await pass(30)
    expect(await site.messages()).toHaveLength(2)
  })

  it('a storm that another server summed up keeps no card waiting here', async () => {
    const { site, alert, round, pass, server, clock } = await world(database(), { routes: { stormPerMinute: 3 } })
    for (const seed of ['a', 'b', 'c', 'd', 'e']) await alert(seed)
    const summaries = (): number => site.of('chat.postMessage').filter(({ body }) => body.get('metadata')?.includes('digest:')).length
    // Gone before it could post the summary.
    site.fails = ({ body }) => (body.get('metadata')?.includes('digest:') ? { status: 503 } : null)
    for (let passed = 0; passed < 10 && summaries() === 0; passed += 1) await pass(1)
    site.fails = () => null
    clock.advance(61_000)
    const second = server(site.general, '00000000-0000-7000-8000-000000000002')
    await pass(6 * 60, second.round, 5_000)
    const before = (await site.messages()).length
    expect((await site.messages()).map(({ blocks }) => shownText(blocks ?? [])).join()).toContain('the storm is over')
    clock.advance(61_000)
    await alert('later')
    await pass(10, round)
    expect(await site.messages()).toHaveLength(before + 1)
  })

  it('two servers that tell two channels at once: each card once, in Slack’s limits together', async () => {
    const { site, db, alert, clock, server, incidents } = await world(database(), {
      routes: { routes: [{ severity: 'critical', channel: 'C000000002' }], stormPerMinute: 60 },
    })
    const holders = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002']
    const servers = holders.map((holder) => [server(site.general, holder), server(site.random, holder)])
    const names = servers.flatMap((channels) => channels.map(({ name }) => name))
    await setDestinations(db, [...new Set(names)], clock.now(), { alone: true })
    const many = 12
    for (let index = 0; index < many; index += 1) {
      await alert(`calm-${index}`)
      await alert(`grave-${index}`, { priority: 'Critical' })
    }
    for (let second = 0; second < 70; second += 1) {
      // All cards are there; then each is changed.
      if (second === 20) for (let index = 0; index < many; index += 1) await alert(`calm-${index}`, {}, 3)
      if (second === 20) for (let index = 0; index < many; index += 1) await alert(`grave-${index}`, { priority: 'Critical' }, 3)
      await Promise.all(servers.flat().map(({ round }) => round()))
      clock.advance(1_000)
    }
    expect(await incidents()).toHaveLength(2 * many)
    for (const channel of [site.general, site.random]) {
      const messages = await site.messages(channel)
      expect(new Set(messages.map(({ metadata }) => metadata?.event_payload.key)).size).toBe(many)
      expect(messages).toHaveLength(many)
      for (const { blocks } of messages) expect(shownText(blocks ?? [])).toContain('4 alerts')
      const posts = site.of('chat.postMessage').filter((one) => one.channel === channel && !one.body.has('thread_ts'))
      expect(busiest(posts, 1_000)).toBe(1)
    }
    expect(site.of('chat.update').length).toBeGreaterThan(many)
    expect(busiest(site.of('chat.update'), 60_000)).toBeLessThanOrEqual(50)
  })

  it('calls nobody who is not configured', async () => {
    const { site, alert, round } = await world(database())
    await alert('a', { priority: 'Critical' })
    await round()
    expect(site.asked.map(({ body }) => body.get('text') + (body.get('blocks') ?? '')).join()).not.toMatch(/<!|broadcast|"user"/)
    expect(site.of('chat.postMessage')[0]?.body.get('unfurl_links')).toBe('false')
  })
})

describe('Slack without the scope to look', () => {
  it('is told again rather than never', async () => {
    const { embeddedDatabase } = await import('../../test/support/database.ts')
    const db = await embeddedDatabase()
    const { site, alert, round, pass } = await world(db, { scopes: ['chat:write'] })
    await alert('a')
    let lost = false
    site.fails = ({ method }) => (method === 'chat.postMessage' && !lost && (lost = true) ? 'silent' : null)
    await round()
    await pass(60)
    expect(site.of('chat.postMessage')).toHaveLength(2)
    await db.close()
  })
})
