/** Signing in: by passkey, or by a one-time link. */
import { html } from 'hono/html'
import type { Falconer } from '../server/falconer.ts'
import { layout } from './layout.ts'
import { type Html, nothing, untrusted } from './parts.ts'

export const signInPage = (falconer: Falconer, next: string): Html =>
  layout(
    { title: 'Sign in', place: null, who: null, falconer, narrow: true },
    html`<div class="card"><h1>Sign in</h1>
<p>Open the one-time link that Falconer printed when it started, or that an administrator sent you.</p>
<div data-needs-passkeys><p>If you have added a passkey on this device:</p><button type="button" data-passkey="use">Sign in with a passkey</button><p id="passkey-problem" class="problem" role="alert" hidden></p></div>
${next === '/' ? nothing : html`<p class="quiet">You will then be taken to ${untrusted(next, 120)}. If you have signed in by a link in another tab: <a href="${next}">go on</a>.</p>`}
<details class="more"><summary>No link?</summary><p>On the machine that runs Falconer: <code>falconer users link NAME</code> while it is stopped, or ask an administrator to make one on the People page.</p></details></div>`,
  )

/** Opening the link shows this; only the button uses it up, so that a mail scanner or a preview does not. */
export const useLinkPage = (falconer: Falconer, token: string, name: string): Html =>
  layout(
    { title: 'Sign in', place: null, who: null, falconer, narrow: true },
    html`<div class="card"><h1>Welcome, ${untrusted(name, 80)}</h1><p>This link signs you in on this browser, once.</p><form method="post" action="/sign-in/${token}"><button autofocus>Sign in</button></form></div>`,
  )

export const deadLinkPage = (falconer: Falconer): Html =>
  layout(
    { title: 'This link does not work', place: null, who: null, falconer, narrow: true },
    html`<div class="card"><h1>This link does not work</h1><p>It was used before, has expired, or never was one. Ask an administrator for a new one; if nobody has signed in yet, restart Falconer and it prints a fresh one.</p></div>`,
  )
