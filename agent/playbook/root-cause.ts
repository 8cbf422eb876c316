/**
 * What the playbook says of posture: what made the incident possible, what to change first, what could be taken next, and of all that could not be
 * seen that nobody looked. Each sentence cites the finding or the attack step it stands on; ranks are the case file’s, not its own.
 */
import { isEveryOf } from '../../domain/graph.ts'
import type { Claim } from '../../domain/report.ts'
import type { CaseAlert, CaseFile } from '../../incidents/case-file.ts'
import { startedBy } from '../../incidents/package-paths.ts'
import type { Reached } from '../../incidents/posture.ts'
import type { Mend } from '../../incidents/flaw-causes.ts'
import type { Cause, RootCause } from '../../incidents/root-causes.ts'
import { allOfCloud } from '../../incidents/posture-topics.ts'
import type { FindingFacts } from '../../store/finding-facts.ts'
import { cloudFixes, rightsUsed } from './cloud.ts'
import { rightsNamed, seenCauses, seenFixes } from './seen-causes.ts'
import { type Cite, cite, citeEntity, citeFinding, citeStep, ifTold, type Parts, sentence } from './sentence.ts'

const mostCauses = 8
const mostFixes = 3

/** What was seen to have let it happen, posture that fits, and the rights that allowed it: with those nobody needs a flaw. */
export const rootCause = (file: CaseFile): Claim[] => [
  ...seenCauses(file),
  ...file.rootCauses.slice(0, mostCauses).map((one) => sentence('inference', told(one))),
  ...(allOfCloud(file) ? rightsUsed(file) : rightsNamed(file)),
]

function told(one: RootCause): Parts {
  const { cause } = one
  switch (cause.is) {
    case 'flaw': {
      const { finding, further, program } = cause
      const named: Parts = [
        citeFinding(finding, 'check'),
        ' in ',
        citeFinding(finding, 'package'),
        ...ifTold(' ', citeFinding(finding, 'version')),
      ]
      const where: Parts = [' of image ', citeFinding(finding, 'resource'), ' can be used over the network', ...known(one)]
      const more = further.length === 0 ? [] : [`, as can ${further.length} further ${further.length === 1 ? 'flaw' : 'flaws'} of it`]
      return [...named, ...where, ...more, ...(program === null ? fits(one) : inProgram(finding, program)), ...inUse(cause), '.']
    }
    case 'way-in':
      return [
        'It is reached from the internet: ',
        ...joined(
          cause.steps.map((step) => citeStep(step, 'because')),
          '; then ',
        ),
        ...fits(one),
        '.',
      ]
    case 'step':
      return [
        citeStep(cause.step, 'because'),
        ' (',
        citeStep(cause.step, 'technique'),
        ')',
        ...(cause.findings[0] === undefined ? [] : [', and so says ', citeFinding(cause.findings[0], 'check')]),
        ...fits(one),
        '.',
      ]
    default:
      return [
        citeFinding(cause.finding, 'title'),
        ' (',
        citeFinding(cause.finding, 'check'),
        ') of ',
        citeFinding(cause.finding, 'resource'),
        ...fits(one),
        '.',
      ]
  }
}

/** It belongs to the program that did what a server program does not do. */
const inProgram = (finding: FindingFacts, { alert }: CaseAlert): Parts => [
  '; ',
  citeFinding(finding, 'package'),
  ' belongs to the application ',
  cite(alert, startedBy),
  ', which started ',
  cite(alert, 'process.cmdline'),
]
/** That a file of it was run or opened stands on the alert that showed it; that none was is no word for it. */
const inUse = ({ use }: Extract<Cause, { is: 'flaw' }>): Parts =>
  use?.inUse === true
    ? [
        `; a file of it was ${use.kind === 'exec' ? 'run' : 'opened'}`,
        { evidence: { record: 'alert', id: use.alertId, path: null, value: null }, shown: false },
      ]
    : []

/** Which of what was seen it would explain; the first alert of each kind of sign. */
function fits({ relates }: RootCause): Parts {
  const [first] = relates
  if (first === undefined) return [', though nothing that was seen speaks for it']
  const rules = new Set(relates.map(({ entry }) => entry.alert.rule)).size
  return [`, which fits that ${first.shows} (`, cite(first.entry.alert, 'rule'), rules > 1 ? `, and ${rules - 1} more` : '', ')']
}

/** What lists and scores say of it. */
function known({ cause }: RootCause): Parts {
  if (cause.is !== 'flaw') return []
  const { kev, epss, cvss } = cause.finding
  const parts: Parts[] = []
  if (kev !== null) parts.push(['known to be exploited (KEV ', citeFinding(cause.finding, 'kev'), ')'])
  if (epss !== null) parts.push(['EPSS ', citeFinding(cause.finding, 'epss')])
  if (cvss !== null) parts.push(['CVSS ', citeFinding(cause.finding, 'cvss')])
  return parts.length === 0 ? [] : [' (', ...parts.flatMap((part, index) => (index === 0 ? part : [', ', ...part])), ')']
}
const joined = (cites: readonly Cite[], between: string): Parts => cites.flatMap((one, index) => (index === 0 ? [one] : [between, one]))

