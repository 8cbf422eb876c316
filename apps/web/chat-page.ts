/**
 * Chat: your threads, and one thread with its questions, what is being done, and answers whose cites lead to their records. What could not be confirmed is
 * marked as a judgement or a hypothesis. It works without JavaScript; with it, steps and answers appear by themselves.
 */
import { html } from 'hono/html'
import { exampleQuestions } from '../../agent/chat/rules.ts'
import type { AnalystStep } from '../../domain/analyst-step.ts'
import { type Answer, longestQuestion, type Thread, type Turn } from '../../domain/chat.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { shortId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { checkedWords, type GroundedClaim } from '../../domain/report.ts'
import type { ThreadLine } from '../../store/threads.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { claimText, csrfField, type Html, nothing, plural, recordLink, timeOf, untrusted, withTimes } from './parts.ts'

/** Null: not opened yet. `incident` null: about all there is. */
export type ChatData = { thread: Thread | null; incident: Incident | null; turns: Turn[]; steps: AnalystStep[]; threads: ThreadLine[] }

export function chatPage(falconer: Falconer, who: Who, data: ChatData): Html {
  const { thread, incident, turns, threads } = data
  const title = incident === null ? 'Ask' : `Ask about ${shortId('incident', incident.id)}`
  const crumb =
    incident === null
      ? nothing
      : html`<p class="crumb"><a href="/incidents">Incidents</a> / <a href="/incidents/${incident.id}">${shortId('incident', incident.id)}</a> / Ask</p>`
  const body = html`${crumb}<h1>${title}</h1>
${incident === null ? nothing : html`<p class="headline">${untrusted(incident.title, 200)}</p>`}
<div class="columns"><div>
<div id="conversation" data-part aria-live="polite">${turns.length === 0 ? welcome(data, who) : turns.map((turn, at) => turnPart(turn, data, who, at === turns.length - 1))}</div>
${askForm(data, who)}
</div><aside>
${thread === null ? nothing : html`<p><a class="button second" href="${incident === null ? '/chat' : `/chat?incident=${incident.id}`}">New thread</a></p>`}
${threadList(threads, thread, who)}
</aside></div>`
  return layout({ title, place: 'chat', who, falconer, live: thread === null ? [] : ['chat', 'steps'] }, body)
}

function askForm({ thread, incident, turns }: ChatData, who: Who): Html {
  const action = thread === null ? '/chat' : `/chat/${thread.id}`
  return html`<form class="card ask" id="ask" method="post" action="${action}">${csrfField(who.csrf)}${thread === null && incident !== null ? html`<input type="hidden" name="incident" value="${incident.id}">` : nothing}
<label for="question">${turns.length === 0 ? 'Your question' : 'Ask further'}</label><textarea id="question" name="question" rows="2" required maxlength="${longestQuestion}" data-send aria-describedby="send-hint" autofocus></textarea>
<div class="actions"><button>Ask</button><span class="quiet" id="send-hint"><span class="keys">Ctrl+Enter asks. </span>Answers cite records; nothing is approved or changed here.</span></div></form>`
}

/** What can be asked, one press each. */
function welcome({ incident }: ChatData, who: Who): Html {
  const examples = exampleQuestions(incident === null ? 'estate' : 'incident')
  return html`<section class="card"><h2>${incident === null ? 'Ask about anything Falconer knows' : 'Ask about this incident'}</h2><p>${incident === null ? 'Incidents, findings, attack paths, what to fix first, and what nobody could see.' : 'What happened, how it was possible, what could come next.'} For example:</p>
<form method="post" action="/chat">${csrfField(who.csrf)}${incident === null ? nothing : html`<input type="hidden" name="incident" value="${incident.id}">`}<ul class="suggestions">${examples.map((text) => html`<li><button class="second" name="question" value="${text}">${text}</button></li>`)}</ul></form></section>`
}

function turnPart(turn: Turn, data: ChatData, who: Who, last: boolean): Html {
  const next = data.turns.find((one) => one.number > turn.number && one.firstStep !== null)?.firstStep ?? Number.POSITIVE_INFINITY
  const steps = turn.firstStep === null ? [] : data.steps.filter(({ number }) => number >= (turn.firstStep ?? 0) && number < next)
  return html`<article class="turn" id="turn-${turn.number}"><p class="question"><span class="quiet">${untrusted(turn.askedBy.name, 60)}, ${timeOf(turn.askedAt)}</span><br>${untrusted(turn.text, longestQuestion)}</p>
<div class="card answer">${outcome(turn, steps, data, who, last)}</div></article>`
}

function outcome(turn: Turn, steps: readonly AnalystStep[], data: ChatData, who: Who, last: boolean): Html {
  if (turn.answer !== null) return answerPart(turn.answer, turn, steps, data, who, last)
  if (turn.state === 'unanswered')
    return html`<p class="notice bad">Not answered. ${untrusted(turn.error ?? '', 400)}</p>${last && data.thread !== null ? html`<form method="post" action="/chat/${data.thread.id}/again">${csrfField(who.csrf)}<input type="hidden" name="number" value="${turn.number}"><button class="second">Ask again</button></form>` : nothing}${stepsPart(turn, steps, false)}`
  return html`<p role="status" class="working">${turn.state === 'waiting' ? 'Waits for the question before it.' : 'Looking it up…'}</p>${stepsPart(turn, steps, true)}${mayStop(turn, data, who) ? html`<form method="post" action="/chat/${data.thread?.id}/stop">${csrfField(who.csrf)}<input type="hidden" name="number" value="${turn.number}"><button class="second small" id="stop-${turn.number}">Stop</button></form>` : nothing}<noscript><p><a href="?now=${turn.number}-${steps.length}">Look again</a> for the answer.</p></noscript>`
}

