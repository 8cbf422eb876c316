/** Why alerts are one incident: the moves that a relation explains, each with the records it stands on, before what they merely share. */
import { html } from 'hono/html'
import type { JoinReason } from '../../domain/incident.ts'
import { type Html, nothing, untrusted } from './parts.ts'

export type Join = JoinReason & { alerts: number }

export function joinsPart(joins: readonly Join[]): Html {
  const moves = joins.filter((one) => one.relation !== undefined)
  if (moves.length === 0) return nothing
  return html`<section class="card" aria-labelledby="joins"><h2 id="joins">How one led to another</h2>
<ul class="claims">${moves.map((move) => html`<li>${untrusted(move.label, 300)}${move.inferred ? html` <span class="quiet">(inferred)</span>` : nothing} ${recordsOf(move)}</li>`)}</ul></section>`
}

const recordsOf = ({ relation }: Join): Html =>
  relation === undefined ? nothing : html`<span class="quiet">${end(relation.from)} ${relation.type} ${end(relation.to)}</span>`

const end = ({ id, kind }: NonNullable<Join['relation']>['from']): Html =>
  id === null ? html`${kind.replaceAll('_', ' ')}` : html`<a href="/cluster/${id}">${kind.replaceAll('_', ' ')}</a>`
