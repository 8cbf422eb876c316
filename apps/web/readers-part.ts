/**
 * Who has read an incident: whether a model is asked and why, what it does while it does it, what it cost, and the reports that do not stand first. What a
 * model said or asked a tool is untrusted text here, as any attacker's.
 */
import { html } from 'hono/html'
import type { AnalystStep } from '../../domain/analyst-step.ts'
import { type StepLine, sizeWords, stepLines, stepWords, timeWords } from '../../domain/step-lines.ts'
import { differences, modelName, money, spendWords, whose, writtenBy } from '../../domain/written-by.ts'
import type { Report } from '../../domain/report.ts'
import type { Deepening } from '../../store/deepenings.ts'
import type { Investigation } from '../../store/investigations.ts'
import type { Spent } from '../../store/spend.ts'
import type { Falconer } from '../server/falconer.ts'
import { triageWords } from '../server/asking.ts'
import type { Triaged } from '../../domain/triage.ts'
import type { Who } from '../server/who.ts'
import { csrfField, type Html, nothing, plural, timeOf, untrusted, verdictBadge } from './parts.ts'

export type Readers = {
  incidentId: string
  /** Newest first. */ investigations: Investigation[]
  /** What is shown; null: no report yet. */ shown: Investigation | null
  /** What stands first. */ first: Investigation | null
  triage: Triaged | null
  deepenings: Deepening[]
  /** Of the model’s newest investigation. */ steps: AnalystStep[]
  spent: ReadonlyMap<string, Spent>
  /** Why a model cannot be asked now, as a clause. */ barred: string | null
}

export const isAtWork = ({ deepenings }: Readers): boolean => deepenings.some(({ state }) => state === 'waiting' || state === 'running')

/** While a model is at work: what it does, as it does it. */
export function atWork(falconer: Falconer, { deepenings, steps, spent }: Readers): Html {
  const open = deepenings.find(({ state }) => state === 'waiting' || state === 'running')
  if (open === undefined) return nothing
  const { title } = falconer.asking
  const cost = spent.get(open.id)
  const asked = html`Asked ${open.byPerson ? html`by ${untrusted(open.askedBy, 80)}` : html`because ${untrusted(open.reason, 300)}`}, ${timeOf(open.askedAt)}.`
  if (open.state === 'waiting' && steps.length === 0)
    return html`<section class="card working" aria-labelledby="working"><h2 id="working">${title} will read it soon</h2><p class="quiet">${asked} ${open.byPerson ? nothing : 'Others may be before it.'}</p></section>`
  return html`<section class="card working" id="at-work" data-part aria-labelledby="working"><h2 id="working">${title} is investigating</h2><p class="quiet">${asked}${cost === undefined ? nothing : html` So far ${spendWords(cost)}.`}</p>${stepList(steps)}</section>`
}

const mostLines = 60

function stepList(steps: readonly AnalystStep[]): Html {
  const lines = stepLines(steps)
  const shown = lines.slice(-mostLines)
  const left = lines.length - shown.length
  return html`<ol class="steps-done" id="steps" aria-live="polite" aria-relevant="additions">${left === 0 ? nothing : html`<li class="quiet">${plural(left, 'step')} before these</li>`}${shown.map(stepLine)}</ol>`
}

function stepLine({ kind, at, tool, text, answer }: StepLine): Html {
  const clock = html`<time datetime="${at.toISOString()}" title="${at.toISOString()}">${at.toISOString().slice(11, 19)}</time>`
  if (kind !== 'asked')
    return html`<li class="${kind}">${clock}<div><span class="quiet">${stepWords[kind]}${text === '' ? nothing : ':'}</span> ${text === '' ? nothing : untrusted(text, 600)}</div></li>`
  const came =
    answer === null
      ? html`<span class="quiet">…</span>`
      : answer.refused === null
        ? html`<span class="quiet">${answer.bytes === null ? 'answered' : sizeWords(answer.bytes)} in ${timeWords(answer.ms)}</span>`
        : html`<span class="problem">refused: ${untrusted(answer.refused, 300)}</span>`
  return html`<li>${clock}<div><code>${untrusted(tool ?? 'a tool', 60)}</code> ${came}${text === '' || text === '{}' ? nothing : html`<div class="quiet args">${untrusted(text, 200)}</div>`}</div></li>`
}

/** Who wrote what is shown, and what else there is to know of that. */
export function writtenLine({ shown, first, incidentId }: Readers, newer: boolean): Html {
  const report = shown?.report
  if (shown == null || report == null) return nothing
  const other =
    first === null || first.id === shown.id ? nothing : html` <a href="/incidents/${incidentId}">Back to the report that stands first</a>.`
  return html`${untrusted(writtenBy(report), 300)}, at ${timeOf(shown.finishedAt)}${newer ? ', before newer alerts' : ''}.${other}`
}