const mayStop = ({ askedBy }: Turn, { thread }: ChatData, { principal }: Who): boolean =>
  thread !== null && askedBy.personId === principal.personId

function answerPart(answer: Answer, turn: Turn, steps: readonly AnalystStep[], { thread }: ChatData, who: Who, last: boolean): Html {
  const cites = new Cites()
  const { claims, unknowns, notes, links, followUps, partial } = answer
  return html`${partial === null ? nothing : html`<p class="notice">${untrusted(partial, 500)}</p>`}
${claims.length === 0 ? nothing : html`<ul class="claims">${claims.map((claim) => html`<li${claim.grounded ? nothing : html` class="doubted"`}>${claimText(claim)} ${cites.of(claim, turn.number)}</li>`)}</ul>`}
${unknowns.length === 0 ? nothing : html`<h3>What is not known</h3><ul class="claims unknown">${unknowns.map((one) => html`<li>${withTimes(untrusted(one, 500))}</li>`)}</ul>`}
${links.length === 0 ? nothing : html`<p class="read-on">${links.map(({ label, path }) => html`<a href="${path}">${untrusted(label, 80)}</a> `)}</p>`}
${notes.map((note) => html`<p class="quiet">${untrusted(note, 500)}</p>`)}
<p class="quiet">${answer.by === 'rules' ? nothing : html`Written by ${untrusted(answer.by, 80)} (a model). `}${checkedWords(claims)}</p>
<div class="beneath">${cites.list(turn.number)}${stepsPart(turn, steps, false)}</div>
${last && thread !== null && followUps.length > 0 ? html`<form method="post" action="/chat/${thread.id}">${csrfField(who.csrf)}<ul class="suggestions">${followUps.slice(0, 4).map((text) => html`<li><button class="second small" name="question" value="${untrusted(text, 300)}">${untrusted(text, 300)}</button></li>`)}</ul></form>` : nothing}`
}

/** Footnotes of one answer: each record once, numbered as it is first cited. */
class Cites {
  readonly #numbers = new Map<string, { number: number; ref: EvidenceRef; paths: Set<string> }>()

  of({ evidence }: GroundedClaim, turn: number): Html {
    const numbers = new Set(
      evidence.map((ref) => {
        const key = `${ref.record}/${ref.id}`
        const found = this.#numbers.get(key) ?? { number: this.#numbers.size + 1, ref, paths: new Set<string>() }
        if (ref.path !== null) found.paths.add(ref.path)
        this.#numbers.set(key, found)
        return found.number
      }),
    )
    return html`${[...numbers].map((number) => html`<sup><a class="cite" href="#cite-${turn}-${number}" aria-label="record ${number}">[${number}]</a></sup>`)}`
  }

  list(turn: number): Html {
    if (this.#numbers.size === 0) return nothing
    return html`<details class="evidence" id="cites-${turn}"><summary>${plural(this.#numbers.size, 'record')}</summary><ol>${[...this.#numbers.values()].map(({ number, ref, paths }) => html`<li id="cite-${turn}-${number}">${recordLink(ref)} <span class="quiet">${untrusted([...paths].join(', '), 200)}</span></li>`)}</ol></details>`
  }
}

const stepWords: Partial<Record<AnalystStep['kind'], string>> = {
  asked: 'asked',
  refused: 'was refused',
  said: 'said',
  drafted: 'wrote',
  mended: 'mended',
  stopped: 'stopped',
  done: 'done',
}

/** What was done for an answer: open while it is done. */
function stepsPart(turn: Turn, steps: readonly AnalystStep[], open: boolean): Html {
  const told = steps.filter(({ kind }) => kind in stepWords)
  if (told.length === 0) return nothing
  return html`<details class="did" id="steps-${turn.number}"${open ? html` open` : nothing}><summary>${plural(told.length, 'step')}</summary><ol>${told.map(({ kind, tool, text }) => html`<li>${stepWords[kind]}${tool === null ? nothing : html` <code>${untrusted(tool, 60)}</code>`} <span class="quiet">${untrusted(text, 300)}</span></li>`)}</ol></details>`
}

function threadList(threads: readonly ThreadLine[], current: Thread | null, who: Who): Html {
  const others = threads.filter(({ first }) => first !== null)
  if (others.length === 0) return nothing
  return html`<section class="card" aria-labelledby="threads"><h2 id="threads">Threads</h2><ul class="threads">${others.map((one) => html`<li><a href="/chat/${one.id}"${one.id === current?.id ? html` aria-current="page"` : nothing}>${untrusted(one.first ?? '', 90)}</a><div class="quiet">${one.incidentId === null ? nothing : html`about ${shortId('incident', one.incidentId)}, `}${one.owner.personId === who.principal.personId ? nothing : html`${untrusted(one.owner.name, 40)}, `}${timeOf(one.newestAt)}</div></li>`)}</ul></section>`
}
