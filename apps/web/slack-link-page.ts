/** Somebody in Slack asks to be this person. Whoever sent the link to somebody else would act as them, so the page says in plain words what is given away. */
import { html } from 'hono/html'
import type { SlackRequest } from '../../store/slack-links.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, type Html, untrusted } from './parts.ts'

export function slackLinkPage(falconer: Falconer, who: Who, asked: SlackRequest, token: string): Html {
  return layout(
    { title: 'Link Slack', place: null, who, falconer, narrow: true },
    html`<div class="card"><h1>Is this you in Slack?</h1>
<p>Somebody in Slack asks to be <strong>${untrusted(who.principal.name, 80)}</strong> here:</p>
<p><strong>${untrusted(asked.name, 80)}</strong>, Slack user <code>${untrusted(asked.user, 40)}</code> of workspace <code>${untrusted(asked.team, 40)}</code></p>
<p>From then on what they ask and approve there is asked and approved <strong>by you</strong>, with your role ${who.principal.role}.</p>
<p><strong>If you did not just type <code>/falconer link</code> in Slack yourself, refuse</strong>, whoever sent you this link.</p>
<form method="post" action="/slack/link/${token}">${csrfField(who.csrf)}<fieldset class="choices rows"><legend>To go on</legend><label><input type="checkbox" name="me" value="yes" required> I am Slack user ${untrusted(asked.user, 40)}, and I asked for this</label></fieldset>
<div class="actions"><button>Link</button> <a class="button second" href="/">Refuse</a></div></form></div>`,
  )
}

export const slackLinkedPage = (falconer: Falconer, who: Who, asked: SlackRequest): Html =>
  layout(
    { title: 'Linked', place: null, who, falconer, narrow: true },
    html`<div class="card"><h1>Linked</h1><p>Slack user <code>${untrusted(asked.user, 40)}</code> is you now. To end it: <code>/falconer unlink</code> in Slack, or your <a href="/account">account page</a>.</p></div>`,
  )
