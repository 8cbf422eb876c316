/**
 * Falconer in Slack: who somebody is (how they become it: test/security/slack-link.test.ts), what they may ask and where, what is answered and by whom, and that what Slack sends twice is done once. The real Bolt
 * app over HTTP at the server’s own address, against an emulator of Slack.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { slackPrincipal } from '../../auth/slack-links.ts'
import { listAudit } from '../../store/audit.ts'
import { coverage } from '../../store/coverage-ledger.ts'
import { listIncidents } from '../../store/incidents.ts'
import { heardWaiting } from '../../store/slack-heard.ts'
import { saveSlackMessage } from '../../store/slack.ts'
import { listThreads, turnsOf } from '../../store/threads.ts'
import { openShopSite } from '../support/chat.ts'
import type { Site, Visitor } from '../support/site.ts'
import { type InSlack, inSlack, slackConfig } from '../support/slack-people.ts'
import { readable, signed, SlackWorkspace, team } from '../support/slack-workspace.ts'

describe('Falconer in Slack', () => {
  let workspace: SlackWorkspace
  let site: Site
  let there: InSlack
  let incident = ''
  beforeAll(async () => {
    workspace = await SlackWorkspace.open()
    ;({ site } = await openShopSite(slackConfig(workspace)))
    there = await inSlack(site, workspace)
    await there.link('ada', site.people.responder)
    incident = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
  }, 120_000)
  afterAll(async () => {
    await there.slack.stop()
    await site.close()
    await workspace.close()
  })

  const last = <T>(all: readonly T[]): T => {
    const one = all.at(-1)
    if (one === undefined) throw new Error('there is none')
    return one
  }
  const threadsOf = ({ id }: Visitor) => listThreads(site.db, { ownerId: id })
  /** What the newest message of a thread says. */
  const said = async (ts: string, channel?: string): Promise<string> => readable(last(await workspace.thread(ts, channel)).blocks)
  const answerTo = async (body: Record<string, unknown>): Promise<Record<string, unknown>> => {
    await there.send(body)
    return last(workspace.responses)
  }

  describe('who somebody is', () => {
    it('tells who is not linked how to be, and nothing else, wherever they ask', async () => {
      const before = await threadsOf(site.people.viewer)
      await there.send(await workspace.mention('eve', 'which incidents are open?'))
      await there.send(await workspace.directMessage('eve', 'which incidents are open?'))
      const slash = await (await there.send(workspace.command('eve', 'incidents'))).text()
      const whispered = last(workspace.of('chat.postEphemeral'))
      const direct = last(workspace.of('chat.postMessage'))
      expect(direct.channel).toBe(await workspace.direct('eve'))
      expect(whispered).toMatchObject({ user: workspace.user('eve'), channel: workspace.channel })
      const told = [String(whispered.text), String(direct.text), slash]
      for (const text of told) {
        expect(text).toContain('/falconer link')
        expect(text).not.toMatch(/inc-|checkout|shop/)
      }
      expect(await threadsOf(site.people.viewer)).toEqual(before)
    })

    it('ends a link from Slack and from the page, and both are audited', async () => {
      await there.link('bob', site.people.investigator)
      await there.send(workspace.command('bob', 'unlink'))
      expect(await slackPrincipal(site.falconer.auth, { team, user: workspace.user('bob') })).toBeUndefined()
      await there.link('bob', site.people.investigator)
      const account = await (await site.ask('/account', { as: site.people.investigator })).text()
      expect(account).toContain(workspace.user('bob'))
      const end = { team, user: workspace.user('bob') }
      await site.ask('/account/slack/end', { as: site.people.viewer, form: end })
      expect(await slackPrincipal(site.falconer.auth, { team, user: workspace.user('bob') })).toBeDefined()
      await site.ask('/account/slack/end', { as: site.people.investigator, form: end })
      expect(await slackPrincipal(site.falconer.auth, { team, user: workspace.user('bob') })).toBeUndefined()
      const ended = (await listAudit(site.db, { limit: 50 }))
        .filter(({ action }) => action === 'slack unlinked')
        .map(({ channel }) => channel)
      expect(ended).toEqual(['web', 'slack'])
    })

    it('whoever is disabled is nobody there at once', async () => {
      const gone = await site.visitor('Gone Soon', 'viewer')
      await there.link('eve', gone)
      await site.ask(`/people/${gone.id}/disable`, { as: site.people.administrator, form: {} })
      const answer = await (await there.send(workspace.command('eve', 'incidents'))).text()
      expect(await slackPrincipal(site.falconer.auth, { team, user: workspace.user('eve') })).toBeUndefined()
      expect(answer).toContain('/falconer link')
    })
  })

  describe('questions', () => {
    it('answers a mention in its thread: one message, first what is done, then the answer with links to records', async () => {
      const question = await workspace.mention('ada', 'which incidents are open?')
      const posted = workspace.of('chat.postMessage').length
      await there.send(question)
      const { ts } = question.event as { ts: string }
      const replies = workspace.of('chat.postMessage').slice(posted)
      expect(replies).toMatchObject([{ channel: workspace.channel, thread_ts: ts }])
      const update = last(workspace.of('chat.update'))
      expect(readable(update.blocks)).toMatch(
        /1 open incident\.[\s\S]*critical[\s\S]*Written by rules, no model\. Every sentence was checked/,
      )
      expect(JSON.stringify(update.blocks)).toMatch(new RegExp(`http://localhost:\\d+/incidents/${incident}`))
      expect(update).toMatchObject({ unfurl_links: 'false', unfurl_media: 'false' })
      expect(await heardWaiting(site.db)).toMatchObject({ waiting: 0 })
    })

    it('remembers the thread, and starts anew in another', async () => {
      const first = await workspace.mention('ada', 'which incidents are open?')
      const { ts } = first.event as { ts: string }
      await there.send(first)
      const threads = (await threadsOf(site.people.responder)).length
      await there.send(await workspace.mention('ada', 'how did they get in to the first one?', ts))
      expect((await threadsOf(site.people.responder)).length).toBe(threads)
      expect(readable(last(workspace.of('chat.update')).blocks)).toContain('checkout')
      await there.send(await workspace.mention('ada', 'which incidents are open?'))
      expect((await threadsOf(site.people.responder)).length).toBe(threads + 1)
    })

    it('is about the incident whose card the thread is under, and that thread is everybody’s', async () => {
      const { ts } = await workspace.call<{ ts: string }>('chat.postMessage', { channel: workspace.channel, text: 'a card' })
      const card = { kind: 'incident', about: incident, channel: workspace.channel, ts, shown: 'x', data: {} }
      await saveSlackMessage(site.db, card, site.clock.now())
      await there.send(await workspace.mention('ada', 'how did they get in?', ts))
      expect(await said(ts)).toMatch(/CVE-2022-29078|ejs/)
      await there.link('bob', site.people.investigator)
      await there.send(await workspace.mention('bob', 'what could come next?', ts))
      const [line] = await listThreads(site.db, { incidentId: incident })
      const turns = await turnsOf(site.db, line?.id ?? '')
      expect(turns.map(({ askedBy, state }) => [askedBy.personId, state])).toEqual([
        [site.people.responder.id, 'answered'],
        [site.people.investigator.id, 'answered'],
      ])
      expect(line?.channel).toBe('slack')
    })

    it('answers in a direct message and in the assistant pane, which offers questions', async () => {
      const channel = await workspace.direct('ada')
      const direct = await workspace.directMessage('ada', 'is anything silent?')
      await there.send(direct)
      expect(await said((direct.event as { ts: string }).ts, channel)).toContain('falco')
      const thread = (direct.event as { ts: string }).ts
      await there.send(
        workspace.event({
          type: 'assistant_thread_started',
          assistant_thread: { user_id: workspace.user('ada'), channel_id: channel, thread_ts: thread, context: {} },
        }),
      )
      expect(last(workspace.of('assistant.threads.setSuggestedPrompts'))).toMatchObject({ channel_id: channel, thread_ts: thread })
      await there.send(await workspace.directMessage('ada', 'what should I fix first?', thread))
      expect(await said(thread, channel)).toContain('ejs')
    })

    it('what Slack sends again is asked once', async () => {
      const question = await workspace.mention('ada', 'which incidents are open?')
      await there.send(question)
      const [line] = await threadsOf(site.people.responder)
      const calls = workspace.calls.length
      // Byte for byte; then as Slack does, with a new time and its count of retries.
      await there.send(question)
      site.clock.advance(60_000)
      await there.send(question, { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' })
      expect(workspace.calls.length).toBe(calls)
      expect(await turnsOf(site.db, line?.id ?? '')).toHaveLength(1)
    })

    it('says nothing in a channel that another company reads, nor to its people, nor to another workspace', async () => {
      const { event } = await workspace.mention('ada', 'which incidents are open?')
      const posted = workspace.of('chat.postMessage').length
      await there.send(workspace.event(event as Record<string, unknown>, { is_ext_shared_channel: true }))
      expect(String(last(workspace.of('chat.postEphemeral')).text)).toContain('another company')
      await there.send(workspace.event({ ...(event as Record<string, unknown>), user_team: 'T999' }))
      await there.send(workspace.event(event as Record<string, unknown>, { team_id: 'T999' }))
      await there.send(workspace.event({ ...(event as Record<string, unknown>), bot_id: 'B1' }))
      expect(workspace.of('chat.postMessage').length).toBe(posted)
    })

    /** Falconer stops, and another begins. */
    const again = async (): Promise<void> => {
      await there.slack.stop()
      there = await inSlack(site, workspace)
      await there.slack.settle()
    }
    const away = { ok: false, error: 'service_unavailable' }
    const tsOf = ({ event }: Record<string, unknown>): string => (event as { ts: string }).ts

    it('an answer that could not be shown before a stop is shown at the next start, and nothing is asked twice', async () => {
      workspace.fails = ({ method }) => (method === 'chat.update' ? away : null)
      const question = await workspace.mention('ada', 'which incidents are open?')
      await there.send(question)
      expect((await heardWaiting(site.db)).error).toContain('service_unavailable')
      workspace.fails = () => null
      await again()
      expect(await workspace.thread(tsOf(question))).toHaveLength(1)
      expect(await said(tsOf(question))).toContain('1 open incident')
      const [line] = await threadsOf(site.people.responder)
      expect(await turnsOf(site.db, line?.id ?? '')).toHaveLength(1)
      expect(await heardWaiting(site.db)).toMatchObject({ waiting: 0 })
      expect(await site.db.query(sql`select 1 from slack_messages where kind = 'turn'`)).toEqual([])
    })

    it('an answer that can never be shown, its message being deleted, keeps no other from being shown', async () => {
      // Somebody who has not asked so much in this minute.
      await there.link('bob', site.people.administrator)
      const gone = await workspace.mention('bob', 'which incidents are open?')
      const other = await workspace.mention('bob', 'is anything silent?')
      let first = ''
      workspace.fails = ({ method, body }) => {
        if (method !== 'chat.update') return null
        first ||= String(body.ts)
        return body.ts === first ? { ok: false, error: 'message_not_found' } : null
      }
      await there.send(gone)
      await there.send(other)
      workspace.fails = () => null
      expect(await said(tsOf(other))).toContain('falco')
      expect(await heardWaiting(site.db)).toMatchObject({ waiting: 0 })
    })

    it('what was asked while Slack could not even say who Falconer is there is answered later, each thread in its order', async () => {
      const patient = await site.visitor('Patient', 'viewer')
      await there.link('eve', patient)
      await there.slack.stop()
      there = await inSlack(site, workspace)
      workspace.fails = ({ method }) => (method === 'auth.test' ? away : null)
      const first = await workspace.mention('eve', 'which incidents are open?')
      const questions = [
        first,
        await workspace.mention('eve', 'how did they get in to the first one?', tsOf(first)),
        await workspace.mention('eve', 'is anything silent?'),
      ]
      const posted = workspace.of('chat.postMessage').length
      for (const question of questions) expect((await there.send(question)).status).toBe(200)
      expect(workspace.of('chat.postMessage')).toHaveLength(posted)
      const covered = (await coverage(site.falconer, { limit: 10 })).covered.find(({ name }) => name === 'questions in Slack')
      expect(covered?.gaps).toMatchObject([{ kind: 'undelivered', says: expect.stringMatching(/^3 questions wait .*service_unavailable/) }])
      workspace.fails = () => null
      await again()
      const [line] = (await threadsOf(patient)).filter(({ turns }) => turns === 2)
      expect((await turnsOf(site.db, line?.id ?? '')).map(({ text, state }) => [text, state])).toEqual([
        ['which incidents are open?', 'answered'],
        ['how did they get in to the first one?', 'answered'],
      ])
      expect(await workspace.thread(tsOf(first))).toHaveLength(3)
      expect(await said(tsOf(questions.at(-1) ?? {}))).toContain('falco')
      const after = (await coverage(site.falconer, { limit: 10 })).covered.find(({ name }) => name === 'questions in Slack')
      expect(after).toBeUndefined()
    })

    it('what cannot be kept is not acknowledged, so that Slack sends it again', async () => {
      const question = await workspace.mention('eve', 'which incidents are open?')
      await site.db.query(sql`alter table slack_heard rename to slack_heard_gone`)
      expect((await there.send(question)).status).toBeGreaterThanOrEqual(500)
      await site.db.query(sql`alter table slack_heard_gone rename to slack_heard`)
      expect((await there.send(question, { 'x-slack-retry-num': '1' })).status).toBe(200)
      expect(await said(tsOf(question))).toContain('1 open incident')
    })

    it('text of records is no mention, no link and no formatting; text of the asker neither', async () => {
      await there.send(workspace.command('ada', 'ask what happened in <!channel> <https://evil.example|namespace> *shop* @here?'))
      const answer = JSON.stringify(last(workspace.responses))
      expect(answer).not.toMatch(/"type":"(?:mrkdwn|broadcast|user|usergroup)"|<!|evil\.example\|/)
      for (const [, url] of answer.matchAll(/"url":"([^"]+)"/g)) expect(url).toMatch(/^http:\/\/localhost:\d+\//)
    })
  })

  describe('/falconer', () => {
    // Somebody who has asked nothing yet.
    beforeAll(async () => there.link('eve', await site.visitor('Typist', 'viewer')))
    it.each([
      ['incidents', /1 open incident/],
      ['fix-first', /ejs/],
      ['fix-first shop', /ejs/],
      ['coverage', /falco/],
      ['ask what is the blast radius of deployment/shop/checkout?', /within reach/],
    ])('%s', async (text, says) => {
      const answer = await answerTo(workspace.command('eve', text))
      expect(answer).toMatchObject({ response_type: 'ephemeral', replace_original: false })
      expect(readable(answer.blocks)).toMatch(says)
    })

    it.each(['', 'help', 'fix-first ../../etc', 'approve everything', 'ask'])('“%s” is answered with what there is', async (text) => {
      const answer = (await (await there.send(workspace.command('eve', text))).json()) as { response_type: string; blocks: unknown }
      expect(answer.response_type).toBe('ephemeral')
      expect(readable(answer.blocks)).toContain('/falconer incidents')
    })
  })

  it('an address without Slack is not there', async () => {
    const { slack } = site.falconer
    site.falconer.slack = null
    const { body, headers } = signed(await workspace.mention('ada', 'hello'), { at: site.clock.now() })
    expect((await site.ask('/slack/events', { method: 'POST', body, headers })).status).toBe(404)
    site.falconer.slack = slack
  })
})
