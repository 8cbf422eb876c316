/** What scanners found: open ones first, worst first, with how fresh that is; and one finding with every scanner’s own words. */
import { html } from 'hono/html'
import type { NewAdvisory } from '../../domain/advisory.ts'
import { findingClasses } from '../../domain/finding.ts'
import { type InUse, noneSeenInUse } from '../../domain/in-use.ts'
import { roleAtLeast } from '../../domain/principal.ts'
import { severities } from '../../domain/severity.ts'
import type { FindingDecision } from '../../store/finding-decisions.ts'
import { findingStatuses } from '../../store/finding-life.ts'
import type { Fix } from '../../store/fixes.ts'
import type { Finding, FindingCount, FindingWitness } from '../../store/finding-search.ts'
import type { Falconer } from '../server/falconer.ts'
import { longestSuppression } from '../server/findings.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { useCell, useFact } from './normal-part.ts'
import { csrfField, empty, fact, type Html, nothing, plural, severityBadge, timeOf, untrusted, untrustedJson } from './parts.ts'

/** `given`: what was asked, as it was typed. `problem`: why it could not be. */
export type FindingsData = {
  given: Readonly<Record<string, string>>
  problem: string | null
  findings: Finding[]
  uses: ReadonlyMap<string, InUse>
  next: string | null
  counts: FindingCount[]
  freshness: string
}

const fields = [
  ['check', 'CVE or check', 'CVE-2021-3711'],
  ['resource', 'Resource', 'part of its name'],
  ['package', 'Package', 'openssl'],
  ['namespace', 'Namespace', ''],
  ['scope', 'Cluster or account', ''],
  ['scanner', 'Scanner', 'trivy'],
] as const

export function findingsPage(falconer: Falconer, who: Who, data: FindingsData): Html {
  const { given, problem, findings, uses, next, counts, freshness } = data
  const status = given.status ?? 'open'
  const count = (one: string): number => counts.filter((row) => row.status === one).reduce((sum, row) => sum + row.count, 0)
  const tab = (one: string): Html =>
    html`<a href="/findings?status=${one}"${status === one ? html` aria-current="true"` : nothing}>${one} <span class="quiet">${count(one).toLocaleString('en')}</span></a>`
  const asked = Object.keys(given).some((name) => name !== 'status')
  const further = new URLSearchParams({ ...given, cursor: next ?? '' })
  return layout(
    { title: 'Findings', place: 'findings', who, falconer, live: ['findings'] },
    html`<h1>Findings</h1>
${
  counts.length === 0
    ? empty(
        'No scanner has reported yet',
        html`<p>So nothing is known of vulnerabilities and configuration; that is not the same as nothing being wrong. Give Falconer a report of Trivy, Grype, Kubescape, kube-bench, Prowler, Checkov and others:</p><pre><code id="scan">trivy image --format json nginx:1.25 | falconer import -</code></pre><p><button class="second small" type="button" data-copy="scan">Copy</button></p><p>Each <a href="/sources">source</a> says how to send reports by itself.</p>`,
      )
    : html`<div class="filters">${findingStatuses.map(tab)}</div>
<form class="card search" method="get" action="/findings" role="search"><input type="hidden" name="status" value="${status}"><details class="more" id="filters"><summary>${
        asked
          ? html`Filtered: ${untrusted(
              Object.entries(given)
                .filter(([name]) => name !== 'status')
                .map(([name, value]) => (name === 'inUse' ? 'seen in use' : `${name} ${value}`))
                .join(', '),
              200,
            )}`
          : 'Filters'
      }</summary><div class="fields">${fields.map(([name, label, example]) => html`<div><label for="${name}">${label}</label><input type="text" id="${name}" name="${name}" maxlength="500" value="${given[name] ?? ''}" placeholder="${example}"></div>`)}<div><label for="severity">At least</label><select id="severity" name="severity"><option value="">any severity</option>${severities.map((one) => html`<option${one === given.severity ? html` selected` : nothing}>${one}</option>`)}</select></div><div><label for="class">Class</label><select id="class" name="class"><option value="">any class</option>${findingClasses.map((one) => html`<option${one === given.class ? html` selected` : nothing}>${one}</option>`)}</select></div><div><label for="inUse">Use</label><select id="inUse" name="inUse"><option value="">used or not observed</option><option value="true"${given.inUse === 'true' ? html` selected` : nothing}>seen in use</option></select></div></div>
<div class="actions"><button>Show</button>${asked ? html`<a class="button second" href="/findings?status=${status}">Clear</a>` : nothing}</div></details></form>
${problem === null ? nothing : html`<p class="notice bad" role="alert">${untrusted(problem, 400)}</p>`}
<p class="quiet">${untrusted(freshness, 400)} <a href="/coverage">What was looked at</a></p>
${findings.length === 0 ? empty('None', html`<p>${noneText(status, given.inUse === 'true')}</p>`) : html`<div class="card table"><table class="stack"><thead><tr><th>Severity</th><th>Finding</th><th>Where</th><th>In use</th><th>Seen by</th><th>Last seen</th></tr></thead><tbody>${findings.map((one) => row(one, uses.get(one.id)))}</tbody></table></div>`}
${next === null ? nothing : html`<p><a class="button second" href="/findings?${further.toString()}">Less severe and older</a></p>`}`
}`,
  )
}

