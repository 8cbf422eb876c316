/** The page around every page: navigation, the simulated-cluster sign, and the live script. No inline script or style. */
import { html } from 'hono/html'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import type { HtmlEscapedString } from 'hono/utils/html'
import { roleAtLeast } from '../../domain/principal.ts'
import { cappedWords, monthCap } from '../server/asking.ts'
import { assetUrl } from './assets.ts'
import { type Html, nothing, untrusted } from './parts.ts'

type Place =
  | 'incidents'
  | 'chat'
  | 'alerts'
  | 'findings'
  | 'fix-first'
  | 'approvals'
  | 'sources'
  | 'coverage'
  | 'spend'
  | 'cluster'
  | 'people'
  | 'audit'
  | 'account'
  | null
export type PageOptions = {
  title: string
  place: Place
  who: Who | null
  falconer: Falconer
  /** Changes that make the page fetch itself again. */ live?: readonly string[]
  narrow?: boolean
  wide?: boolean
}

export function layout({ title, place, who, falconer, live = [], narrow = false, wide = false }: PageOptions, body: Html): Html {
  const item = (href: string, name: Exclude<Place, null>, label: string): Html =>
    html`<a href="${href}"${name === place ? html` aria-current="page"` : nothing}>${label}</a>`
  const administrator = who !== null && roleAtLeast(who.principal.role, 'administrator')
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${untrusted(title, 160)} · Falconer</title>
<link rel="icon" href="${assetUrl('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${assetUrl('style.css')}">
<script type="module" src="${assetUrl('page.js')}"></script>
</head>
<body${live.length === 0 || who === null ? nothing : html` data-live="${live.join(' ')}"`}>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/">${mark}<span>Falconer</span></a>
${
  who === null
    ? nothing
    : html`<nav aria-label="Main">${item('/incidents', 'incidents', 'Incidents')}${item('/chat', 'chat', 'Ask')}${item('/alerts', 'alerts', 'Alerts')}${item('/findings', 'findings', 'Findings')}${item('/fix-first', 'fix-first', 'Fix first')}${item('/approvals', 'approvals', 'Approvals')}${item('/sources', 'sources', 'Sources')}${item('/coverage', 'coverage', 'Coverage')}${item('/cluster', 'cluster', 'Inventory')}${falconer.asking.why === null || place === 'spend' ? item('/spend', 'spend', 'Spend') : nothing}${administrator ? html`${item('/people', 'people', 'People')}${item('/audit', 'audit', 'Audit')}` : nothing}</nav>
<a class="me" href="/account"${place === 'account' ? html` aria-current="page"` : nothing}>${untrusted(who.principal.name, 40)} <span class="quiet">${who.principal.role}</span></a>`
}
</header>
${falconer.cluster?.simulated === true && who !== null ? html`<p class="simulated" role="note"><strong>Simulated cluster.</strong> Actions run against a Kubernetes API on this machine that runs no containers.</p>` : nothing}
${who === null ? nothing : capNotice(falconer)}
<main id="main"${narrow ? html` class="narrow"` : wide ? html` class="wide"` : nothing}>${body}</main>
<footer>${who === null ? nothing : 'All times are UTC. '}<span id="live-state" aria-live="polite"></span></footer>
</body>
</html>`
}

/** Nobody shall take silence for a model that found nothing. */
async function capNotice(falconer: Falconer): Promise<HtmlEscapedString> {
  const { asking } = falconer
  const words = asking.why === null ? cappedWords(await monthCap(falconer)) : null
  return words === null
    ? nothing
    : html`<p class="simulated" role="note"><strong>The month’s cap for models is reached.</strong> ${asking.title} is not asked: ${words}. <a href="/spend">What it went to</a></p>`
}

const mark = html`<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path fill="currentColor" d="M3 4c5 0 8 1.4 10.2 4.2C15 6.6 17.600 6 21 6c-2 1.200-3.300 2.600-4 4.600 1 2.600.4 5.600-2 8.400-.4-2.200-1.400-3.800-3-4.800-.6 2-2 3.600-4.400 4.800.6-2.400.5-4.400-.4-6.200C5.800 10.600 4.400 7.700 3 4z"/></svg>`
