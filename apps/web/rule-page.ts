/** One rule of Falco’s as it is loaded: what it looks for as written and in full, and which file made it so. All of it was written by others. */
import { html } from 'hono/html'
import type { RuleNow } from '../../collectors/falco-rules/as-loaded.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { fact, type Html, nothing, timeOf, untrusted, untrustedJson } from './parts.ts'

/** A name with half a surrogate pair has no address of its own. */
export const rulePath = ({ name, scope }: Pick<RuleNow, 'name' | 'scope'>): string =>
  `/rules/${encodeURIComponent(name.toWellFormed())}?scope=${encodeURIComponent(scope.toWellFormed())}`

export function rulePage(falconer: Falconer, who: Who, rule: RuleNow): Html {
  return layout(
    { title: rule.name, place: 'alerts', who, falconer },
    html`<p class="crumb"><a href="/alerts">Alerts</a> / rule</p>
<h1>${untrusted(rule.name, 200)}</h1><p class="headline"><span class="badge">${rule.priority ?? 'no priority'}</span>${rule.enabled ? nothing : html`<span class="badge state">not enabled</span>`}<span>${untrusted(rule.source, 60)}</span></p>
<div class="columns"><div>${rule.problems.length === 0 ? nothing : html`<section class="card"><h2>What is wrong with it</h2><ul>${rule.problems.map((text) => html`<li>${untrusted(text, 400)}</li>`)}</ul></section>`}
<section class="card"><h2>What it looks for</h2><p>${untrusted(rule.desc.trim(), 2_000)}</p><h3>As defined</h3>${code(rule.written)}${rule.condition.trim() === rule.written.trim() ? nothing : html`<h3>With what was added to it</h3>${code(rule.condition)}`}<details id="expanded"><summary>In full, macros and lists put in</summary>${code(rule.expanded)}</details></section>
<section class="card"><h2>What it says</h2>${code(rule.output)}</section>
${rule.exceptions.length === 0 ? nothing : html`<section class="card"><h2>Exceptions</h2><ul>${rule.exceptions.map(({ name, ...exception }) => html`<li><strong>${untrusted(name, 200)}</strong> <code>${untrustedJson(exception, 2_000)}</code></li>`)}</ul></section>`}</div>
<aside><section class="card"><h2>Facts</h2><dl class="facts">${fact('Cluster', untrusted(rule.scope, 100))}${rule.tags.length === 0 ? nothing : fact('Tags', untrusted(rule.tags.join(', '), 400))}${rule.capture ? fact('Capture', rule.captureDuration === null ? 'yes' : `${rule.captureDuration} ms`) : nothing}${fact('Alerts', html`<a href="/alerts?${new URLSearchParams({ rule: rule.name, scope: rule.scope }).toString()}">of this rule</a>`)}</dl></section>
<section class="card"><h2>Made by</h2><ul class="claims">${rule.parts.map((part) => html`<li><strong>${untrusted(part.file, 100)}</strong>, item ${part.item}: ${untrusted(part.does, 200)}<div class="quiet">loaded ${timeOf(part.loadedAt)}</div></li>`)}</ul></section></aside></div>`,
  )
}

const code = (text: string): Html =>
  html`<pre><code>${text
    .trim()
    .split('\n')
    .map((line) => untrusted(line, 20_000))
    .join('\n')}</code></pre>`
