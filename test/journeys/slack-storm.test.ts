/** A thousand incidents in a minute, in one channel of Slack: what is asked of it stays within its limits, nothing is lost, and people can read it. */
import { expect, it } from 'vitest'
import { listDestinations } from '../../store/incident-notices.ts'
import { embeddedDatabase } from '../support/database.ts'
import { shownText } from '../support/slack-shown.ts'
import { full } from '../support/sizes.ts'
import { slackWorld } from '../support/slack-world.ts'

/** A thousand with FALCONER_FULL=1, else a quarter of it. */
const severities = full ? { Notice: 880, Warning: 80, Error: 35, Critical: 5 } : { Notice: 215, Warning: 20, Error: 10, Critical: 5 }
const total = Object.values(severities).reduce((all, one) => all + one, 0)

/** The most in any stretch of that length. */
const busiest = (times: readonly number[], ms: number): number =>
  Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + ms).length))

it('a thousand incidents in a minute: Slack’s limits are kept, all are told, the channel is readable', async () => {
  const db = await embeddedDatabase()
  const { site, alert, pass, incidents, first } = await slackWorld(db)
  const kinds = Object.entries(severities).flatMap(([priority, count]) => Array.from({ length: count }, () => priority))
  // Mixed, the same each time.
  const order = kinds.map((priority, index) => ({ priority, place: (index * 7_919) % 1_009 })).toSorted((a, b) => a.place - b.place)
  for (let second = 0; second < 20; second += 1) {
    for (const [index, { priority }] of order.slice((second * total) / 20, ((second + 1) * total) / 20).entries())
      await alert(`${second}-${index}`, { priority })
    await pass(3)
  }
  await pass(8 * 60, first.round, 2_000)
  expect(await incidents()).toHaveLength(total)
  const posts = site.of('chat.postMessage')
  const updates = site.of('chat.update')
  const messages = await site.messages()
  const shown = messages.map(({ blocks }) => shownText(blocks ?? []))
  const digests = shown.filter((text) => text.includes('summarised'))
  const cards = shown.filter((text) => !text.includes('summarised'))
  process.stdout.write(
    `${posts.length} posts, ${updates.length} updates; ${cards.length} cards, ${digests.length} summary\n\n${shown.map((text) => text.split('\n')[0]).join('\n')}\n\n${digests.join('\n\n')}\n`,
  )
  expect(
    busiest(
      posts.map(({ at }) => at),
      1_000,
    ),
  ).toBe(1)
  expect(
    busiest(
      updates.map(({ at }) => at),
      60_000,
    ),
  ).toBeLessThanOrEqual(50)
  expect(await listDestinations(db)).toMatchObject([{ waiting: 0, failures: 0, error: null }])
  // Readable: one summary, and no more cards than a person can look at.
  expect(digests).toHaveLength(1)
  expect(cards.length).toBeLessThan(60)
  // Whatever is critical has its own card, and no incident is missing from both.
  expect(cards.filter((text) => text.startsWith('# Critical'))).toHaveLength(5)
  const summarised = Number(/^# ([\d,]+) incidents/.exec(digests[0] ?? '')?.[1]?.replace(',', ''))
  expect(summarised + cards.length).toBe(total)
  expect(new Set(messages.map(({ metadata }) => metadata?.event_payload.key)).size).toBe(messages.length)
  await site.close()
  await db.close()
}, 600_000)