/** It ended before it was done: said before anything that it says. */
export const endedEarly = (report: Report): Html =>
  report.partial === null ? nothing : html`<p class="notice"><strong>Incomplete.</strong> ${untrusted(report.partial, 600)}</p>`

/** How a model came to what it says; folded away. */
export function howItCame({ investigations, steps, deepenings }: Readers): Html {
  if (steps.length === 0 || deepenings.some(({ state }) => state === 'waiting' || state === 'running')) return nothing
  const [newest] = deepenings
  const investigation = investigations.find(({ id }) => id === newest?.id)
  const took =
    investigation?.finishedAt == null ? null : investigation.finishedAt.getTime() - (newest?.startedAt ?? investigation.startedAt).getTime()
  const tools = stepLines(steps).filter(({ kind }) => kind === 'asked').length
  return html`<section class="card"><details class="more" id="how"><summary>How ${untrusted(whose({ analyst: 'claude', model: investigation?.report?.model }), 80)} went about it: ${plural(tools, 'question')} to its tools${took === null ? nothing : `, ${timeWords(took)}`}</summary>${stepList(steps)}</details></section>`
}

/** Beside it all: whether a model was asked, other reports, and what a person can have done. */
export function readersCard(falconer: Falconer, who: Who, readers: Readers, mayAsk: boolean): Html {
  const { triage, barred } = readers
  const { asking } = falconer
  const why =
    triage === null ? nothing : html`<p class="quiet">${untrusted(triageWords(asking, triage, { open: isAtWork(readers) }), 400)}</p>`
  const others = otherReports(readers)
  return html`<section class="card" aria-labelledby="readers"><h2 id="readers">Who has read it</h2>${why}${others}${mayAsk ? askForm(falconer, who, readers) : nothing}${barred === null || !mayAsk || asking.why !== null ? nothing : html`<p class="quiet">${asking.title} cannot be asked: ${untrusted(barred, 300)}.</p>`}</section>`
}

export function askForm(
  { asking, config }: Falconer,
  who: Who,
  { incidentId, barred, deepenings }: Pick<Readers, 'incidentId' | 'barred' | 'deepenings'>,
): Html {
  // One at a time of an incident.
  if (deepenings.some(({ state }) => state === 'running')) return nothing
  const atIt = deepenings.some(({ state, byPerson }) => state === 'waiting' && byPerson)
  const ask =
    barred !== null || atIt
      ? nothing
      : html`<button class="second" name="analyst" value="claude" title="It may cost up to ${money(config.FALCONER_MODEL_USD)}">Ask ${asking.title}</button>`
  return html`<form method="post" action="/incidents/${incidentId}/investigate">${csrfField(who.csrf)}<div class="actions">${ask}<button class="second" name="analyst" value="playbook">Investigate now</button></div></form>`
}

/** The playbook’s newest and all of a model’s; who disagrees is named. */
function otherReports({ investigations, shown, first, spent, incidentId }: Readers): Html {
  const newestOfPlaybook = investigations.find(({ report }) => report !== null && report.model === null)
  const listed = investigations.filter(
    (one) => one === newestOfPlaybook || one.report?.model != null || (one.analyst !== 'playbook' && one.status === 'failed'),
  )
  if (listed.length === 0) return nothing
  return html`<ul class="claims readers">${listed.slice(0, 12).map((one) => {
    const cost = one.report?.spend?.usd ?? spent.get(one.id)?.usd
    const name = one.report?.model == null ? whose(one) : modelName(one.report.model)
    const differ = one.report === null || shown?.report == null || one.id === shown.id ? null : differences(one.report, shown.report)
    const mark =
      one.id === shown?.id
        ? html` <strong>shown here</strong>`
        : one.id === first?.id
          ? html` <a href="/incidents/${incidentId}">read it</a>`
          : one.report === null
            ? nothing
            : html` <a href="/incidents/${incidentId}?report=${one.id}">read it</a>`
    return html`<li>${untrusted(name, 80)} ${one.report === null ? html`<span class="badge failed">failed</span>` : verdictBadge(one.report.verdict)}${one.report?.partial == null ? nothing : html` <span class="badge suspicious">incomplete</span>`}${mark}<div class="quiet">${timeOf(one.finishedAt)}${cost == null || cost === 0 ? nothing : `, ${money(cost)}`}</div>${one.report === null ? html`<div class="quiet">${untrusted(one.error ?? '', 300)}</div>` : nothing}${one.report?.partial == null || one.id === shown?.id ? nothing : html`<div class="quiet">${untrusted(one.report.partial, 300)}</div>`}${differ === null ? nothing : html`<div class="problem">${untrusted(differ, 300)}</div>`}</li>`
  })}</ul>`
}
