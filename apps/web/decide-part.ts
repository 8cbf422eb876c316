/** What people decide about an incident: the forms for it, and what was decided, by whom and why. */
import { html } from 'hono/html'
import { shortId } from '../../domain/ids.ts'
import type { Incident, RecordedDecision } from '../../domain/incident.ts'
import { Verdict } from '../../domain/report.ts'
import type { Alert } from '../../domain/alert.ts'
import type { Who } from '../server/who.ts'
import { clockTime, csrfField, type Html, nothing, plural, timeOf, untrusted, verdictWord } from './parts.ts'

type Decided = { decisions: readonly RecordedDecision[]; people: ReadonlyMap<string, string> }
type Decidable = Decided & { incident: Incident; others: readonly Incident[]; alerts: readonly Alert[] }

export function decideCard(about: Decidable, who: Who): Html {
  const { incident } = about
  const action = `/incidents/${incident.id}/decisions`
  const [state, label] = incident.state === 'closed' ? ['open', 'Reopen'] : ['closed', 'Close']
  return html`<section class="card"><h2>Decide</h2>
<form method="post" action="${action}">${csrfField(who.csrf)}<label for="reason">Note or reason</label><textarea id="reason" name="reason" maxlength="2000"></textarea>
<div class="actions"><button class="second" name="do" value="note">Add note</button><button class="second" name="do" value="state:${state}">${label}</button></div>
${verdictField(about)}</form>
${mergeForm(about, action, who)}
${splitForm(about, action, who)}</section>`
}

/** What stands is said, so that it can be taken back: reopening does not. */
function verdictField({ decisions, people }: Decided): Html {
  const given = decisions.flatMap((one) => (one.decision.kind === 'verdict' ? [{ ...one, verdict: one.decision.verdict }] : []))
  const last = given.toSorted((a, b) => a.at.getTime() - b.at.getTime()).at(-1)
  return html`<label for="verdict">What it was</label><select id="verdict" name="verdict">${Verdict.options.map((one) => html`<option value="${one}"${one === (last?.verdict ?? 'true_positive') ? ' selected' : ''}>${verdictWord(one)}</option>`)}</select>
<p class="quiet">${last === undefined ? 'Nobody has said yet.' : html`${nameOf(last, people)} called it ${verdictWord(last.verdict)}; a new verdict takes its place.`} It is shown beside similar incidents, and teaches what is usual here.</p>
<div class="actions"><button class="second" name="do" value="verdict">Give verdict</button></div>`
}

const mergeForm = ({ others }: Decidable, action: string, who: Who): Html =>
  others.length === 0
    ? nothing
    : html`<details class="more" id="merge"><summary>Merge another incident into this one</summary><form method="post" action="${action}">${csrfField(who.csrf)}<label for="from">Incident</label><select id="from" name="from">${others.map((other) => html`<option value="${other.id}">${shortId('incident', other.id)} ${untrusted(other.title, 80)}</option>`)}</select><label for="merge-reason">Reason</label><input type="text" id="merge-reason" name="reason" maxlength="2000"><div class="actions"><button class="second" name="do" value="merge">Merge</button></div></form></details>`

const splitForm = ({ alerts }: Decidable, action: string, who: Who): Html =>
  alerts.length < 2
    ? nothing
    : html`<details class="more" id="split"><summary>Split alerts off</summary><form method="post" action="${action}">${csrfField(who.csrf)}${alerts.slice(0, 50).map((alert) => html`<label><input type="checkbox" name="alert" value="${alert.id}"> ${clockTime(alert.eventNs)} ${untrusted(alert.rule, 60)}</label>`)}<label for="split-reason">Reason</label><input type="text" id="split-reason" name="reason" maxlength="2000"><div class="actions"><button class="second" name="do" value="split">Split off</button></div></form></details>`

export function decisionsCard({ decisions, people }: Decided): Html {
  if (decisions.length === 0) return nothing
  return html`<section class="card"><h2>Decisions</h2><ul class="claims">${decisions.map((recorded) => html`<li>${untrusted(words(recorded), 500)}${recorded.reason === '' || (recorded.decision.kind === 'note' && recorded.decision.text === recorded.reason.trim()) ? nothing : html`: ${untrusted(recorded.reason, 300)}`}<div class="quiet">${nameOf(recorded, people)}, ${timeOf(recorded.at)}</div></li>`)}</ul></section>`
}

function words({ decision }: RecordedDecision): string {
  switch (decision.kind) {
    case 'note':
      return decision.text
    case 'state':
      return `set to ${decision.state}`
    case 'merge':
      return `merged ${shortId('incident', decision.from)} into ${shortId('incident', decision.into)}`
    case 'split':
      return `split off ${plural(decision.alerts.length, 'alert')}`
    case 'verdict':
      return `called it ${verdictWord(decision.verdict)}`
  }
}

const nameOf = ({ principalId }: RecordedDecision, people: Decided['people']): string =>
  untrusted(people.get(principalId) ?? principalId, 60)
