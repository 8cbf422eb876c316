/**
 * The card of an incident: what it is, what is said of it and by whom, what it touched, why it is so severe, until when it was observed. Rendered here,
 * from the record; only grounded sentences are told. The same record makes the same card.
 */
import { toDate } from '../../domain/event-time.ts'
import { shortId } from '../../domain/ids.ts'
import type { Report } from '../../domain/report.ts'
import { modelName, whose } from '../../domain/written-by.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import { slackActions } from './actions.ts'
import { type Block, bounded, buttons, type Card, header, type Inline, lines, points } from './blocks.ts'
import { fallback, link, moment, prose, sentence, value, words } from './text.ts'

const mostSentences = 3
const mostEntities = 6
const mostReasons = 4

export function incidentCard(facts: IncidentFacts): Card {
  const { incident, report, url } = facts
  const over = incident.mergedInto !== null || incident.state === 'closed'
  const head: Block[] = [header(`${word(incident.severity)}: ${incident.title}`), lines(standing(facts), verdict(report))]
  const body = over ? [] : [...said(report), ...reasons(facts)]
  return {
    text: fallback(`${word(incident.severity)} incident ${shortId('incident', incident.id)} (${stateWord(facts)}): ${incident.title}`, 500),
    blocks: bounded([...head, ...touched(facts), ...body, lines(freshness(facts)), actions(incident.id, url, over)]),
  }
}

export const word = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replaceAll('_', ' ')
const stateWord = ({ incident }: IncidentFacts): string => (incident.mergedInto === null ? incident.state : 'merged')

function standing({ incident, rules, url }: IncidentFacts): Inline[] {
  const base: Inline[] = [
    link(url, shortId('incident', incident.id)),
    words(
      ` · ${incident.severity} · ${stateWord({ incident } as IncidentFacts)} · ${alerts(incident.alertCount)} of ${rules.length === 1 ? 'one rule' : `${rules.length} rules`} · cluster `,
    ),
    value(incident.scope, 100),
  ]
  if (incident.mergedInto === null) return base
  const into = `${url.slice(0, url.lastIndexOf('/'))}/${incident.mergedInto}`
  return [...base, words(' · merged into ', { bold: true }), link(into, shortId('incident', incident.mergedInto))]
}

export const alerts = (count: number): string => `${count.toLocaleString('en')} alert${count === 1 ? '' : 's'}`

function verdict(report: IncidentFacts['report']): Inline[] {
  if (report === null) return [words('Not investigated yet', { bold: true })]
  const confident = ` (${report.confidence} confidence), says `
  return [words(word(report.verdict), { bold: true }), words(confident), ...author(report)]
}

/** No doubt whether a model did. Its name is a provider’s text. */
export function author(report: Pick<Report, 'analyst' | 'model'>): Inline[] {
  if (report.model === null && report.analyst === 'playbook') return [words('the playbook (rules, no model)')]
  const named = report.model === null ? [] : [value(modelName(report.model), 80)]
  return [prose(whose(report), 80), words(' (a model'), ...(named.length === 0 ? [] : [words(': '), ...named]), words(')')]
}

function said(report: IncidentFacts['report']): Block[] {
  if (report === null) return []
  const grounded = report.summary.filter((claim) => claim.grounded).slice(0, mostSentences)
  const early: Inline[][] = report.partial === null ? [] : [[words('It ended early: '), prose(report.partial, 300)]]
  const sentences = grounded.map((claim) => sentence(claim.text))
  if (sentences.length === 0) return [lines([words('Nothing of its summary could be confirmed from records; see the page.')], ...early)]
  return [points('What happened', [...sentences, ...early])]
}

function touched({ touched: entities }: IncidentFacts): Block[] {
  if (entities.length === 0) return []
  const shown = entities
    .slice(0, mostEntities)
    .flatMap(({ kind, name, namespace }, index): Inline[] => [
      words(`${index === 0 ? '' : ', '}${kind.replaceAll('_', ' ')} `),
      value(namespace === null ? name : `${namespace}/${name}`, 120),
    ])
  const more = entities.length - mostEntities
  return [lines([words('Touched: ', { bold: true }), ...shown, ...(more > 0 ? [words(` and ${more} more`)] : [])])]
}

function reasons({ incident }: IncidentFacts): Block[] {
  const shown = incident.severityReasons.slice(0, mostReasons)
  return shown.length === 0
    ? []
    : [
        points(
          `Why it is ${incident.severity}`,
          shown.map(({ text }) => sentence(text, 400)),
        ),
      ]
}

function freshness({ incident }: IncidentFacts): Inline[] {
  return [
    words('First observed '),
    moment(toDate(incident.firstNs)),
    words('; not observed since '),
    moment(toDate(incident.lastNs)),
    words('.'),
  ]
}

function actions(id: string, url: string, over: boolean): Block {
  const open = { id: slackActions.open, label: 'Open', url }
  if (over) return buttons(open)
  return buttons(
    { id: slackActions.investigate, label: 'Investigate', value: id, style: 'primary' },
    open,
    { id: slackActions.assign, label: 'Assign me', value: id },
    { id: slackActions.notIncident, label: 'Not an incident…', value: id },
  )
}
