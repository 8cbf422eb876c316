/** The audit log, newest first, as administrators read it. */
import { html } from 'hono/html'
import type { StoredAuditEntry } from '../../store/audit.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { type Html, nothing, timeOf, untrusted, untrustedJson } from './parts.ts'

export function auditPage(
  falconer: Falconer,
  who: Who,
  entries: readonly StoredAuditEntry[],
  chain: { entries: bigint; broken: bigint | null; head: { seq: bigint; hash: string } | null } | null,
): Html {
  const last = entries.at(-1)
  return layout(
    { title: 'Audit', place: 'audit', who, falconer },
    html`<h1>Audit log</h1>
${chain === null ? html`<p class="actions"><a class="button second" href="/audit?verify=1">Verify the chain</a></p>` : chain.broken === null ? html`<p class="notice good" role="status">The chain of ${chain.entries.toString()} entries is whole. Its head, to keep elsewhere: <code>${chain.head?.seq.toString() ?? '0'} ${chain.head?.hash ?? ''}</code></p>` : html`<p class="notice" role="alert">The chain is broken at entry ${chain.broken.toString()}: it was changed, removed or reordered.</p>`}
<div class="card table"><table class="stack"><thead><tr><th>#</th><th>When</th><th>Who</th><th>What</th><th>About</th></tr></thead><tbody>${entries.map((entry) => html`<tr><td data-label="#">${entry.seq.toString()}</td><td data-label="When">${timeOf(entry.at)}</td><td data-label="Who">${untrusted(entry.principal.name, 60)} <span class="quiet">${entry.channel}</span></td><td class="wide"><span class="main">${untrusted(entry.action, 80)}</span><details class="more" id="entry-${entry.seq.toString()}"><summary class="quiet">details</summary><pre><code>${untrustedJson(entry.details, 2_000)}</code></pre>${entry.shownDigest == null ? nothing : html`<p class="quiet">digest of what was shown: <span class="mono">${entry.shownDigest.slice(0, 24)}…</span></p>`}</details></td><td class="wide"><span class="mono quiet">${subject(entry.subject)}</span></td></tr>`)}</tbody></table></div>
${last !== undefined && last.seq > 1n ? html`<p><a class="button second" href="/audit?before=${last.seq.toString()}">Earlier</a></p>` : nothing}`,
  )
}

/** What has a page of its own is a link to it. */
function subject(text: string): Html {
  const [, kind, id] = /^(incident|proposal)\/([0-9a-f-]{36})$/.exec(text) ?? []
  return kind === undefined || id === undefined ? html`${untrusted(text, 80)}` : html`<a href="/${kind}s/${id}">${text}</a>`
}
