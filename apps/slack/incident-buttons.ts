/**
 * Buttons on the cards of incidents: have it investigated, say whose it is, say that it is none. Each with the role of the person who presses it, on the very
 * incident that the card shows: one that is closed, or part of another since, is left alone. Pressed twice, each does what once does.
 */
import type { App, BlockAction, ButtonAction, types } from '@slack/bolt'
import { DeniedError } from '../../domain/errors.ts'
import { shortId } from '../../domain/ids.ts'
import type { Permission } from '../../domain/principal.ts'
import { closeAs, noteOnce } from '../../incidents/decide.ts'
import { slackActions } from '../../notify/slack/actions.ts'
import { findIncident } from '../../store/find.ts'
import { investigationsOf } from '../../store/investigations.ts'
import type { SlackUser } from '../../store/slack-links.ts'
import { askNow } from '../server/asking.ts'
import type { Asker } from '../server/chat.ts'
import { baseUrl } from '../server/urls.ts'
import { permit } from '../server/who.ts'
import { noticeModal, reasonBlock, reasonIn, reasonInput, textOf, whoSent } from './forms.ts'
import { askerOf, howToLink, type Parts, told, whisper } from './parts.ts'

const notIncidentCallback = 'falconer_not_incident_form'
const doubleClickMs = 10_000
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
    const reason = reasonIn(view.state)
    if (reason === '') return ack({ response_action: 'errors', errors: { [reasonBlock]: 'Say why.' } })
    const answer = await notAnIncident(parts, whoSent(body), view.private_metadata, reason).catch((error: unknown) => told(parts, error))
    await ack({ response_action: 'update', view: typeof answer === 'string' ? noticeModal('Not an incident', answer) : answer })
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
    await standing(parts, incident)
    return work({ asker, incident, trigger: body.trigger_id })
  }
  const says = await doIt().catch((error: unknown) => told(parts, error))
  if (says !== null)
    await whisper(parts, { channel: body.channel?.id ?? '', user: who.user, direct: false, thread: body.message?.thread_ts }, says)
}

/** What it became part of nobody looked at here. Throws DeniedError, NotFoundError. */
async function standing({ falconer: { db } }: Parts, incident: string): Promise<void> {
  const { id, state } = await findIncident(db, incident)
  if (id !== incident) throw new DeniedError('state', `It is part of ${shortId('incident', id)} by now. Use the buttons of that one.`)
  if (state === 'closed') throw new DeniedError('state', closedAlready)
}
const closedAlready = 'It is closed already. Whoever may decide on incidents can reopen it on its page.'

async function investigate({ falconer }: Parts, { asker, incident }: Press): Promise<string> {
  if (falconer.asking.why === null) {
    await askNow(falconer, incident, asker)
    return `${falconer.asking.title} is asked about it. The card changes when there is a report.`
  }
  const [newest] = await investigationsOf(falconer.db, incident)
  if (newest?.status === 'done' && falconer.clock.now().getTime() - newest.startedAt.getTime() < doubleClickMs)
    return 'The playbook has only just investigated it; the card shows what it found.'
  await falconer.investigateNow(incident, asker.principal.name)
  return 'The playbook has investigated it anew; the card shows what it found.'
}

async function assign({ falconer: { db, clock, changed } }: Parts, { asker, incident }: Press): Promise<string> {
  const text = `${asker.principal.name} takes care of this.`
  const fresh = await noteOnce(db, clock, asker, { incident, text }, 'Assign me, in Slack')
  changed('incidents')
  return fresh ? 'It is yours: a note on the incident says so.' : 'It is yours already.'
}

/** What the person is shown then; words alone where that is nothing but a refusal. */
async function notAnIncident(parts: Parts, who: SlackUser, incident: string, reason: string): Promise<types.ModalView | string> {
  const asker = await askerOf(parts, who)
  if (asker === null) return howToLink
  permit(asker, 'incidents.decide')
  await standing(parts, incident)
  const { db, clock, changed } = parts.falconer
  if (!(await closeAs(db, clock, asker, { incident, verdict: 'false_positive' }, reason))) return closedAlready
  changed('incidents')
  const says =
    'It is closed as a false positive, for the reason you gave. Was that a mistake? Reopen it on its page, under “Decide”, and say there what it was.'
  return noticeModal('Not an incident', says, `${baseUrl(parts.falconer)}/incidents/${incident}`)
}

const notIncidentForm = (incident: string): types.ModalView => ({
  type: 'modal',
  callback_id: notIncidentCallback,
  private_metadata: incident,
  title: textOf('Not an incident'),
  submit: textOf('Close it'),
  close: textOf('Cancel'),
  blocks: [reasonInput('Why it is none. It is closed as a false positive; it can be reopened on its page.', { optional: false })],
})