const severity = (one: Finding): Html => (one.severity === null ? html`<span class="quiet">not rated</span>` : severityBadge(one.severity))

const row = (one: Finding, use: InUse | undefined): Html =>
  html`<tr><td data-label="Severity"><span>${severity(one)}</span></td><td class="wide"><a class="main" href="/findings/${one.id}">${untrusted(one.title, 160)}</a> <span class="quiet">${untrusted(one.check, 80)}${one.package === null ? nothing : html` in ${untrusted(one.package.name, 80)}`}${one.reopened ? html`, <strong>came back</strong>` : nothing}</span></td><td data-label="Where"><span>${untrusted(one.resource.name, 100)} <span class="quiet">${one.resource.kind.replaceAll('_', ' ')}</span></span></td><td data-label="In use"><span>${useCell(use)}</span></td><td data-label="Seen by">${untrusted(one.scanners.join(', '), 100)}</td><td data-label="Last seen">${timeOf(one.lastNs)}</td></tr>`

export function findingPage(
  falconer: Falconer,
  who: Who,
  {
    finding,
    witnesses,
    decisions,
    advisories,
    fix,
    use,
  }: {
    use: InUse | undefined
    finding: Finding
    witnesses: FindingWitness[]
    decisions: FindingDecision[]
    advisories: NewAdvisory[]
    fix: Fix | undefined
  },
): Html {
  const { resource, suppressedUntil } = finding
  const remedies = [...new Set(witnesses.flatMap(({ data }) => (data.remediation === null ? [] : [data.remediation])))]
  const fixedIn = [...new Set(witnesses.flatMap(({ data }) => data.package?.fixedIn ?? []))]
  return layout(
    { title: finding.title, place: 'findings', who, falconer, live: ['findings'] },
    html`<p class="crumb"><a href="/findings">Findings</a> / ${untrusted(finding.check, 80)}</p>
<h1>${untrusted(finding.title, 300)}</h1><p class="headline">${severity(finding)}<span class="badge state ${finding.status}">${finding.status}</span>${finding.reopened ? html`<span>came back after it was gone</span>` : nothing}<span>since ${timeOf(finding.statusNs)}</span></p>
<div class="columns"><div>
<section class="card"><h2>What to do</h2>${finding.package !== null ? (fixedIn.length > 0 ? html`<p>Update ${untrusted(finding.package.name, 100)} to ${untrusted(fixedIn.slice(0, 5).join(' or '), 200)}.</p>` : html`<p>No version of ${untrusted(finding.package.name, 100)} that fixes it is known to those who saw it.</p>`) : nothing}${remedies.map((text) => html`<p>${untrusted(text, 2_000)}</p>`)}${finding.package === null && remedies.length === 0 ? html`<p class="quiet">No scanner says.</p>` : nothing}${fix === undefined || (finding.status !== 'open' && finding.status !== 'suppressed') ? nothing : html`<p>Fixed by <a href="/fix-first/${fix.id}">${untrusted(fix.title, 200)}</a></p>`}</section>
${witnesses.map(witness)}</div>
<aside><section class="card"><h2>Facts</h2><dl class="facts">${fact('Check', untrusted(finding.check, 120))}${finding.aliases.length === 0 ? nothing : fact('Also called', untrusted(finding.aliases.join(', '), 300))}${fact('Class', finding.class)}${advisories.map(advisory)}${fact('Where', html`${untrusted(resource.name, 200)} <span class="quiet">${resource.kind.replaceAll('_', ' ')}</span>`)}${resource.namespace === null ? nothing : fact('Namespace', untrusted(resource.namespace, 100))}${fact('Key', html`<span class="mono">${untrusted(resource.key, 300)}</span>`)}${finding.package === null ? nothing : fact('Package', html`<span class="mono">${untrusted(finding.package.key, 300)}</span>`)}${useFact(use)}${fact('Scope', untrusted(finding.scope, 100))}${fact('First seen', timeOf(finding.firstNs))}${fact('Last seen', timeOf(finding.lastNs))}${suppressedUntil === null || suppressedUntil < falconer.clock.now() ? nothing : fact('Suppressed until', timeOf(suppressedUntil))}</dl></section>
${roleAtLeast(who.principal.role, 'responder') ? decideForm(falconer, who, finding) : nothing}
${decisions.length === 0 ? nothing : html`<section class="card"><h2>Decisions</h2><ul class="claims">${decisions.map((one) => html`<li><strong>${one.decision === 'suppress' ? html`Suppressed until ${timeOf(one.until)}` : 'No longer suppressed'}</strong><div class="quiet">${untrusted(one.by, 80)}, ${timeOf(one.at)}</div><p>${untrusted(one.reason, 500)}</p></li>`)}</ul></section>`}</aside></div>`,
  )
}

