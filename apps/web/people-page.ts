/** People and their links; one's own account with passkeys and tokens. */
import { html } from 'hono/html'
import { type Role, roles } from '../../domain/principal.ts'
import type { ApiToken, Passkey } from '../../store/credentials.ts'
import type { Grant } from '../../store/oauth.ts'
import type { User } from '../../store/people.ts'
import type { Falconer } from '../server/falconer.ts'
import { scopeWords } from '../server/oauth-site.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, type Html, nothing, timeOf, untrusted } from './parts.ts'

const options = (selected: Role, upTo: Role = 'administrator'): Html =>
  html`${roles.slice(0, roles.indexOf(upTo) + 1).map((role) => html`<option value="${role}"${role === selected ? html` selected` : nothing}>${role}</option>`)}`

export function peoplePage(
  falconer: Falconer,
  who: Who,
  users: readonly User[],
  made: { name: string; url: string; expiresAt: Date } | null,
): Html {
  return layout(
    { title: 'People', place: 'people', who, falconer, live: made === null ? ['people'] : [] },
    html`<h1>People</h1>
${made === null ? nothing : html`<section class="card"><h2>Link for ${untrusted(made.name, 80)}, shown this once</h2><pre><code id="link">${made.url}</code></pre><p><button class="second small" type="button" data-copy="link">Copy link</button> <span class="quiet">works once, until ${timeOf(made.expiresAt)}</span></p></section>`}
<div class="card table"><table class="stack"><thead><tr><th>Name</th><th>Role</th><th>Last seen</th><th></th></tr></thead><tbody>${users.map(
      (
        user,
      ) => html`<tr><td class="wide"><span class="main">${untrusted(user.name, 80)}</span>${user.id === who.principal.personId ? html` <span class="quiet">you</span>` : nothing}${user.disabledAt === null ? nothing : html` <span class="badge state">disabled</span>`}</td>
<td data-label="Role"><form class="inline" method="post" action="/people/${user.id}/role">${csrfField(who.csrf)}<select name="role" aria-label="Role of ${untrusted(user.name, 80)}">${options(user.role)}</select> <button class="second small">Set</button></form></td><td data-label="Last seen">${timeOf(user.lastSeenAt, 'not signed in')}</td>
<td class="wide"><form class="inline" method="post" action="/people/${user.id}/link">${csrfField(who.csrf)}<button class="second small">New link</button></form> <form class="inline" method="post" action="/people/${user.id}/${user.disabledAt === null ? 'disable' : 'enable'}">${csrfField(who.csrf)}<button class="${user.disabledAt === null ? 'danger' : 'second'} small">${user.disabledAt === null ? 'Disable' : 'Enable'}</button></form></td></tr>`,
    )}</tbody></table></div>
<section class="card"><h2>Invite somebody</h2><form method="post" action="/people">${csrfField(who.csrf)}<label for="name">Name</label><input type="text" id="name" name="name" required maxlength="80" autocomplete="off"><label for="role">Role</label><select id="role" name="role">${options('responder')}</select>
<ul class="quiet roles"><li><strong>viewer</strong> reads everything but people and the audit log</li><li><strong>investigator</strong> also investigates, decides on incidents, proposes actions</li><li><strong>responder</strong> also approves actions, undoes them, imports files</li><li><strong>administrator</strong> also manages people and sources, and reads the audit log</li></ul><div class="actions"><button>Make an invitation link</button></div></form></section>`,
  )
}

