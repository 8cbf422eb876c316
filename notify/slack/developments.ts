/** What has come of an incident since its thread was last told, in few lines; null: nothing that its card does not say as well without a word. */
import { shortId } from '../../domain/ids.ts'
import { severityId } from '../../domain/severity.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import { type Card, type Inline, lines } from './blocks.ts'
import { alerts, author, word } from './incident-card.ts'
import { fallback, link, sentence, value, words } from './text.ts'

/** As it was told last. */
export type Told = {
  at: string
  alerts: number
  rules: Record<string, number>
  severity: IncidentFacts['incident']['severity']
  verdict: string | null
  state: string
  mergedInto: string | null
}
const mostRules = 3

export const toldOf = ({ incident, rules, report }: IncidentFacts, at: Date): Told => ({
  at: at.toISOString(),
  alerts: incident.alertCount,
  rules: Object.fromEntries(rules.map(({ rule, count }) => [rule, count])),
  severity: incident.severity,
  verdict: report?.verdict ?? null,
  state: incident.state,
  mergedInto: incident.mergedInto,
})

/** Said soon: it changes what people do. Alerts alone can wait until there are several to tell of. */
export const isUrgent = (told: Told, { incident, report }: IncidentFacts): boolean =>
  severityId(incident.severity) > severityId(told.severity) ||
  (report?.verdict ?? null) !== told.verdict ||
  incident.state !== told.state ||
  incident.mergedInto !== told.mergedInto

export function developments(told: Told, facts: IncidentFacts, at: Date): Card | null {
  const { incident, report } = facts
  const news: Inline[][] = []
  if (incident.mergedInto !== null && incident.mergedInto !== told.mergedInto) news.push(merged(facts, incident.mergedInto))
  else if (incident.state !== told.state)
    news.push([words(incident.state === 'open' ? 'Open again.' : `${word(incident.state)}.`, { bold: true })])
  if (incident.severity !== told.severity) news.push(severity(told, facts))
  if (report !== null && report.verdict !== told.verdict)
    news.push([
      words(`Verdict: ${word(report.verdict)}`, { bold: true }),
      words(` (${report.confidence} confidence), says `),
      ...author(report),
    ])
  if (incident.alertCount > told.alerts) news.push(more(told, facts, at))
  if (news.length === 0) return null
  const what = [incident.mergedInto === null ? incident.state : 'merged', incident.severity, alerts(incident.alertCount)].join(', ')
  return { text: fallback(`${shortId('incident', incident.id)}: ${what}`), blocks: [lines(...news)] }
}

function merged({ url }: IncidentFacts, into: string): Inline[] {
  const page = `${url.slice(0, url.lastIndexOf('/'))}/${into}`
  return [words('Merged into ', { bold: true }), link(page, shortId('incident', into)), words('; what comes is told there.')]
}

function severity(told: Told, { incident }: IncidentFacts): Inline[] {
  const reason = incident.severityReasons.at(-1)
  const because = reason === undefined ? [] : [words(': '), ...sentence(reason.text, 300)]
  return [words(`${word(incident.severity)}`, { bold: true }), words(`, was ${told.severity}`), ...because]
}

/** “12 more alerts in 5 minutes: Terminal shell ×9, …” */
function more(told: Told, { incident, rules }: IncidentFacts, at: Date): Inline[] {
  const grown = rules
    .map(({ rule, count }) => ({ rule, by: count - (told.rules[rule] ?? 0) }))
    .filter(({ by }) => by > 0)
    .toSorted((a, b) => b.by - a.by)
  const minutes = Math.max(1, Math.round((at.getTime() - Date.parse(told.at)) / 60_000))
  const count = incident.alertCount - told.alerts
  const named = grown
    .slice(0, mostRules)
    .flatMap(({ rule, by }, index): Inline[] => [words(index === 0 ? ': ' : ', '), value(rule, 80), words(` ×${by}`)])
  const rest = grown.length - mostRules
  return [
    words(`${count.toLocaleString('en')} more alert${count === 1 ? '' : 's'} in ${minutes === 1 ? 'a minute' : span(minutes)}`),
    ...named,
    words(rest > 0 ? ` and ${rest} more rule${rest === 1 ? '' : 's'}.` : '.'),
  ]
}

const span = (minutes: number): string => (minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`)
