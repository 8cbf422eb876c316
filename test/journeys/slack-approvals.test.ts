/**
 * Approving in Slack: the same rules as on the page, once more through a second channel (guarantees 14, 15, 16). The whole journey, two people approving on
 * a simulated cluster; and everybody and everything that must not: other roles, the proposer, old cards, other plans, replays, double clicks, late forms.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Policy } from '../../responses/policy.ts'
import { executeProposal } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { propose } from '../../responses/propose.ts'
import { cardValue, slackActions } from '../../notify/slack/actions.ts'
import { listAudit } from '../../store/audit.ts'
import { findEntity } from '../../store/entities.ts'
import { approvalsOf, getProposal, moveProposal } from '../../store/proposals.ts'
import { saveSlackMessage } from '../../store/slack.ts'
import { podUid } from '../support/shop.ts'
import { openSite, type Site } from '../support/site.ts'
import { type InSlack, inSlack, slackConfig } from '../support/slack-people.ts'
import { readable, SlackWorkspace } from '../support/slack-workspace.ts'

describe('guarantee 14, 15 and 16: approvals in Slack', () => {
  let workspace: SlackWorkspace
  let site: Site
  let there: InSlack
  let original: Policy
  beforeAll(async () => {
    workspace = await SlackWorkspace.open(['ada', 'bob', 'eve', 'vic'])
    site = await openSite({ shop: true, config: slackConfig(workspace) })
    original = site.falconer.responses.policy
    there = await inSlack(site, workspace)
    await there.link('ada', site.people.responder)
    await there.link('bob', site.people.administrator)
    await there.link('vic', site.people.investigator)
  }, 120_000)
  beforeEach(() => {
    site.falconer.responses = { ...site.falconer.responses, policy: original }
  })
  afterAll(async () => {
    await there.slack.stop()
    await site.close()
    await workspace.close()
  })

  const policy = (action: string, over: Partial<Policy['actions'][string]>): void => {
    const found = original.actions[action]
    if (found === undefined) throw new Error(action)
    const actions = { ...original.actions, [action]: { ...found, ...over } }
    site.falconer.responses = { ...site.falconer.responses, policy: { ...original, actions } }
  }
  let asked = 0
  /** A planned proposal, and its card in the channel. */
  const card = async (action = 'kubernetes.collect_logs', params: Record<string, unknown> = { tailLines: 100 + (asked += 1) }) => {
    const { falconer, db, clock } = site
    const entity = await findEntity(db, { kind: 'pod', scope: 'lab', key: podUid })
    const { proposal } = await propose(falconer.responses, site.people.investigator.actor, {
      action,
      entityId: String(entity?.id),
      params,
      reason: `look ${asked}`,
      incidentId: null,
      investigationId: null,
    })
    await planProposal(falconer.responses, falconer.responses.executor, proposal.id)
    const now = (await getProposal(db, { id: proposal.id })) ?? proposal
    const { ts } = await workspace.call<{ ts: string }>('chat.postMessage', { channel: workspace.channel, text: `card of ${proposal.id}` })
    await saveSlackMessage(db, { kind: 'proposal', about: proposal.id, channel: workspace.channel, ts, shown: 'x', data: {} }, clock.now())
    const value = cardValue({ id: proposal.id, planHash: now.planHash ?? '' })
    const press = (name: string, what: 'approve' | 'reject' = 'approve') => workspace.press(name, ts, slackActions[what], value)
    return { id: proposal.id, planHash: now.planHash ?? '', ts, value, press }
  }
  const state = async (id: string): Promise<string | undefined> => (await getProposal(site.db, { id }))?.state
  const opened = (): string => readable(workspace.form.blocks)
  /** The form the person is shown next, after they sent the one that was opened. */
  const sendForm = async (name: string, reason: string, form = workspace.form): Promise<string> => {
    const answer = (await (await there.send(workspace.submit(name, reason, form))).json()) as {
      response_action: string
      view: { blocks: unknown }
    }
    expect(answer.response_action).toBe('update')
    return readable(answer.view.blocks)
  }

  it('two people approve what they were shown; it runs once; both are in the audit log with the digest of it', async () => {
    policy('kubernetes.isolate_pod', { quorum: 2 })
    const { id, planHash, press } = await card('kubernetes.isolate_pod', {})
    await there.send(await press('ada'))
    const shown = opened()
    for (const part of ['What will run:', 'Affects:', 'Undo:', planHash, 'approvals by 2 different people', 'checkout-7d9f-aaaaa'])
      expect(shown).toContain(part)
    const form = workspace.form
    const submission = workspace.submit('ada', 'it talks to a stranger', form)
    expect(readable(((await (await there.send(submission)).json()) as { view: { blocks: unknown } }).view.blocks)).toContain(
      'needs approvals by 2',
    )
    expect(await state(id)).toBe('pending')
    // The same form once more, and a second form by the same person: still one approval.
    await there.send(submission)
    await sendForm('ada', 'again', form)
    await there.send(await press('ada'))
    expect(opened()).toContain('It needs another person too')
    expect(await state(id)).toBe('pending')

    await there.send(await press('bob'))
    expect(await sendForm('bob', 'agreed')).toContain('it runs now')
    expect(await state(id)).toBe('approved')
    await executeProposal(site.falconer.responses, id)
    await expect(executeProposal(site.falconer.responses, id)).rejects.toThrow()
    expect(await state(id)).toBe('succeeded')
    const result = (await getProposal(site.db, { id }))?.result
    expect(result?.observation.level).not.toBe('none')
    const given = await approvalsOf(site.db, id)
    expect(given.map(({ name, channel, reason, planHash: hash }) => [name, channel, reason, hash])).toEqual([
      ['Somebody responder', 'slack', 'it talks to a stranger', planHash],
      ['Somebody administrator', 'slack', 'agreed', planHash],
    ])
    const audit = (await listAudit(site.db, { subject: `proposal/${id}` })).filter(({ action }) => action === 'proposal approved')
    expect(audit.map(({ principal, channel, shownDigest }) => [principal.name, channel, /^[0-9a-f]{64}$/.test(shownDigest ?? '')])).toEqual(
      [
        ['Somebody administrator', 'slack', true],
        ['Somebody responder', 'slack', true],
      ],
    )
    // Its old card: nothing can be pressed any more, and a form that was left open does nothing.
    await there.send(await press('bob', 'reject'))
    expect(opened()).toContain('It is succeeded already')
    expect(workspace.form.submit).toBeUndefined()
  })

  it.each([
    ['nobody who is linked', 'eve', null],
    ['an investigator', 'vic', 'This needs the role responder; yours is investigator.'],
  ])('%s decides nothing', async (_who, name, says) => {
    const { id, press } = await card()
    const forms = workspace.of('views.open').length
    await there.send(await press(name))
    await there.send(await press(name, 'reject'))
    if (says === null) {
      expect(workspace.of('views.open').length).toBe(forms)
      expect(String(workspace.of('chat.postEphemeral').at(-1)?.text)).toContain('/falconer link')
    } else expect(opened()).toContain(says)
    // A form that another person was shown, sent by them.
    await there.send(await press('ada'))
    const answer = await sendForm(name, 'me too')
    expect(answer).toMatch(/needs the role|\/falconer link/)
    expect([await state(id), await approvalsOf(site.db, id)]).toEqual(['pending', []])
  })

  it('who proposed it does not approve it where policy says so', async () => {
    policy('kubernetes.collect_logs', { proposerExcluded: true })
    const proposer = await site.visitor('Proposer', 'responder')
    await there.link('eve', proposer)
    const kept = site.people.investigator
    site.people.investigator = proposer
    const { id, press } = await card()
    site.people.investigator = kept
    await there.send(await press('eve'))
    expect(opened()).toContain('somebody else to approve')
    await there.send(await press('ada'))
    expect(await sendForm('eve', 'mine')).toContain('somebody else to approve')
    expect(await state(id)).toBe('pending')
    await there.send(workspace.command('eve', 'unlink'))
  })

  it('what is of high impact is approved on the page only, by whoever sends the form all the same', async () => {
    policy('kubernetes.collect_logs', { impact: undefined })
    const { id, press } = await card()
    await there.send(await press('ada'))
    expect(opened()).toContain('approved on the page only')
    expect(JSON.stringify(workspace.form)).toContain(`/proposals/${id}`)
    expect(workspace.form.submit).toBeUndefined()
    policy('kubernetes.collect_logs', { impact: 'normal' })
    await there.send(await press('ada'))
    policy('kubernetes.collect_logs', { impact: 'high' })
    expect(await sendForm('ada', 'slip')).toContain('approved on the page only')
    expect([await state(id), await approvalsOf(site.db, id)]).toEqual(['pending', []])
    await there.send(await press('ada', 'reject'))
    expect(await sendForm('ada', 'not this')).toContain('You rejected it')
    expect(await state(id)).toBe('rejected')
  })

  it('expires to the millisecond, in the form too', async () => {
    const { id, press } = await card()
    await there.send(await press('ada'))
    const form = workspace.form
    const until = (await getProposal(site.db, { id }))?.expiresAt?.getTime() ?? 0
    site.clock.advance(until - site.clock.now().getTime() + 1)
    expect(await sendForm('ada', 'late', form)).toContain('expired')
    expect(await state(id)).toBe('expired')
    await there.send(await press('bob'))
    expect(opened()).toContain('It is expired already')
    const { id: inTime, press: pressInTime } = await card()
    await there.send(await pressInTime('ada'))
    const last = (await getProposal(site.db, { id: inTime }))?.expiresAt?.getTime() ?? 0
    site.clock.advance(last - site.clock.now().getTime())
    expect(await sendForm('ada', 'just in time')).toContain('it runs now')
  })

  it('another plan than the one that was shown is not approved', async () => {
    const { id, ts, press } = await card()
    const other = cardValue({ id, planHash: `v1:${'0'.repeat(64)}` })
    await there.send(await workspace.press('ada', ts, slackActions.approve, other))
    expect(opened()).toContain('not the one that this card showed')
    await there.send(await press('ada'))
    const form = workspace.form
    const held = JSON.parse(String((form as { private_metadata: unknown }).private_metadata)) as object
    const forged = { ...form, private_metadata: JSON.stringify({ ...held, planHash: `v1:${'0'.repeat(64)}` }) }
    expect(await sendForm('ada', 'forged', forged)).toContain('not the one you were shown')
    await moveProposal(site.db, id, ['pending'], { state: 'superseded', reason: 'the target has changed' }, site.clock.now())
    expect(await sendForm('ada', 'too late', form)).toContain('superseded')
    await there.send(await press('ada'))
    expect(opened()).toContain('It is superseded already: the target has changed')
    expect(await approvalsOf(site.db, id)).toEqual([])
  })

  it('buttons of messages that are no card of ours, or of another proposal’s card, do nothing', async () => {
    const [one, two] = [await card(), await card()]
    const { ts } = await workspace.call<{ ts: string }>('chat.postMessage', { channel: workspace.channel, text: 'looks like a card' })
    for (const [at, value] of [
      [ts, one.value],
      [two.ts, one.value],
      [one.ts, 'nonsense'],
      [one.ts, undefined],
    ] as const) {
      await there.send(await workspace.press('ada', at, slackActions.approve, value))
      expect(opened()).toContain('no card that Falconer keeps')
      expect(workspace.form.submit).toBeUndefined()
    }
    expect([await state(one.id), await state(two.id)]).toEqual(['pending', 'pending'])
  })

  it('double clicks and replays do nothing', async () => {
    const { id, press } = await card()
    const click = await press('ada')
    await there.send(click)
    const forms = workspace.of('views.open').length
    await there.send(click)
    await Promise.all([there.send(click), there.send(click)])
    expect(workspace.of('views.open').length).toBe(forms)
    const form = workspace.form
    const sends = Array.from({ length: 4 }, () => workspace.submit('ada', 'once', form))
    await Promise.all(sends.map((one) => there.send(one)))
    site.clock.advance(61_000)
    for (const one of sends) await there.send(one)
    expect((await approvalsOf(site.db, id)).map(({ decision, reason }) => [decision, reason])).toEqual([['approve', 'once']])
    expect((await listAudit(site.db, { subject: `proposal/${id}` })).filter(({ action }) => action === 'proposal approved')).toHaveLength(1)
  })
})