export function accountPage(
  falconer: Falconer,
  who: Who,
  data: { passkeys: Passkey[]; tokens: ApiToken[]; programs: Grant[]; slack: SlackAccount[]; made: { token: string } | null },
): Html {
  return layout(
    { title: 'Your account', place: 'account', who, falconer },
    html`<h1>${untrusted(who.principal.name, 80)}</h1><p class="headline"><span>${who.principal.role}</span></p>
${data.made === null ? nothing : html`<section class="card"><h2>Your new token, shown this once</h2><pre><code id="token">${data.made.token}</code></pre><p><button class="second small" type="button" data-copy="token">Copy token</button></p></section>`}
<section class="card"><h2>Passkeys</h2>${data.passkeys.length === 0 ? html`<p>You have none: add one, so that you can sign in on this device without a new link.</p>` : html`<ul class="claims">${data.passkeys.map((passkey) => html`<li>${untrusted(passkey.name, 80)} <span class="quiet">added ${timeOf(passkey.createdAt)}, used ${timeOf(passkey.lastUsedAt)}</span> <form class="inline" method="post" action="/account/passkeys/remove">${csrfField(who.csrf)}<input type="hidden" name="id" value="${passkey.credentialId}"><button class="danger small">Remove</button></form></li>`)}</ul>`}
<div data-needs-passkeys><label for="passkey-name">Name of this device</label><input type="text" id="passkey-name" maxlength="80" placeholder="Laptop"><div class="actions"><button type="button" class="second" data-passkey="add">Add a passkey</button></div><p id="passkey-problem" class="problem" role="alert" hidden></p></div></section>
<section class="card"><h2>API tokens</h2><p class="quiet">For the command line and scripts. A token can read and propose as far as its role goes; no token can approve.</p>${data.tokens.length === 0 ? nothing : html`<div class="table"><table class="stack"><thead><tr><th>Name</th><th>Role</th><th>Expires</th><th>Last used</th><th></th></tr></thead><tbody>${data.tokens.map((token) => html`<tr><td class="wide"><span class="main">${untrusted(token.name, 80)}</span> <span class="quiet">${untrusted(token.userName, 60)}</span></td><td data-label="Role">${token.role}${token.scopes === null ? nothing : html`<br><span class="quiet">MCP: ${shortScopes(token.scopes)}</span>`}</td><td data-label="Expires">${timeOf(token.expiresAt)}</td><td data-label="Last used">${timeOf(token.lastUsedAt)}</td><td class="wide">${token.revokedAt === null ? html`<form class="inline" method="post" action="/account/tokens/${token.id}/revoke">${csrfField(who.csrf)}<button class="danger small">Revoke</button></form>` : html`<span class="quiet">revoked</span>`}</td></tr>`)}</tbody></table></div>`}
<form method="post" action="/account/tokens">${csrfField(who.csrf)}<label for="token-name">Name</label><input type="text" id="token-name" name="name" required maxlength="80" autocomplete="off"><label for="token-role">Role</label><select id="token-role" name="role">${options('viewer', who.principal.role)}</select><label for="days">Days it is valid</label><input type="number" id="days" name="days" value="90" min="1" max="366"><details class="more"><summary>Only for MCP</summary><fieldset class="choices rows"><legend>Good at the MCP address alone</legend><label><input type="checkbox" name="only" value="mcp"> only for MCP, and there only to:</label>${[...scopeWords].map(([scope, words]) => html`<label><input type="checkbox" name="scope" value="${scope}" checked> ${words}</label>`)}</fieldset></details><div class="actions"><button class="second">Make a token</button></div></form></section>
${programsPart(who, data.programs)}${slackPart(who, data.slack)}
<section class="card"><h2>Keyboard</h2><p><code>j</code> and <code>k</code> walk a list, <code>Enter</code> opens. <code>g</code> then <code>i</code>, <code>a</code>, <code>s</code> or <code>c</code>: incidents, approvals, sources, inventory.</p></section>
<form method="post" action="/sign-out">${csrfField(who.csrf)}<button class="second">Sign out</button></form>`,
  )
}

const shortScopes = (scopes: readonly string[]): string => scopes.map((one) => one.replace('falconer:', '')).join(', ')

/** Programs that this person let in over MCP. */
type SlackAccount = { team: string; user: string; linkedAt: Date }
const slackPart = (who: Who, accounts: readonly SlackAccount[]): Html =>
  accounts.length === 0
    ? nothing
    : html`<section class="card"><h2>You in Slack</h2><ul class="rows">${accounts.map(({ team, user, linkedAt }) => html`<li><code>${untrusted(user, 40)}</code> of workspace <code>${untrusted(team, 40)}</code>, since ${timeOf(linkedAt)} <form class="inline" method="post" action="/account/slack/end">${csrfField(who.csrf)}<input type="hidden" name="team" value="${team}"><input type="hidden" name="user" value="${user}"><button class="danger small">End</button></form></li>`)}</ul></section>`

const programsPart = (who: Who, programs: readonly Grant[]): Html =>
  programs.length === 0
    ? nothing
    : html`<section class="card"><h2>Programs you let in</h2><div class="table"><table class="stack"><thead><tr><th>Name</th><th>May</th><th>Since</th><th>Last used</th><th></th></tr></thead><tbody>${programs.map((one) => html`<tr><td class="wide"><span class="main">${untrusted(one.clientName, 80)}</span></td><td data-label="May">${shortScopes(one.scopes)}</td><td data-label="Since">${timeOf(one.createdAt)}</td><td data-label="Last used">${timeOf(one.lastUsedAt)}</td><td class="wide"><form class="inline" method="post" action="/account/programs/${one.id}/end">${csrfField(who.csrf)}<button class="danger small">End</button></form></td></tr>`)}</tbody></table></div></section>`
