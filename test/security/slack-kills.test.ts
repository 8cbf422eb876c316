/**
 * kill -9 of a real `falconer serve` in Slack: a question that Slack was told was heard is answered after the restart, once; a card stands in its channel once.
 * Judged by what stands in Slack in the end.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it, vi } from 'vitest'
import { heardWaiting } from '../../store/slack-heard.ts'
import { listThreads, turnsOf } from '../../store/threads.ts'
import { getUserByName } from '../../store/people.ts'
import { full, seed } from '../support/sizes.ts'
import { KillSite, type Over, until } from '../support/slack-kill.ts'
import { type Call, readable } from '../support/slack-workspace.ts'

vi.setConfig({ testTimeout: 300_000 })

const away = { ok: false, error: 'service_unavailable' }
type Kill = (site: KillSite, ts: string) => void
const whenAsked =
  (is: (call: Call, ts: string) => boolean): Kill =>
  (site, ts) => {
    site.workspace.fails = (call) => {
      if (!is(call, ts)) return null
      site.kill()
      return away
    }
  }
const whenDone =
  (is: (call: Call, ts: string) => boolean): Kill =>
  (site, ts) => {
    site.workspace.took = (call) => {
      if (is(call, ts)) site.kill()
    }
  }
const posts = ({ method, body }: Call, ts: string): boolean => method === 'chat.postMessage' && body.thread_ts === ts
const updates = ({ method, body }: Call): boolean => method === 'chat.update' && !JSON.stringify(body.metadata ?? '').includes('incident:')
const questionPoints: Record<string, Kill> = {
  'at once': () => {},
  'while Slack cannot say who Falconer is': whenAsked(({ method }) => method === 'auth.test'),
  'before its message is there': whenAsked(posts),
  'when its message is there, and nobody was told': whenDone(posts),
  'before the answer is there': whenAsked(updates),
  'when the answer is there, and nobody was told': whenDone(updates),
}
const ways = ['HTTP', 'Socket Mode'] as const
/** Each point over both ways with FALCONER_FULL=1; else one over each, others each day. */
const questions = Object.entries(questionPoints).flatMap(([point, kill], index, { length }) =>
  ways.flatMap((over, way): [string, Over, Kill][] => (full || (seed + way) % length === index ? [[point, over, kill]] : [])),
)

describe('a question that Slack was told was heard', () => {
  it.each(questions)('guarantee 25: killed %s (%s): is answered after the restart, in one message', async (point, over, kill) => {
    const site = await KillSite.open(over)
    const { workspace } = site
    try {
      await site.start()
      const question = await workspace.mention('ada', 'which incidents are open?')
      const { ts } = question.event as { ts: string }
      kill(site, ts)
      await site.hear(question)
      if (point === 'at once') site.kill()
      await site.killed()
      workspace.fails = () => null
      workspace.took = () => {}
      await site.start()
      const shown = async (): Promise<string[]> => (await workspace.thread(ts)).map(({ blocks }) => readable(blocks))
      await until(async () => (await shown()).some((text) => text.includes('1 open incident')), { everyMs: 250 })
      // Until it is over, and whatever else would come has come.
      await sleep(2_500)
      expect(await shown()).toHaveLength(1)
      const left = await site.read(async (db) => {
        const threads = await listThreads(db, { ownerId: (await getUserByName(db, 'Ada'))?.id ?? '' })
        const turns = (await Promise.all(threads.map(({ id }) => turnsOf(db, id)))).flat()
        return { ...(await heardWaiting(db)), answered: turns.filter(({ state }) => state === 'answered').length }
      })
      expect(left).toMatchObject({ waiting: 0, answered: 1 })
    } finally {
      await site.close()
    }
  })
})

const isCard = ({ method, body }: Call): boolean => method === 'chat.postMessage' && body.thread_ts === undefined
const cardPoints: Record<string, Kill> = {
  'before Slack has it': whenAsked(isCard),
  'when Slack has it, and nobody was told': whenDone(isCard),
  'as the answer arrives': (site) => {
    site.workspace.took = (call) => {
      if (isCard(call)) setTimeout(site.kill, 3)
    }
  },
}

async function cardsAfter(kill: Kill, { mayLook = true } = {}): Promise<{ cards: number; looked: number }> {
  const site = await KillSite.open('HTTP')
  const { workspace } = site
  try {
    kill(site, '')
    await site.start({ serves: false })
    await site.killed()
    workspace.took = () => {}
    workspace.fails = ({ method }) => (!mayLook && method === 'conversations.history' ? { ok: false, error: 'missing_scope' } : null)
    const [mayBeThere] = await site.read((db) => db.query(sql`select 1 from slack_intents`))
    await site.start()
    const looked = (): number => workspace.of('conversations.history').length
    // Another server may still be at it: half a minute.
    if (mayBeThere !== undefined) await until(() => looked() > 0)
    await sleep(4_000)
    const cards = (await workspace.messages()).filter((one) => readable(one.blocks).includes('alert'))
    return { cards: cards.length, looked: looked() }
  } finally {
    await site.close()
  }
}

describe('a card', () => {
  it('stands in its channel once, wherever the server is killed around its post: what may be there is looked for', async () => {
    const [before, after, between] = await Promise.all(Object.values(cardPoints).map((kill) => cardsAfter(kill)))
    expect(before).toEqual({ cards: 1, looked: 1 })
    expect(after).toEqual({ cards: 1, looked: 1 })
    expect(between?.cards).toBe(1)
  })

  it('may stand there twice, and no more often, where Falconer may not look', async () => {
    expect(await cardsAfter(whenDone(isCard), { mayLook: false })).toEqual({ cards: 2, looked: 1 })
  })
})
