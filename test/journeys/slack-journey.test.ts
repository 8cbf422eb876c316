/**
 * The whole way in Slack: alerts come in, a card appears, a question is asked and answered under it, an action is proposed, two people approve it there, it
 * runs on the simulated cluster and is verified, the card says so, and the audit log holds both.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTelling } from '../../apps/server/destinations.ts'
import { slackActions } from '../../notify/slack/actions.ts'
import { executeProposal } from '../../responses/execute.ts'
import { listAudit, verifyAudit } from '../../store/audit.ts'
import { listIncidents } from '../../store/incidents.ts'
import { approvalsOf, listProposals } from '../../store/proposals.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'
import { type InSlack, inSlack, slackConfig } from '../support/slack-people.ts'
import { buttonsOf, readable, type Shown, SlackWorkspace } from '../support/slack-workspace.ts'

let workspace: SlackWorkspace
let site: Site
let there: InSlack
const stop = new AbortController()
let tell: () => Promise<void>
beforeAll(async () => {
  workspace = await SlackWorkspace.open()
  site = await openSite({ shop: true, config: { ...slackConfig(workspace), FALCONER_SLACK_CHANNEL: workspace.channel } })
  const { policy } = site.falconer.responses
  const isolate = policy.actions['kubernetes.isolate_pod']
  if (isolate === undefined) throw new Error('the policy has no isolate_pod')
  const actions = { ...policy.actions, 'kubernetes.isolate_pod': { ...isolate, quorum: 2 } }
  site.falconer.responses = { ...site.falconer.responses, policy: { ...policy, actions } }
  there = await inSlack(site, workspace)
  const round = await startTelling(site.falconer, stop.signal)
  // Seconds pass, a round in each, as in a server.
  tell = async () => {
    for (let second = 0; second < 40; second += 1) {
      while (await round());
      site.clock.advance(1_000)
    }
  }
}, 120_000)
afterAll(async () => {
  stop.abort()
  await there.slack.stop()
  await site.close()
  await workspace.close()
})

const cards = async (): Promise<Shown[]> => (await workspace.messages()).filter(({ blocks = [] }) => blocks.length > 0)
const cardOf = async (says: RegExp): Promise<Shown> => {
  const found = (await cards()).find(({ blocks }) => says.test(readable(blocks)))
  if (found === undefined) throw new Error(`no card says ${says}: ${(await cards()).map(({ blocks }) => readable(blocks)).join('\n---\n')}`)
  return found
}

it('from an alert to a verified action, by two people in Slack', async () => {
  await there.link('ada', site.people.responder)
  await there.link('bob', site.people.administrator)
  await site.ingest(JSON.stringify(alertOfShop()))
  await site.settle()
  await tell()
  const incident = (await listIncidents(site.db, {}, { limit: 1 })).incidents[0]?.id ?? ''
  const { ts } = await cardOf(/Critical: /)

  await there.send(await workspace.mention('ada', 'what happened?', ts))
  const replies = await workspace.thread(ts)
  expect(replies.map(({ blocks }) => readable(blocks)).join('\n')).toMatch(/Redirect STDOUT\/STDIN[\s\S]*Every sentence was checked/)

  const [proposal] = await listProposals(site.db, { incidentId: incident, states: ['pending'] }, 10)
  expect(proposal?.action).toBe('kubernetes.isolate_pod')
  const id = proposal?.id ?? ''
  const card = await cardOf(/Isolate .*: waits for a decision/)
  const first = await workspace.click('ada', card, slackActions.approve)
  await there.send(first)
  const form = workspace.submit('ada', 'a shell to a stranger')
  await there.send(form)
  await tell()
  expect(readable((await cardOf(/Isolate .*: waits for a decision/)).blocks)).toMatch(/Somebody responder \(responder\) approved by slack/)
  // Once more, all of it.
  await there.send(first)
  await there.send(form)
  expect((await approvalsOf(site.db, id)).length).toBe(1)

  await there.send(await workspace.click('bob', await cardOf(/Isolate .*: waits for a decision/), slackActions.approve))
  await there.send(workspace.submit('bob', 'agreed'))
  await executeProposal(site.falconer.responses, id)
  site.falconer.changed('proposals')
  await tell()

  const [done] = await listProposals(site.db, { incidentId: incident, states: ['succeeded'] }, 10)
  expect(done).toMatchObject({ id, result: { status: 'succeeded' } })
  expect(done?.result?.observation.level).not.toBe('none')
  const last = await cardOf(/Isolate .*: done/)
  expect(last.ts).toBe(card.ts)
  expect(readable(last.blocks)).toMatch(/Somebody responder[\s\S]*Somebody administrator \(administrator\) approved by slack/)
  expect(buttonsOf(last).map(({ action_id }) => action_id)).toEqual([slackActions.open])
  // A click that was under way when the card changed.
  await there.send(
    await workspace.press(
      'ada',
      card.ts,
      slackActions.reject,
      buttonsOf(card).find(({ action_id }) => action_id === slackActions.reject)?.value,
    ),
  )
  expect(readable(workspace.form.blocks)).toContain('It is succeeded already')

  const audit = (await listAudit(site.db, { subject: `proposal/${id}` })).toReversed()
  expect(audit.filter(({ channel }) => channel === 'slack').map(({ action, principal }) => [action, principal.name])).toEqual([
    ['proposal approved', 'Somebody responder'],
    ['proposal approved', 'Somebody administrator'],
  ])
  expect((await verifyAudit(site.db)).broken).toBeNull()
}, 120_000)
