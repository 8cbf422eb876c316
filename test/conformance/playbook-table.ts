/** The table of docs/playbook-quality.md: per file what was expected, what the playbook found, and what is wrong. The same runs give the same text. */
import { type Run, type Told, citedBy } from './playbook-runs.ts'

export type Row = { run: Run; techniques: [found: number, expected: number]; places: [found: number, expected: number]; wrong: string[] }

/** Ordinary work that stands in a file of attacks: a hook of kind’s at the start of each container, which the rule takes for an intruder. */
const ordinary: Readonly<Record<string, RegExp>> = { 'falco_87b528.log': /^Drop and execute new binary in container in container / }
const loud = ['medium', 'high', 'critical']

/** What each kind of file must come to; every way in which it does not is told in words. */
export function judgeRun(run: Run): Row {
  const { kind, told, expected } = run
  const found = new Set(told.flatMap(({ report }) => report.techniques.map(({ id }) => id)))
  const cited = new Set(told.flatMap((one) => [...citedBy(one)]))
  const missing = [
    ...expected.techniques.filter((id) => !found.has(id)).map((id) => `technique ${id} is not told`),
    ...expected.places.filter((place) => !cited.has(place)).map((place) => `${place} is not named`),
  ]
  const verdicts = told.flatMap(({ incident, report }) => {
    if (kind === 'benign' || ordinary[run.file]?.test(incident.title) === true)
      return report.verdict === 'true_positive' ? [`${incident.severity} true positive of ordinary work: ${incident.title}`] : []
    const acquitted = report.verdict === 'benign' || report.verdict === 'false_positive' || report.verdict === 'insufficient_data'
    return acquitted && loud.includes(incident.severity) ? [`${report.verdict} of an attack: ${incident.title}`] : []
  })
  const hypotheses = told.reduce((sum, { report }) => sum + report.ungrounded, 0)
  return {
    run,
    techniques: [expected.techniques.filter((id) => found.has(id)).length, expected.techniques.length],
    places: [expected.places.filter((place) => cited.has(place)).length, expected.places.length],
    wrong: [...missing, ...verdicts, ...(hypotheses === 0 ? [] : [`${hypotheses} sentences could not be confirmed`])],
  }
}

const titles = {
  attack: 'Runs of the event generator',
  benign: 'Ordinary work, all rules switched on',
  cloud: 'Recorded attacks in a cloud (Stratus Red Team)',
} as const

export function tableOf(rows: readonly Row[]): string {
  const parts = (['attack', 'benign', 'cloud'] as const).map((kind) =>
    part(
      titles[kind],
      rows.filter(({ run }) => run.kind === kind),
    ),
  )
  const wrong = rows.flatMap(({ run, wrong: all }) => all.map((one) => `- \`${run.file}\`: ${one.replaceAll('|', '\\|')}`))
  return [...parts, '## Wrong', wrong.length === 0 ? 'Nothing.' : wrong.join('\n')].join('\n\n')
}

function part(title: string, rows: readonly Row[]): string {
  const lines = rows.map(({ run, techniques, places, wrong }) =>
    [
      `\`${run.file}\``,
      run.alerts,
      run.told.length,
      techniques.join(' of '),
      places.join(' of '),
      verdictsOf(run.told),
      wrong.length === 0 ? '–' : wrong.length,
    ].join(' | '),
  )
  return [
    `## ${title}`,
    '',
    '| File | Alerts | Incidents | Techniques | Places, identities | Verdicts | Wrong |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n')
}

/** “2 true positive (critical), 1 suspicious (medium)” */
function verdictsOf(told: readonly Told[]): string {
  const counts = new Map<string, number>()
  for (const { incident, report } of told) {
    const words = `${report.verdict.replaceAll('_', ' ')} (${incident.severity})`
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  return (
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([words, count]) => `${count} ${words}`)
      .join(', ') || 'no alert, no incident'
  )
}
