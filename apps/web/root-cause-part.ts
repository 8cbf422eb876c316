/** Of an incident’s page: what made it possible, what to change first, what could be taken next. Three of each, the rest folded away and counted. */
import { html } from 'hono/html'
import type { GroundedClaim, Report } from '../../domain/report.ts'
import { claimText, evidenceOf, type Html, nothing, plural } from './parts.ts'

const shown = 3

export function madePossible({ rootCause, rootCauses, fixFirst, blastRadius }: Report): Html {
  if (rootCause.length + blastRadius.length === 0) return nothing
  const item = (name: string) => (claim: GroundedClaim, index: number) =>
    html`<li>${claimText(claim)}${evidenceOf(claim, `${name}-${index}`)}</li>`
  const [best, more] = [rootCause.slice(0, shown), rootCause.slice(shown)]
  const untold = Math.max(rootCauses - rootCause.length, 0)
  const causes = html`<ol class="claims">${best.map(item('cause'))}</ol>
${more.length === 0 ? nothing : html`<details class="more" id="more-causes"><summary>${plural(more.length + untold, 'more that may have made it possible', 'more that may have made it possible')}</summary><ol class="claims" start="${shown + 1}">${more.map(item('more-cause'))}</ol>${untold === 0 ? nothing : html`<p class="quiet">${untold} less likely are not told.</p>`}</details>`}`
  return html`<section class="card" aria-labelledby="possible"><h2 id="possible">What made it possible</h2>
${rootCause.length === 0 ? html`<p>Nothing that is known of its places fits what was seen; what nobody looked at is below.</p>` : causes}
${fixFirst.length === 0 ? nothing : html`<h3>What to change first</h3><ol class="claims">${fixFirst.map(item('fix'))}</ol>`}
${blastRadius.length === 0 ? nothing : html`<h3>What could be taken next</h3><ul class="claims">${blastRadius.map(item('next'))}</ul>`}</section>`
}
