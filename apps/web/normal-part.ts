/** What was normal in a place before, and whether a package is in use, as parts of pages. */
import { html } from 'hono/html'
import { type InUse, inUseText } from '../../domain/in-use.ts'
import type { Normal, NormalHere } from '../../incidents/baseline.ts'
import { otherProcesses } from '../../store/baseline.ts'
import { fact, type Html, nothing, plural, timeOf, untrusted } from './parts.ts'

const most = 15

export function normalCard({ here, watchedDays }: Normal): Html {
  if (here.length === 0)
    return html`<section class="card" aria-labelledby="normal"><h2 id="normal">What is normal here</h2><p class="quiet">Not known: nothing of an earlier day was collected.</p></section>`
  return html`<section class="card" aria-labelledby="normal"><h2 id="normal">What is normal here</h2><p class="quiet">Before the day it began; ${plural(watchedDays, 'day')} of the 31 before it were watched.</p><ul class="claims">${here.slice(0, most).map(line)}</ul>${here.length > most ? html`<p class="quiet">and ${plural(here.length - most, 'more count')}</p>` : nothing}</section>`
}

const line = ({ rule, place, process, crowded, usual }: NormalHere): Html =>
  html`<li><strong>${untrusted(rule, 100)}</strong>: ${usual.text}<div class="quiet">${process === '' ? 'process not named' : process === otherProcesses ? 'one of many processes' : html`<span class="mono">${untrusted(process, 100)}</span>`} in ${untrusted(place === '' ? 'no named place' : place, 120)}${crowded ? '; too many processes do this here to tell one from another' : nothing}</div></li>`

/** For the list: short. Never “no”. */
export function useCell(use: InUse | undefined): Html {
  if (use === undefined) return html`<span class="quiet">–</span>`
  if (use.inUse === true) return html`<strong>in use</strong> <span class="quiet">${timeOf(use.atNs)}</span>`
  if (use.notObservedSinceNs === null) return html`<span class="quiet">never watched</span>`
  return html`<span class="quiet">not observed since ${timeOf(use.notObservedSinceNs)}</span>`
}

export function useFact(use: InUse | undefined): Html {
  if (use === undefined) return nothing
  if (use.inUse === null)
    return fact('In use', use.notObservedSinceNs === null ? inUseText(use) : html`not observed since ${timeOf(use.notObservedSinceNs)}`)
  return fact(
    'In use',
    html`<span class="mono">${untrusted(use.path, 300)}</span> was ${use.kind === 'exec' ? 'run' : 'opened'}, last seen ${timeOf(use.atNs)} (<a href="/alerts/${use.alertId}">alert</a>)`,
  )
}
