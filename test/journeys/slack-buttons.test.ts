/**
 * The buttons on cards of incidents, as Falconer posts them: pressed once, twice and at once, by people who may and who may not, and on cards whose incident is
 * closed or part of another by now. What “Not an incident…” closed by mistake is opened again as the form says.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askingThis } from '../../apps/server/asking.ts'
import { startTelling } from '../../apps/server/destinations.ts'
import type { Incident } from '../../domain/incident.ts'
import { shortId } from '../../domain/ids.ts'
import { decide } from '../../incidents/decide.ts'
import { slackActions } from '../../notify/slack/actions.ts'
import { listAudit } from '../../store/audit.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { deepeningsOf } from '../../store/deepenings.ts'
import { incidentsById, listIncidents } from '../../store/incidents.ts'
import { investigationsOf } from '../../store/investigations.ts'
import { scriptedAnalyst } from '../support/scripted-analyst.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'
import { type InSlack, inSlack, slackConfig } from '../support/slack-people.ts'
import { buttonsOf, readable, type Shown, SlackWorkspace } from '../support/slack-workspace.ts'
import { spend } from '../support/spend-rows.ts'

const { investigate, assign, notIncident, open } = slackActions
const acting = [investigate, assign, notIncident] as const
let workspace: SlackWorkspace
let site: Site
let there: InSlack
const stop = new AbortController()
/** Seconds pass, a round of telling in each, as in a server. */
let tell: () => Promise<void>
beforeAll(async () => {
  workspace = await SlackWorkspace.open(['ada', 'bob', 'vic', 'eve'])
  site = await openSite({ config: { ...slackConfig(workspace), FALCONER_SLACK_CHANNEL: workspace.channel } })
  there = await inSlack(site, workspace)
  const round = await startTelling(site.falconer, stop.signal)
  tell = async () => {
    for (let second = 0; second < 30; second += 1) {
      while (await round());
      site.clock.advance(1_000)
    }
  }
  await there.link('ada', site.people.investigator)
  await there.link('bob', site.people.responder)
  await there.link('vic', site.people.viewer)
}, 120_000)
afterAll(async () => {
  stop.abort()
  await there.slack.stop()
  await site.close()
  await workspace.close()
})

let made = 0
type Told = { incident: Incident; card: Shown; press(name: string, id: string): Promise<string> }
/** An incident of its own, investigated, and its card. */
async function told(): Promise<Told> {
  made += 1
  const before = new Set((await listIncidents(site.db, {}, { limit: 100 })).incidents.map(({ id }) => id))
  const container = made.toString(16).padStart(12, 'f')
  const time = site.clock.now().toISOString().replace('Z', '000001Z')
  const fields = { 'container.id': container, 'fd.name': `10.42.0.${made}:40000->203.0.113.${made}:4444`, 'fd.sip': `203.0.113.${made}` }
  await site.ingest(JSON.stringify(alertOfShop({ time, hostname: `node-of-${made}` }, fields)))
  await site.settle()
  await tell()
  const incident = (await listIncidents(site.db, {}, { limit: 100 })).incidents.find(({ id }) => !before.has(id))
  if (incident === undefined) throw new Error('no incident of its own')
  const card = await cardOf(incident.id)
  const values = new Map(buttonsOf(card).map(({ action_id, value }) => [action_id, value]))
  /** What they are told alone; or what the form that opens says. */
  const press: Told['press'] = async (name, id) => {
    const [whispers, forms] = [workspace.of('chat.postEphemeral').length, workspace.of('views.open').length]
    await there.send(await workspace.press(name, card.ts, id, values.get(id)))
    const whisper = workspace.of('chat.postEphemeral').slice(whispers)
    for (const one of whisper) expect(one).toMatchObject({ user: workspace.user(name), channel: workspace.channel })
    const opened = workspace
      .of('views.open')
      .slice(forms)
      .map(({ view }) => `form: ${JSON.stringify(view)}`)
    return [...whisper.map(({ text }) => String(text)), ...opened].join('\n')
  }
  return { incident, card, press }
}
const cardOf = async (id: string): Promise<Shown> => {
  const found = (await workspace.messages()).find(({ blocks = [] }) => JSON.stringify(blocks).includes(`/incidents/${id}`))
  if (found === undefined) throw new Error('no card')
  return found
}
const buttonsNow = async (id: string): Promise<string[]> => buttonsOf(await cardOf(id)).map(({ action_id }) => action_id)
/** All that a press could have changed. */
const standing = async (id: string) => ({
  state: (await incidentsById(site.db, [id]))[0]?.state,
  decisions: (await decisionsOf(site.db, id)).map(({ decision, principalId, reason }) => [decision.kind, principalId, reason]),
  investigations: (await investigationsOf(site.db, id)).length,
  audit: (await listAudit(site.db, { subject: `incident/${id}`, limit: 100 })).map(({ action, channel }) => `${action}, ${channel}`),
})
type Answer = { response_action: string; errors?: Record<string, string>; view?: { blocks: unknown; submit?: unknown } }
const send = async (name: string, reason: string, form = workspace.form): Promise<Answer> =>
  (await (await there.send(workspace.submit(name, reason, form))).json()) as Answer
