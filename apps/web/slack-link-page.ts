/** Somebody in Slack asks to be this person. Who it is is said plainly; the code that makes it so is shown here alone, and counts only where it is typed by whoever asked. */
import { html } from 'hono/html'
import type { SlackRequest } from '../../store/slack-links.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, type Html, timeOf, untrusted } from './parts.ts'

const asker = ({ name, user, team, teamName }: SlackRequest): Html =>
  html`<dl class="facts"><div><dt>Who asks, in Slack</dt><dd><strong>${untrusted(name, 80)}</strong> <code>${untrusted(user, 40)}</code></dd></div><div><dt>Workspace</dt><dd><strong>${untrusted(teamName, 80)}</strong> <code>${untrusted(team, 40)}</code></dd></div></dl>`

export function slackLinkPage(falconer: Falconer, who: Who, asked: SlackRequest, token: string): Html {
  return layout(
    { title: 'Link Slack', place: null, who, falconer, narrow: true },
    html`<div class="card"><h1>Is this you in Slack?</h1>
<p>Somebody asks to be <strong>${untrusted(who.principal.name, 80)}</strong> when they use Falconer in Slack.</p>
${asker(asked)}
<p>What this account asks and approves would be asked and approved <strong>by you</strong>, with your role ${who.principal.role}.</p>
<p><strong>Refuse, unless you typed <code>/falconer link</code> yourself just now</strong>, whoever sent you here.</p>
<form method="post" action="/slack/link/${token}">${csrfField(who.csrf)}<div class="actions"><button>This is me: show the code</button> <a class="button second" href="/">Refuse</a></div></form></div>`,
  )
}

export function slackCodePage(
  falconer: Falconer,
  who: Who,
  { asked, code, expiresAt }: { asked: SlackRequest; code: string; expiresAt: Date },
): Html {
  return layout(
    { title: 'Link Slack', place: null, who, falconer, narrow: true },
    html`<div class="card"><h1>Type this in Slack</h1>
<pre><code id="code">/falconer link ${code.slice(0, 4)}-${code.slice(4)}</code></pre>
<p><button class="second small" type="button" data-copy="code">Copy</button></p>
<p>It counts until ${timeOf(expiresAt)}, once, and only when this account types it:</p>
${asker(asked)}
<p><strong>Give the code to nobody.</strong> Whoever asks you for it wants to act as you.</p></div>`,
  )
}
