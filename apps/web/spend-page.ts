/** What models cost: this month against its cap, by use and model, and the investigations that cost most. */
import { html } from 'hono/html'
import { modelName, money } from '../../domain/written-by.ts'
import type { MonthSpend, Spent } from '../../store/spend.ts'
import type { MonthCap } from '../server/asking.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { empty, fact, type Html, nothing, plural, timeOf, untrusted } from './parts.ts'

export type SpendData = {
  month: string
  months: { before: string; after: string | null }
  spend: MonthSpend
  /** Of the month that is now. */ cap: MonthCap
}

export function spendPage(falconer: Falconer, who: Who, { month, months, spend, cap }: SpendData): Html {
  const { asking, config } = falconer
  const { total, uses, investigations } = spend
  const isNow = cap.month === month
  const body = html`<h1>What models cost</h1>
<p class="filters"><a href="/spend?month=${months.before}">${months.before}</a><a href="/spend?month=${month}" aria-current="true">${month}</a>${months.after === null ? nothing : html`<a href="/spend?month=${months.after}">${months.after}</a>`}</p>
${asking.why === null ? nothing : html`<p class="notice">No model is asked now: ${asking.why}. The playbook investigates.</p>`}
<section class="card" aria-labelledby="sum"><h2 id="sum">${isNow ? 'This month so far' : month}</h2>
<p class="sum"><strong>${money(total.usd)}</strong>${isNow ? html` of ${money(cap.capUsd)}` : nothing}</p>
${isNow ? html`<progress max="${Math.max(cap.capUsd, 0.01)}" value="${Math.min(total.usd, Math.max(cap.capUsd, 0.01))}" aria-label="Spent of the month’s cap">${money(total.usd)}</progress>` : nothing}
${total.unpriced === 0 ? nothing : html`<p class="problem">${plural(total.unpriced, 'call')} of models whose prices are not known ${total.unpriced === 1 ? 'is' : 'are'} not in it, and not held by the cap: set FALCONER_MODEL_PRICES.</p>`}
<dl class="facts">${fact('Calls', total.calls.toLocaleString('en'))}${fact('Tokens', html`${tokens(total).toLocaleString('en')}, ${share(total)} of them read from the cache`)}${fact('When it is spent', html`${cap.reached ? 'It is: no model is asked' : 'No model is asked'} until the month is over or <code>FALCONER_MODEL_USD_MONTH</code> is raised; the playbook goes on.`)}${fact('Who is asked about', html`Incidents from <strong>${config.FALCONER_MODEL_MIN_SEVERITY}</strong> on, and from medium on those that the playbook is not sure of; at most ${config.FALCONER_MODEL_PER_HOUR} an hour by themselves.`)}</dl></section>
${uses.length === 0 ? empty('No model was asked', html`<p>In ${month} nothing was sent to a model.</p>`) : html`<h2>By use and model</h2><div class="card table"><table class="stack"><thead><tr><th>Use</th><th>Model</th><th class="number">Calls</th><th class="number">Failed</th><th class="number">Tokens</th><th class="number">From cache</th><th class="number">Cost</th></tr></thead><tbody>${uses.map((one) => html`<tr><td data-label="Use">${untrusted(one.use, 40)}</td><td data-label="Model">${untrusted(modelName(one.model), 80)}</td><td class="number" data-label="Calls">${one.calls.toLocaleString('en')}</td><td class="number" data-label="Failed">${one.failed.toLocaleString('en')}</td>${numbers(one)}</tr>`)}</tbody></table></div>`}
${investigations.length === 0 ? nothing : html`<h2>Investigations that cost most</h2><div class="card table"><table class="stack"><thead><tr><th>Incident</th><th>Begun</th><th class="number">Calls</th><th class="number">Tokens</th><th class="number">From cache</th><th class="number">Cost</th></tr></thead><tbody>${investigations.map((one) => html`<tr><td class="wide"><a href="/incidents/${one.incidentId}?report=${one.id}">${untrusted(one.title, 160)}</a></td><td data-label="Begun">${timeOf(one.startedAt)}</td><td class="number" data-label="Calls">${one.calls.toLocaleString('en')}</td>${numbers(one)}</tr>`)}</tbody></table></div>`}`
  return layout({ title: 'Spend', place: 'spend', who, falconer, live: ['incidents'] }, body)
}

const tokens = (one: Spent): number => one.inputTokens + one.cacheReadTokens + one.cacheWriteTokens + one.outputTokens
const share = (one: Spent): string => `${tokens(one) === 0 ? 0 : Math.round((one.cacheReadTokens / tokens(one)) * 100)}%`
const numbers = (one: Spent): Html =>
  html`<td class="number" data-label="Tokens">${tokens(one).toLocaleString('en')}</td><td class="number" data-label="From cache">${share(one)}</td><td class="number" data-label="Cost">${one.unpriced > 0 && one.usd === 0 ? 'not known' : money(one.usd)}</td>`