const says = ({ view }: Answer): string => readable(view?.blocks)

it('a card of an open incident has them', async () => {
  const { incident } = await told()
  expect(await buttonsNow(incident.id)).toEqual([investigate, open, assign, notIncident])
})

describe('who may not', () => {
  it.each([
    ['nobody who is linked', 'eve', /Type \/falconer link/],
    ['a viewer', 'vic', /This needs the role investigator; yours is viewer\./],
  ])('%s changes nothing, by a button or by a form that they were not shown', async (_who, name, refusal) => {
    const { incident, press } = await told()
    const before = await standing(incident.id)
    for (const id of acting) {
      expect(await press(name, id)).toMatch(refusal)
      expect(await press(name, id)).toMatch(refusal)
    }
    await press('ada', notIncident)
    const answer = await send(name, 'none of it')
    expect(says(answer)).toMatch(refusal)
    expect(answer.view?.submit).toBeUndefined()
    expect(await standing(incident.id)).toEqual(before)
  })

  it('who was given a smaller role while the form was open closes nothing', async () => {
    const visitor = await site.visitor('Demoted', 'investigator')
    await there.link('eve', visitor)
    const { incident, press } = await told()
    await press('eve', notIncident)
    await site.ask(`/people/${visitor.id}/role`, { as: site.people.administrator, form: { role: 'viewer' } })
    expect(says(await send('eve', 'none'))).toContain('yours is viewer')
    expect((await standing(incident.id)).state).toBe('open')
    await there.send(workspace.command('eve', 'unlink'))
  })
})

describe('Open', () => {
  it('leads to the page, and pressing it is acknowledged and does nothing else', async () => {
    const { incident, card, press } = await told()
    expect(buttonsOf(card).find(({ action_id }) => action_id === open)?.url).toMatch(
      new RegExp(`^http://localhost:\\d+/incidents/${incident.id}$`),
    )
    const before = await standing(incident.id)
    for (const name of ['ada', 'vic', 'eve']) expect(await press(name, open)).toBe('')
    expect(await standing(incident.id)).toEqual(before)
  })
})