function decideForm({ clock }: Falconer, who: Who, { id, suppressedUntil }: Finding): Html {
  const holds = suppressedUntil !== null && suppressedUntil > clock.now()
  return html`<section class="card"><h2>${holds ? 'Take the suppression back' : 'Suppress'}</h2><form method="post" action="/findings/${id}/${holds ? 'unsuppress' : 'suppress'}">${csrfField(who.csrf)}${holds ? nothing : html`<p class="quiet">It comes back by itself after that.</p><label for="days">Days</label><input type="text" inputmode="numeric" id="days" name="days" value="30" required maxlength="3" pattern="[0-9]{1,3}" title="1 to ${longestSuppression}">`}<label for="reason">Reason</label><textarea id="reason" name="reason" required maxlength="2000" rows="2"></textarea><div class="actions"><button class="${holds ? '' : 'second'}">${holds ? 'Take back' : 'Suppress'}</button></div></form></section>`
}

const advisory = ({ list, snapshot, facts }: NewAdvisory): Html =>
  list === 'kev'
    ? fact('Exploited', html`<strong>known to be exploited</strong>, says KEV of ${untrusted(snapshot, 40)}`)
    : fact('Exploitation', html`EPSS ${untrusted(String(facts.score ?? 'not told'), 20)}, ${untrusted(snapshot, 40)}`)

const outcomeWords = {
  fail: 'sees it',
  pass: 'looked: it passes',
  manual: 'asks a person to look',
  muted: 'was told to be silent about it',
  not_applicable: 'says it does not apply',
} as const

function witness({
  scanner,
  version,
  scope,
  target,
  outcome,
  outcomeReason,
  severity: own,
  title,
  paths,
  data,
  firstNs,
  lastNs,
}: FindingWitness): Html {
  const properties = Object.entries(data.properties).filter(([, value]) => value !== null)
  return html`<section class="card"><h2>${untrusted(scanner, 60)} ${outcomeWords[outcome]}</h2><p class="quiet">${version === null ? nothing : html`version ${untrusted(version, 40)}, `}scanned ${untrusted(target, 120)} (${untrusted(scope, 60)}); first ${timeOf(firstNs)}, last ${timeOf(lastNs)}${own === null ? nothing : html`; rates it ${own}`}</p>
${outcomeReason === null ? nothing : html`<p><strong>Reason:</strong> ${untrusted(outcomeReason, 500)}</p>`}<p>${untrusted(title, 300)}</p>${data.description === null ? nothing : html`<p>${untrusted(data.description, 2_000)}</p>`}
<dl class="facts">${data.package === null ? nothing : fact('Installed', untrusted(`${data.package.name} ${data.package.version ?? ''}`, 200))}${data.cvss === null ? nothing : fact('CVSS', untrusted(`${data.cvss.score} (version ${data.cvss.version}) ${data.cvss.vector ?? ''}`, 200))}${paths.length === 0 ? nothing : fact('Found in', html`${paths.slice(0, 8).map((path) => html`<div class="mono">${untrusted(path, 200)}</div>`)}${paths.length > 8 ? html`<div class="quiet">and ${plural(paths.length - 8, 'other place')}</div>` : nothing}`)}${properties.slice(0, 12).map(([name, value]) => fact(untrusted(name, 60), html`<code>${typeof value === 'string' ? untrusted(value, 300) : untrustedJson(value, 300)}</code>`))}${data.references.length === 0 ? nothing : fact('References', html`${data.references.slice(0, 8).map((one) => html`<div class="mono">${untrusted(one, 200)}</div>`)}`)}</dl></section>`
}

function noneText(status: string, inUse: boolean): string {
  if (inUse) return noneSeenInUse
  return status === 'open' ? 'No open finding fits. That holds for what was scanned.' : 'No finding fits.'
}
