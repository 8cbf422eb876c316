/** Buttons on the cards of incidents: have it investigated, say whose it is, say that it is none. Each with the role of the person who presses it. */
import type { App, BlockAction, ButtonAction, types } from '@slack/bolt'
import type { Permission } from '../../domain/principal.ts'
import { decide, noteOnce } from '../../incidents/decide.ts'
import { slackActions } from '../../notify/slack/actions.ts'
import { findIncident } from '../../store/find.ts'
import type { SlackUser } from '../../store/slack-links.ts'
import { askNow } from '../server/asking.ts'
import type { Asker } from '../server/chat.ts'
import { permit } from '../server/who.ts'
import { reasonBlock, reasonIn, reasonInput, textOf, whoSent } from './forms.ts'
import { askerOf, howToLink, type Parts, told, whisper } from './parts.ts'

const notIncidentCallback = 'falconer_not_incident_form'
type Press = { asker: Asker; incident: string; trigger: string }

export function hearIncidentButtons(app: App, parts: Parts): void {
  const on = (id: string, permission: Permission, work: (press: Press) => Promise<string | null>): void =>
    app.action<BlockAction<ButtonAction>>(id, async ({ ack, body, action }) => {
      await ack()
      await pressed(parts, body, action.value ?? '', permission, work)
    })
  on(slackActions.investigate, 'investigations.run', (press) => investigate(parts, press))
  on(slackActions.assign, 'incidents.decide', (press) => assign(parts, press))
  on(slackActions.notIncident, 'incidents.decide', async ({ incident, trigger }) => {
    await parts.client.views.open({ trigger_id: trigger, view: notIncidentForm(incident) })
    return null
  })
  // It has an address, which the browser opens; Slack wants it acknowledged all the same.
  app.action(slackActions.open, async ({ ack }) => ack())
  app.view(notIncidentCallback, async ({ ack, body, view }) => {
    const problem = await notAnIncident(parts, whoSent(body), view.private_metadata, reasonIn(view.state)).catch((error: unknown) =>
      told(parts, error),
    )
    await (problem === null ? ack() : ack({ response_action: 'errors', errors: { [reasonBlock]: problem.slice(0, 300) } }))
  })
}

async function pressed(
  parts: Parts,
  body: BlockAction,
  incident: string,
  permission: Permission,
  work: (press: Press) => Promise<string | null>,
): Promise<void> {
  const who = whoSent(body)
  const asker = await askerOf(parts, who)
  const doIt = async (): Promise<string | null> => {
    if (asker === null) return howToLink
    permit(asker, permission)
    const { id } = await findIncident(parts.falconer.db, incident)
    return work({ asker, incident: id, trigger: body.trigger_id })
  }
  const says = await doIt().catch((error: unknown) => told(parts, error))
  if (says !== null)
    await whisper(parts, { channel: body.channel?.id ?? '', user: who.user, direct: false, thread: body.message?.thread_ts }, says)
}

async function investigate({ falconer }: Parts, { asker, incident }: Press): Promise<string> {
  if (falconer.asking.why === null) {
    await askNow(falconer, incident, asker)
    return `${falconer.asking.title} is asked about it. The card changes when there is a report.`
  }
  await falconer.investigateNow(incident, asker.principal.name)
  return 'The playbook has investigated it anew; the card shows what it found.'
}

async function assign({ falconer: { db, clock, changed } }: Parts, { asker, incident }: Press): Promise<string> {
  const text = `${asker.principal.name} takes care of this.`
  const fresh = await noteOnce(db, clock, asker, { incident, text }, 'Assign me, in Slack')
  changed('incidents')
  return fresh ? 'It is yours: a note on the incident says so.' : 'It is yours already.'
}

async function notAnIncident(parts: Parts, who: SlackUser, incident: string, reason: string): Promise<string | null> {
  const asker = await askerOf(parts, who)
  if (asker === null) return howToLink
  permit(asker, 'incidents.decide')
  if (reason === '') return 'Say why.'
  const { db, clock, changed } = parts.falconer
  const { id } = await findIncident(db, incident)
  await decide(db, clock, asker.principal, asker.channel, { kind: 'verdict', incident: id, verdict: 'false_positive' }, reason)
  await decide(db, clock, asker.principal, asker.channel, { kind: 'state', incident: id, state: 'closed' }, reason)
  changed('incidents')
  return null
}

const notIncidentForm = (incident: string): types.ModalView => ({
  type: 'modal',
  callback_id: notIncidentCallback,
  private_metadata: incident,
  title: textOf('Not an incident'),
  submit: textOf('Close it'),
  close: textOf('Cancel'),
  blocks: [reasonInput('Why it is none. It is closed as a false positive.', { optional: false })],
})