describe('Assign me', () => {
  it('writes one note for each who takes it, however often and at once they press', async () => {
    const { incident, card, press } = await told()
    expect(await press('ada', assign)).toContain('It is yours: a note')
    expect(await press('ada', assign)).toContain('It is yours already')
    await Promise.all(
      [1, 2, 3].map(async () =>
        there.send(await workspace.press('bob', card.ts, assign, buttonsOf(card).find(({ action_id }) => action_id === assign)?.value)),
      ),
    )
    const { decisions, audit, state } = await standing(incident.id)
    expect(decisions.map(([kind, by]) => [kind, by])).toEqual([
      ['note', site.people.investigator.id],
      ['note', site.people.responder.id],
    ])
    expect(audit.filter((one) => one === 'incident note, slack')).toHaveLength(2)
    expect(state).toBe('open')
    const page = await (await site.ask(`/incidents/${incident.id}`, { as: site.people.viewer })).text()
    expect(page).toContain('Somebody investigator takes care of this.')
  })
})

describe('Investigate', () => {
  it('has the playbook look anew, once for a double click', async () => {
    const { incident, card, press } = await told()
    const { investigations } = await standing(incident.id)
    expect(await press('ada', investigate)).toContain('has investigated it anew')
    expect(await press('ada', investigate)).toContain('only just investigated')
    expect((await standing(incident.id)).investigations).toBe(investigations + 1)
    site.clock.advance(60_000)
    const value = buttonsOf(card).find(({ action_id }) => action_id === investigate)?.value
    const whispers = workspace.of('chat.postEphemeral').length
    await Promise.all([1, 2, 3].map(async () => there.send(await workspace.press('bob', card.ts, investigate, value))))
    expect((await standing(incident.id)).investigations).toBe(investigations + 2)
    const answers = workspace
      .of('chat.postEphemeral')
      .slice(whispers)
      .map(({ text }) => String(text))
    expect(answers.filter((text) => text.includes('investigated it anew'))).toHaveLength(1)
    expect(answers.filter((text) => /being investigated by playbook|a moment ago|only just/.test(text))).toHaveLength(2)
  })

  it('asks a model where there is one, once, and says so where the month’s money is spent', async () => {
    const kept = site.falconer.asking
    site.falconer.asking = askingThis(scriptedAnalyst())
    try {
      const { incident, press } = await told()
      // It may have been asked by itself already.
      const before = (await deepeningsOf(site.db, incident.id)).length
      expect(await press('ada', investigate)).toContain('Claude is asked about it')
      expect(await press('bob', investigate)).toContain('Claude is asked about it')
      expect(await deepeningsOf(site.db, incident.id)).toHaveLength(before + 1)
      expect((await standing(incident.id)).audit.filter((one) => one.startsWith('incident model asked'))).toEqual([
        'incident model asked, slack',
      ])
      const other = await told()
      const asked = (await deepeningsOf(site.db, other.incident.id)).length
      await spend(site.db, { at: site.clock.now(), usd: 1_000_000 })
      expect(await other.press('ada', investigate)).toMatch(/Claude was not asked: the cap of .*FALCONER[[_\]]+MODEL/)
      expect(await deepeningsOf(site.db, other.incident.id)).toHaveLength(asked)
    } finally {
      site.falconer.asking = kept
    }
  })
})

