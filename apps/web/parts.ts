/** Small pieces that pages are made of. Whatever an attacker could have written goes through `untrusted`: secrets masked, nothing invisible, then escaped by the template. */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { formatEventTime } from '../../domain/event-time.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { redact, redactDeep } from '../../domain/redact.ts'
import { type GroundedClaim, type Report, standingOf, type Verdict } from '../../domain/report.ts'
import type { Severity } from '../../domain/severity.ts'
import { visible } from '../../domain/untrusted.ts'
import { whose } from '../../domain/written-by.ts'
import { sentenceParts } from '../../incidents/sentence-parts.ts'

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>
export const nothing = html``

export const untrusted = (text: string, limit = 500): string => visible(redact(text), limit)
/** A value out of a record: masked where it stands, before quotes are escaped around it. */
export const untrustedJson = (value: unknown, limit: number): string => untrusted(stringifyExact(redactDeep(value)), limit)
export const severityBadge = (severity: Severity): Html => html`<span class="badge severity ${severity}">${severity}</span>`
export const stateBadge = (state: string): Html => html`<span class="badge state ${state}">${state}</span>`
const verdictWords: Record<Verdict, string> = {
  unknown: 'unknown',
  true_positive: 'true positive',
  suspicious: 'suspicious',
  benign: 'benign',
  false_positive: 'false positive',
  insufficient_data: 'not enough data',
}
export const verdictWord = (verdict: Verdict): string => verdictWords[verdict]
export const verdictBadge = (verdict: Verdict | null): Html =>
  verdict === null ? nothing : html`<span class="badge verdict ${verdict}">${verdictWord(verdict)}</span>`

/** UTC to the second; the exact instant in the title. */
export function timeOf(at: Date | bigint | string | null, never = 'never'): Html {
  if (at === null) return html`<span class="quiet">${never}</span>`
  const exact = typeof at === 'bigint' ? formatEventTime(at) : typeof at === 'string' ? at : at.toISOString()
  return html`<time datetime="${exact}" title="${exact}">${exact.slice(0, 10)} ${exact.slice(11, 19)}</time>`
}
export const clockTime = (ns: bigint): Html =>
  html`<time datetime="${formatEventTime(ns)}" title="${formatEventTime(ns)}">${formatEventTime(ns).slice(11, 19)}</time>`

/** Instants inside a sentence, set as times: the day and the second, the exact one in the title. */
export function withTimes(text: string): Html {
  const parts = text.split(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?)/)
  return html`${parts.map((part, at) => (at % 2 === 0 ? part : timeOf(part)))}`
}
const isInstant = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z?$/.test(text)

export const plural = (count: number, one: string, many = `${one}s`): string => `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/** A claim as a sentence: values quoted from records as code; what is not confirmed is a judgement or a hypothesis, and says why. */
export function claimText(claim: GroundedClaim): Html {
  const shown = sentenceParts(claim.text).map(({ quoted, text }) =>
    quoted ? (isInstant(text) ? timeOf(text) : html`<code>${untrusted(text)}</code>`) : untrusted(text, 2_000),
  )
  return html`${shown}${claim.grounded ? nothing : html` <span class="badge ${standingOf(claim)}" title="${claim.problems.join('; ')}">${standingOf(claim)}</span>`}`
}

/** Where each cited value stands; opens on demand. `id` keeps it open over live updates. */
export function evidenceOf(claim: GroundedClaim, id: string): Html {
  if (claim.evidence.length === 0) return nothing
  const records = new Set(claim.evidence.map((one) => `${one.record}/${one.id}`)).size
  return html`<details class="evidence" id="${id}"><summary>${plural(records, 'record')}</summary><ul>${claim.evidence.map((one) => html`<li>${recordLink(one)}${one.path === null ? nothing : html` <span class="quiet">${untrusted(one.path, 200)}</span>`}${one.value === null ? nothing : html` <code>${untrusted(one.value, 300)}</code>`}</li>`)}${claim.grounded ? nothing : html`<li class="problem">Not confirmed: ${claim.problems.join('; ')}</li>`}</ul></details>`
}

/** Who wrote a report, in words that leave no doubt whether a model did. */
export const analystName = (report: Pick<Report, 'analyst' | 'model'>): string =>
  report.analyst === 'playbook' ? 'the playbook (rules, no model)' : `${untrusted(whose(report), 80)} (a model)`

const linked: Partial<Record<EvidenceRef['record'], [folder: string, name: string]>> = {
  alert: ['alerts', 'alert'],
  entity: ['cluster', 'inventory record'],
  finding: ['findings', 'finding'],
  incident: ['incidents', 'incident'],
  proposal: ['proposals', 'proposal'],
  fix: ['fix-first', 'change'],
}
/** A link to where a name of a record stands in the address; what holds a secret is named, and leads nowhere. */
export const linkBy = (name: string, address: (name: string) => string, words: Html | string): Html =>
  redact(name) === name ? html`<a href="${address(encodeURIComponent(name.toWellFormed()))}">${words}</a>` : html`${words}`

/** What a citation leads to. Its id may be one that a model made up. */
export function recordLink(one: EvidenceRef): Html {
  const [folder, name] = linked[one.record] ?? []
  if (folder !== undefined) {
    const short = one.record !== 'entity' && redact(one.id) === one.id
    return linkBy(one.id, (id) => `/${folder}/${id}`, `${name} ${short ? `…${untrusted(one.id.slice(-6))}` : untrusted(one.id, 60)}`)
  }
  if (one.record === 'rule') {
    const rule = one.id.slice(one.id.indexOf('/') + 1)
    return linkBy(rule, (name) => `/rules/${name}`, `rule ${untrusted(rule, 80)}`)
  }
  if (one.record === 'coverage') return html`<a href="/coverage">source ${untrusted(one.id, 80)}</a>`
  if (one.record === 'step') return html`attack step ${untrusted(one.id.split('/')[1] ?? one.id, 80)}`
  return html`${one.record} ${untrusted(one.id, 80)}`
}

export const csrfField = (csrf: string | null): Html => html`<input type="hidden" name="_csrf" value="${csrf ?? ''}">`

export const empty = (title: string, body: Html): Html => html`<div class="empty"><h2>${title}</h2>${body}</div>`
export const fact = (term: string, value: Html | string): Html => html`<div><dt>${term}</dt><dd>${value}</dd></div>`

/** A paragraph of Markdown of ours: what stands between backticks as code. */
export const withCode = (text: string): (Html | string)[] =>
  text.split('`').map((piece, at) => (at % 2 === 1 ? html`<code>${piece}</code>` : piece))

/** Markdown of ours (how to connect a source): paragraphs, `code`, and fenced blocks, each with a button that copies it. */
export function ownMarkdown(text: string, id: string): Html {
  const block = (code: string, at: number): Html =>
    html`<pre><code id="${id}-${at}">${code.trimEnd()}</code></pre><p><button class="second small" type="button" data-copy="${id}-${at}">Copy</button></p>`
  return html`${text.split(/```\w*\n([\s\S]*?)```/).map((part, at) => (at % 2 === 1 ? block(part, at) : paragraphs(part)))}`
}
const paragraphs = (text: string): Html =>
  html`${text
    .trim()
    .split(/\n{2,}/)
    .filter((one) => one !== '')
    .map((one) => html`<p>${withCode(one)}</p>`)}`

/** What a dump must hold for alerts to be tied to pods, and pods to what owns them. */
export const inventoryCommand =
  'kubectl get nodes,namespaces,pods,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs,services,ingresses,networkpolicies,serviceaccounts,roles,clusterroles,rolebindings,clusterrolebindings -A -o json | falconer import -'
