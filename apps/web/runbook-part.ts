/** The runbook that fits an incident best, to read beside it. Its words are the house's own. */
import { html } from 'hono/html'
import type { Incident } from '../../domain/incident.ts'
import { runbooksOfIncident } from '../../prompts/runbook.ts'
import { type Html, nothing, withCode } from './parts.ts'

export function runbookPart(incident: Incident): Html {
  const [best, ...others] = runbooksOfIncident(incident)
  if (best === undefined) return nothing
  return html`<section class="card" aria-labelledby="runbook"><h2 id="runbook">Runbook: ${best.title}</h2><p>${best.summary}</p>
<details class="more" id="runbook-text"><summary>What to look at, what decides, what to do</summary>${sections(best.body)}</details>
${
  others.length === 0
    ? nothing
    : html`<p class="quiet">May fit too: ${others
        .slice(0, 3)
        .map(({ title }) => title)
        .join(', ')}.</p>`
}</section>`
}

/** Headings, points and paragraphs: runbooks have no more. */
const sections = (body: string): Html[] =>
  body.split(/^## /m).flatMap((section) => {
    const [heading = '', ...rest] = section.split('\n')
    const text = rest.join('\n').trim()
    const parts = text.split(/\n(?=- )|\n\s*\n/).map((part) => part.replace(/\s*\n\s*/g, ' ').trim())
    const points = parts.filter((part) => part.startsWith('- '))
    if (text === '') return []
    return [
      html`<h3>${heading}</h3>${parts.filter((part) => part !== '' && !part.startsWith('- ')).map((part) => html`<p>${withCode(part)}</p>`)}${points.length === 0 ? nothing : html`<ul class="claims">${points.map((part) => html`<li>${withCode(part.slice(2))}</li>`)}</ul>`}`,
    ]
  })
