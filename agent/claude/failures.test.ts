/**
 * Guarantee 9: whatever a model does or its provider fails to do, an investigation ends in a right report or in a partial one that says why and what it took.
 * Never a hang, never more calls than were allowed.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { claimParts, type Report } from '../../domain/report.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { bare, caseIn, emptyReport, investigator } from '../../test/support/analyst-site.ts'
import { type Asked, inTurn, replies, type Reply, type Script } from '../../test/support/messages-api.ts'
import { openSite, type Site } from '../../test/support/site.ts'
import { recordStory } from '../../test/support/story.ts'

let site: Site
let incidentId: string
beforeAll(async () => {
  site = await openSite()
  incidentId = (await recordStory(site.db, site.clock, 'lab')).id
}, 240_000)
afterAll(() => site.close())
beforeEach(async () => {
  site.clock.advance(60_000)
  await site.db.query(sql`delete from investigations`)
})

const looking = (): Reply => replies.tools([{ name: 'get_coverage', input: {} }])
const report = (asked: Asked) => {
  const [first] = caseIn(asked).alerts
  const summary = [{ text: `Rule ⟦${bare(first?.rule)}⟧ fired.`, kind: 'observation' as const, cites: [`alert:${first?.id}`] }]
  return { ...emptyReport, summary }
}
const right: Script = (asked) => replies.structured(report(asked))
const claims = (of: Report | null) => claimParts.flatMap((part) => of?.[part] ?? [])

describe('guarantee 9: ends in the playbook’s report, which says why the model stopped', () => {
  it.each<[string, Script, RegExp, number]>([
    ['refuses', replies.refusal, /It refused to answer/, 1],
    ['refuses after it looked', inTurn(looking(), replies.refusal()), /It refused to answer/, 2],
    ['answers no JSON', () => replies.text('{"verdict": "benign", "summary": ['), /did not answer with a report, twice/, 2],
    ['answers prose', () => replies.text('All is well.'), /did not answer with a report, twice/, 2],
    ['answers another form', () => replies.structured({ ...emptyReport, verdict: 'closed' }), /did not answer with a report, twice/, 2],
    ['answers nothing', () => replies.text(''), /did not answer with a report, twice/, 2],
    [
      'is over-long',
      () => replies.tooLong(`{"verdict":"benign","summary":[${'"x",'.repeat(20_000)}`),
      /did not answer with a report, twice/,
      2,
    ],
    ['is rate-limited', () => replies.rateLimited('0'), /answered 429/, 3],
    ['is told to wait for long', () => replies.rateLimited('3600'), /answered 429/, 1],
    ['answers 500', () => replies.status(500), /answered 500/, 3],
    ['is overloaded', replies.overloaded, /answered 529/, 3],
    ['is not to be asked', () => replies.status(401, 'authentication_error'), /answered 401/, 1],
    ['fails after it looked', inTurn(looking(), replies.status(500)), /answered 500/, 4],
    ['is cut', () => replies.cut(), /cannot be reached|was cut/, 3],
    ['breaks off', replies.reset, /cannot be reached/, 3],
    ['is no API', () => replies.notJson(), /./, 1],
  ])('when it %s', async (_what, script, why, calls) => {
    const claude = await investigator(site.falconer, script)
    const { status, report: got, id } = await claude.investigate(incidentId)
    expect(status).toBe('done')
    expect(got).toMatchObject({ analyst: 'playbook', verdict: 'true_positive', ungrounded: 0 })
    expect(got?.partial).toMatch(why)
    expect(got?.partial).toMatch(/The model stopped after \d+ calls?\. .* What stands here is the playbook’s\.$/)
    expect(got?.model).toMatch(/^anthropic\//)
    expect(got?.spend?.calls).toBeLessThanOrEqual(calls)
    expect(claude.api.asked.length).toBeLessThanOrEqual(calls)
    expect((await stepsOf(site.db, id)).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['began', 'stopped', 'done']))
  })

  it('when it never stops asking', async () => {
    const claude = await investigator(site.falconer, looking, { turns: { investigate: 5, mend: 1 } })
    const { report: got } = await claude.investigate(incidentId)
    expect(got).toMatchObject({ analyst: 'playbook', spend: { calls: 5 } })
    expect(got?.partial).toMatch(/after 5 calls\. It did not stop asking/)
  })

  it('when it asks everything at once, again and again', async () => {
    const many = () => replies.tools(Array.from({ length: 40 }, () => ({ name: 'get_coverage', input: {} })))
    const claude = await investigator(site.falconer, many, { turns: { investigate: 3, mend: 1 } })
    const { report: got, id } = await claude.investigate(incidentId)
    expect(got).toMatchObject({ analyst: 'playbook', spend: { calls: 3 } })
    expect((await stepsOf(site.db, id)).filter(({ kind }) => kind === 'answered').length).toBeLessThanOrEqual(30)
  })

  it.each([
    ['calls', { calls: 2 }, /budget of 2 calls/],
    ['tokens', { tokens: 1_000 }, /budget of 1000 tokens/],
    ['money', { usd: 0.000_001 }, /USD/],
  ])('when its budget of %s is spent', async (_what, limits, why) => {
    const claude = await investigator(site.falconer, looking, { limits })
    const { report: got } = await claude.investigate(incidentId)
    expect(got?.partial).toMatch(why)
    expect(got?.analyst).toBe('playbook')
    expect(got?.spend?.calls).toBeLessThanOrEqual(2)
  })

  it('when it hangs: in the time it has', async () => {
    for (const options of [{ limits: { seconds: 1 } }, { longestMs: 1_000 }]) {
      const began = performance.now()
      const claude = await investigator(site.falconer, replies.hang, options)
      const { report: got } = await claude.investigate(incidentId)
      expect(performance.now() - began).toBeLessThan(15_000)
      expect(got?.analyst).toBe('playbook')
      expect(got?.partial).toMatch(/seconds|longer than/)
      await site.db.query(sql`delete from investigations`)
    }
  })

  it('when the month’s money is spent: it is not asked at all', async () => {
    const claude = await investigator(site.falconer, right, {}, { FALCONER_MODEL_USD_MONTH: '0' })
    const { report: got } = await claude.investigate(incidentId)
    expect(got).toMatchObject({ analyst: 'playbook', spend: null })
    expect(got?.partial).toMatch(/after 0 calls\. Models cost .* this month/)
    expect(claude.api.asked).toEqual([])
  })
})

describe('guarantee 9: ends in its own report', () => {
  it.each<[string, Reply]>([
    ['malformed', replies.text('{"verdict":')],
    ['over-long', replies.tooLong('{"verdict":"benign"')],
    ['overloaded', replies.overloaded()],
  ])('when it was %s once, and right the next time', async (_what, first) => {
    const claude = await investigator(site.falconer, inTurn(first, right))
    const { report: got } = await claude.investigate(incidentId)
    expect(got).toMatchObject({ analyst: 'claude', partial: null, ungrounded: 0 })
    expect(claude.api.asked.length).toBe(2)
  })

  it('with nothing but hypotheses, when it cites nothing or lies in every number', async () => {
    const liar = (asked: Asked, cites: (own: string[]) => string[]) => {
      const all = caseIn(asked).alerts.slice(0, 8)
      const lies = all.flatMap((alert) => [
        `At ⟦${shifted(alert.at?.slice(11, 19) ?? '')}⟧ it began.`,
        `Process ${shifted('4821')} ran from 10.99.${shifted('12')}.7.`,
        `There were ${shifted('50')} of rule ⟦${bare(alert.rule)}⟧.`,
      ])
      return {
        ...emptyReport,
        summary: lies.slice(0, 6).map((text, at) => ({ text, kind: 'observation' as const, cites: cites([`alert:${all[at >> 1]?.id}`]) })),
      }
    }
    for (const cites of [(own: string[]) => own, () => []]) {
      const claude = await investigator(site.falconer, (asked) => replies.structured(liar(asked, cites)))
      const { report: got } = await claude.investigate(incidentId)
      expect(got?.analyst).toBe('claude')
      expect(claims(got)).toHaveLength(6)
      expect(claims(got).filter(({ grounded }) => grounded)).toEqual([])
      expect(got?.ungrounded).toBe(6)
      await site.db.query(sql`delete from investigations`)
    }
  })
  const shifted = (digits: string): string => digits.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 7) % 10))
})

describe('one at a time', () => {
  it('a second one is told who is at it; when it is cut off, the next goes on with it', async () => {
    const stopping = new AbortController()
    let asked = 0
    const waiting: Script = async (one) => {
      asked += 1
      if (asked === 1) return looking()
      if (asked === 2) {
        const second = await claude.investigate(incidentId).catch((error: unknown) => error)
        refusal = second instanceof Error ? second.message : 'it ran'
        stopping.abort()
        return replies.hang()
      }
      return right(one)
    }
    let refusal = ''
    const claude = await investigator(site.falconer, waiting)
    await expect(claude.investigate(incidentId, { signal: stopping.signal })).rejects.toThrow(/goes on when/)
    expect(refusal).toMatch(/being investigated by claude since/)
    site.clock.advance(1)
    const { report: got, id } = await claude.investigate(incidentId)
    expect(got).toMatchObject({ analyst: 'claude', partial: null })
    const steps = await stepsOf(site.db, id)
    expect(steps.filter(({ kind }) => kind === 'asked')).toHaveLength(1)
    expect(steps.filter(({ kind }) => kind === 'began').map(({ text }) => text)).toEqual(['', 'gone on with where it was cut off'])
    // The one that was never answered is asked again; the one that was answered is not.
    expect(asked).toBe(3)
  })
})
