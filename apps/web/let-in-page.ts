/** A program asks to be let in. Its name is a stranger's text; what can be trusted is where the answer goes, and that is shown. */
import { html } from 'hono/html'
import { commandLine, commandLineScope } from '../../auth/oauth-clients.ts'
import type { Request } from '../../auth/oauth-consent.ts'
import type { Falconer } from '../server/falconer.ts'
import { scopeWords } from '../server/oauth-site.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, type Html, untrusted } from './parts.ts'

export function letInPage(falconer: Falconer, who: Who, request: Request, fields: ReadonlyMap<string, string>): Html {
  const { host, hostname } = new URL(request.redirectUri)
  const onThisMachine = /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(hostname)
  const isCommandLine = request.client.id === commandLine.id
  return layout(
    { title: 'Let a program in', place: null, who, falconer, narrow: true },
    html`<div class="card"><h1>Let a program in?</h1>
<p>A program that calls itself <strong>${untrusted(request.client.name, 80)}</strong> asks to use Falconer for you, ${untrusted(who.principal.name, 80)}. Falconer does not know who wrote it.</p>
<p>The answer goes to <strong>${untrusted(host, 200)}</strong>${onThisMachine ? ': a program on the machine of this browser.' : html`: <strong>another site</strong>. Go on only if you know it.`}</p>
<form method="post" action="/oauth/authorize">${csrfField(who.csrf)}${[...fields].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
${isCommandLine ? html`<p>It may use the API as you: all that your role ${who.principal.role} may, except approving.</p><input type="hidden" name="give" value="${commandLineScope}">` : html`<fieldset class="choices rows"><legend>It may</legend>${request.scopes.map((scope) => html`<label><input type="checkbox" name="give" value="${scope}" checked> ${scopeWords.get(scope) ?? scope}</label>`)}</fieldset>`}
<p class="quiet">It is never more than your role, <strong>${who.principal.role}</strong>, and it can never approve anything. ${isCommandLine ? 'What it is given is an API token for 90 days; you can revoke it on your account page.' : 'It ends after 90 days, or when you end it on your account page.'}</p>
<p>If you have not just started this yourself, refuse.</p>
<div class="actions"><button name="answer" value="allow">Let it in</button> <button class="second" name="answer" value="refuse">Refuse</button></div></form></div>`,
  )
}