/** One change each, what takes away the likeliest cause first; how many of the causes it takes away. */
export function fixFirst(file: CaseFile): Claim[] {
  const { rootCauses } = file
  const fixes = Map.groupBy(
    rootCauses.filter(({ fix }) => fix !== null),
    ({ fix }) => fix?.key ?? '',
  )
  const changes = [...fixes.values()].slice(0, mostFixes).map(([first, ...others]) => {
    const also = others.length === 0 ? '' : ` It takes away ${others.length + 1} of these causes.`
    return sentence('inference', [...fixOf(first as RootCause), '.', also])
  })
  // Credentials in other hands come before what let them be used.
  return [...(allOfCloud(file) ? cloudFixes(file) : []), ...changes, ...seenFixes(file)]
}

function fixOf({ cause, fix }: RootCause): Parts {
  if (cause.is === 'step') return [citeStep(cause.step, 'fix')]
  if (cause.is === 'way-in')
    return [citeStep(cause.steps.find((step) => step.fix?.key === fix?.key) ?? (cause.steps[0] as (typeof cause.steps)[number]), 'fix')]
  const { finding } = cause
  if (cause.is !== 'flaw') return [citeFinding(finding, 'check'), ': ', citeFinding(finding, 'remediation')]
  return [
    'Update ',
    citeFinding(finding, 'package'),
    ' to ',
    ...(cause.mend === null ? [] : [versionOf(cause.mend)]),
    ' or newer in image ',
    citeFinding(finding, 'resource'),
    ', and roll it out',
  ]
}

/** Of several versions that a finding names the one. */
function versionOf({ finding, version }: Mend): Cite {
  const all = citeFinding(finding, 'fixedIn')
  const at = finding.package?.fixedIn.slice(0, finding.package.fixedIn.indexOf(version)).reduce((sum, one) => sum + one.length + 2, 0) ?? 0
  return version.length < 3 ? all : { ...all, part: [at, at + version.length] }
}

const worth: readonly [kind: Reached['entity']['kind'], one: string, many: string][] = [
  ['cluster', 'the whole cluster', 'clusters'],
  ['node', 'node', 'nodes'],
  ['cloud_account', 'cloud account', 'cloud accounts'],
  ['identity', 'identity', 'identities'],
  ['secret', 'Secret', 'Secrets'],
  ['service_account', 'service account', 'service accounts'],
  ['role', 'role', 'roles'],
  ['workload', 'workload', 'workloads'],
  ['pod', 'pod', 'pods'],
  ['cloud_resource', 'cloud resource', 'cloud resources'],
]

/** All of a kind before one of it, then the nearest. */
const worstFirst = (a: Reached, b: Reached): number =>
  Number(isEveryOf(b.entity)) - Number(isEveryOf(a.entity)) || a.depth - b.depth || (a.by.because < b.by.because ? -1 : 1)

/** How much of what could be taken from here, and the nearest of the worst. */
export function blastRadius({ posture: { reached, reachedMore } }: CaseFile): Claim[] {
  const counted = worth.flatMap(([kind, one, many]) => {
    const of = reached.filter(({ entity }) => entity.kind === kind).toSorted(worstFirst)
    const [every, single] = [of.filter(({ entity }) => isEveryOf(entity)), of.filter(({ entity }) => !isEveryOf(entity))]
    const words: Parts[] = [
      ...every.slice(0, 2).map(({ entity }) => [citeEntity(entity, 'name')]),
      ...(single.length === 0 ? [] : [[kind === 'cluster' ? one : `${single.length} ${single.length === 1 ? one : many}`]]),
    ]
    return of.length === 0 ? [] : [{ of, words }]
  })
  if (counted.length === 0) return []
  const best = counted.slice(0, 3).flatMap(({ of }) => of.slice(0, 1))
  const what = counted.flatMap(({ words }) => words).flatMap((part, index) => (index === 0 ? part : [', ', ...part]))
  const more = reachedMore ? ', and more that was not followed' : ''
  return [
    sentence('inference', [
      'From here could be taken, one step after the other: ',
      ...what,
      `${more}. `,
      ...(best[0] === undefined ? [] : ['Nearest: ', citeStep(best[0].by, 'because'), '.']),
    ]),
    ...best
      .slice(1)
      .map(({ by, entity, depth }) =>
        sentence('inference', [
          depth === 1 ? '' : `After ${depth - 1} ${depth === 2 ? 'step' : 'steps'}: `,
          citeStep(by, 'because'),
          ', which leads to ',
          citeEntity(entity, 'name'),
          '.',
        ]),
      ),
  ]
}