describe('Not an incident…', () => {
  it('asks why, closes it once with that reason, says how to undo it, and the page does', async () => {
    const { incident, press } = await told()
    expect(await press('ada', notIncident)).toMatch(/^form: .*closed as a false positive; it can be reopened/)
    const form = workspace.form
    expect(await send('ada', '   ')).toEqual({ response_action: 'errors', errors: { reason: 'Say why.' } })
    expect((await standing(incident.id)).state).toBe('open')

    const done = await send('ada', 'a drill', form)
    expect(says(done)).toMatch(
      /closed as a false positive[\s\S]*mistake\? Reopen it on its page, under “Decide”, and say there what it was[\s\S]*Open the page/,
    )
    expect(JSON.stringify(done.view)).toMatch(new RegExp(`"url":"http://localhost:\\d+/incidents/${incident.id}"`))
    const closed = await standing(incident.id)
    expect(closed.state).toBe('closed')
    expect(closed.decisions).toEqual([
      ['verdict', site.people.investigator.id, 'a drill'],
      ['state', site.people.investigator.id, 'a drill'],
    ])
    // The same form again, and one that was open all the time.
    expect(says(await send('ada', 'a drill', form))).toContain('It is closed already')
    expect(says(await send('bob', 'indeed', form))).toContain('It is closed already')
    await tell()
    expect(await buttonsNow(incident.id)).toEqual([open])
    for (const id of acting) expect(await press('bob', id)).toContain('It is closed already')
    expect(await standing(incident.id)).toEqual(closed)

    const page = await (await site.ask(`/incidents/${incident.id}`, { as: site.people.investigator })).text()
    expect(page).toMatch(/<h2>Decide<\/h2>[\s\S]*>Reopen</)
    await site.ask(`/incidents/${incident.id}/decisions`, {
      as: site.people.investigator,
      form: { do: 'state:open', reason: 'it was real' },
    })
    const opened = await (await site.ask(`/incidents/${incident.id}`, { as: site.people.investigator })).text()
    expect(opened).toMatch(/<option value="false_positive" selected>[\s\S]*called it false positive; a new verdict takes its place/)
    const given = { do: 'verdict', verdict: 'true_positive', reason: 'it was real' }
    await site.ask(`/incidents/${incident.id}/decisions`, { as: site.people.investigator, form: given })
    expect((await standing(incident.id)).decisions.at(-1)).toEqual(['verdict', site.people.investigator.id, 'it was real'])
    await tell()
    expect(await buttonsNow(incident.id)).toEqual([investigate, open, assign, notIncident])
    expect((await workspace.thread((await cardOf(incident.id)).ts)).map(({ blocks }) => readable(blocks)).join('\n')).toContain(
      'Open again.',
    )
    expect(await press('bob', assign)).toContain('It is yours')
  })

  it('sent by several at once closes it once; replayed, it does nothing', async () => {
    const { incident, card, press } = await told()
    await press('ada', notIncident)
    const sends = ['ada', 'bob', 'ada'].map((name) => workspace.submit(name, `by ${name}`))
    await Promise.all(sends.map((one) => there.send(one)))
    const closed = await standing(incident.id)
    expect(closed.decisions.map(([kind]) => kind)).toEqual(['verdict', 'state'])
    const click = await workspace.press('ada', card.ts, notIncident, incident.id)
    await there.send(click)
    const calls = workspace.calls.length
    for (const one of [click, ...sends]) await there.send(one)
    expect(workspace.calls.length).toBe(calls)
    expect(await standing(incident.id)).toEqual(closed)
  })
})

describe('the card of an incident that became part of another', () => {
  it('does nothing to either: nobody has looked at the other one there', async () => {
    const [from, into] = [await told(), await told()]
    await from.press('ada', notIncident)
    const form = workspace.form
    const { principal } = site.people.responder.actor
    const survivor = await decide(
      site.db,
      site.clock,
      principal,
      'web',
      { kind: 'merge', into: into.incident.id, from: from.incident.id },
      'the same',
    )
    const [merged, kept] = survivor === into.incident.id ? [from, into] : [into, from]
    const before = [await standing(kept.incident.id), await standing(merged.incident.id)]
    if (merged === from)
      expect(says(await send('ada', 'none', form))).toContain(`It is part of ${shortId('incident', kept.incident.id)} by now`)
    for (const id of acting)
      expect(await merged.press('bob', id)).toContain(`It is part of ${shortId('incident', kept.incident.id)} by now`)
    expect([await standing(kept.incident.id), await standing(merged.incident.id)]).toEqual(before)
    expect(before[0]?.state).toBe('open')
  })
})

it('a button that names no incident says so', async () => {
  const { card } = await told()
  for (const value of ['nonsense', '00000000-0000-4000-8000-000000000000', undefined]) {
    await there.send(await workspace.press('ada', card.ts, assign, value))
    expect(String(workspace.of('chat.postEphemeral').at(-1)?.text)).toContain('There is no incident')
  }
})
