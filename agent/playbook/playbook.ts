/**
 * The playbook analyst: no model, the same case file, the same rules of evidence. Every sentence it writes is a claim that
 * grounding re-reads, and it says that a playbook wrote it.
 */
import type { Alert } from '../../domain/alert.ts'
import { tacticTitle } from '../../domain/attack.ts'
import { workloadKinds } from '../../domain/entity.ts'
import { type Claim, type DraftReport, noModel } from '../../domain/report.ts'
import type { CaseAlert, CaseFile, Coverage } from '../../incidents/case-file.ts'
import { mainChain } from '../../incidents/process-chain.ts'
import { startedByServer } from '../../incidents/server-program.ts'
import { unknowns } from '../../incidents/unknowns.ts'
import { allOfCloud, ofCloud } from '../../incidents/posture-topics.ts'
import type { Analyst } from '../analyst.ts'
import { ofAudit } from './address.ts'
import { calledAs, howManyWhen, listed, whatWasCalled, whoseCredentials } from './cloud.ts'
import { explained, reasons } from './reasons.ts'
import { recommend } from './recommend.ts'
import { blastRadius, fixFirst, rootCause } from './root-cause.ts'
import {
  absence,
  causal,
  type Cite,
  cite,
  citeClock,
  citeCoverage,
  citeEntity,
  citeFinding,
  ifTold,
  type Parts,
  sentence,
  standsOn,
} from './sentence.ts'
import { silentWitness } from './silent-witness.ts'
import { unusual, watching } from './unusual.ts'
import { judge, type Signal, signalsOf, titleOf } from './weigh.ts'

export const playbook = {
  name: 'playbook',
  version: '1',
  byCode: true,
  async analyse(file: CaseFile): Promise<DraftReport> {
    const signals = signalsOf(file.alerts)
    const judgement = judge(file, signals)
    const witness = judgement.code === 'witness_silent' ? silentWitness(file) : null
    return {
      analyst: 'playbook',
      analystVersion: '1',
      verdict: judgement.verdict,
      confidence: judgement.confidence,
      severity: file.incident.severityFloor,
      summary: summary(file, signals),
      reasons: reasons(file, signals, judgement, witness),
      unusual: unusual(file, signals),
      timeline: timeline(file),
      rootCause: rootCause(file),
      rootCauses: file.rootCauses.length,
      fixFirst: fixFirst(file),
      blastRadius: blastRadius(file),
      unknowns: [...unknowns(file), ...(witness === null ? [] : [unheard(witness)])],
      techniques: techniques(file),
      actions: recommend(file, judgement.verdict, signals),
      ...noModel,
    }
  },
} satisfies Analyst

function summary(file: CaseFile, signals: readonly Signal[]): Claim[] {
  const [first] = file.alerts
  if (first === undefined) return []
  const claims = allOfCloud(file) ? [whoseCredentials(file), ...whatWasCalled(file)] : inPlaces(file, signals, first)
  if (file.explained) claims.push(explained(first))
  const sequence = inOrder(signals.filter((signal) => signal.weight !== 'weak'))
  if (sequence !== null) claims.push(sequence)
  const entered = likelyEntry(file, signals)
  if (entered !== null) claims.push(entered)
  const [source] = watching(file)
  if (source !== undefined)
    claims.push(absence`Whether it went on cannot be told beyond ${citeCoverage(source)}, when its source was last heard.`)
  return claims
}

/** What a server program started is how a flaw in it is used; which flaw that may be, scanners of its image know. */
function likelyEntry({ rootCauses }: CaseFile, signals: readonly Signal[]): Claim | null {
  const opened = signals.flatMap((signal) => signal.alerts).find((entry) => startedByServer(entry.alert))
  if (opened === undefined) return null
  const flaw = rootCauses.flatMap(({ cause, relates }) => (cause.is === 'flaw' && relates.length > 0 ? [cause.finding] : []))[0]
  const named: Parts =
    flaw === undefined
      ? []
      : ['; of those known in its image, ', citeFinding(flaw, 'check'), ' in ', citeFinding(flaw, 'package'), ' fits best']
  return sentence('inference', [
    'What started it, ',
    cite(opened.alert, 'process.parentName'),
    ', is a server program, so the likely way in is a flaw in that application',
    ...named,
    ': mend and redeploy it, or the next pod is entered the same way.',
  ])
}

function inPlaces(file: CaseFile, signals: readonly Signal[], first: CaseAlert): Claim[] {
  const chain = chainOf(file)
  return [
    where(file, signals, first),
    ...alsoIn(file),
    ...(chain === null ? [] : [chain]),
    ...inTime(signals.slice(0, 5)).map((signal) => told(tellOf(signal), signal.strongest)),
  ]
}

/** The thing itself comes first: what was seen and where; then how often and when. */
function where(file: CaseFile, signals: readonly Signal[], first: CaseAlert): Claim {
  const [strongest] = signals
  if (strongest === undefined) return sentence('observation', ['In ', ...placeOf(file, first), ': ', ...howManyWhen(file), '.'])
  const little = strongest.weight === 'weak' ? ', though it says little by itself' : ''
  return sentence('observation', [
    'Seen in ',
    ...placeOf(file, first),
    `${little}: `,
    ...listed(signals.map(titleOf)),
    ' (',
    ...howManyWhen(file),
    ').',
  ])
}

function placeOf(file: CaseFile, first: CaseAlert): Parts {
  const { pod, workload } = file.alerts.find((entry) => entry.context.pod !== null)?.context ?? { pod: null, workload: null }
  const kind = workloadKinds.find((one) => one === workload?.properties.workloadKind) ?? 'workload'
  const of: Parts = workload === null ? [] : [` of ${kind} `, citeEntity(workload, 'name')]
  if (pod !== null) return ['pod ', citeEntity(pod, 'pod'), ...of]
  const { alert } = file.alerts.find((entry) => entry.alert.pod !== null || entry.alert.container !== null) ?? first
  if (alert.pod !== null)
    return ['pod ', cite(alert, 'pod'), ...(alert.container === null ? [] : [' (container ', cite(alert, 'container.id'), ')'])]
  if (alert.container !== null) return ['container ', cite(alert, 'container.id')]
  return alert.hostname === null ? ['a place that no alert names', standsOn(alert)] : ['host ', cite(alert, 'hostname')]
}

/** Where else: of many pods the first few. */
function alsoIn({ alerts }: CaseFile): Claim[] {
  const [, ...others] = new Map(alerts.flatMap(({ context: { pod } }) => (pod === null ? [] : [[pod.id, pod] as const]))).values()
  return others.length === 0 ? [] : [sentence('observation', ['So too in ', ...listed(others.map((pod) => citeEntity(pod, 'pod'))), '.'])]
}

/** Who started whom, root first; a middle that is too long is left out. */
function chainOf(file: CaseFile): Claim | null {
  const chain = mainChain(file.processes)
  if (chain.length < 2) return null
  const shown = chain.length <= 6 ? chain : [...chain.slice(0, 3), ...chain.slice(-3)]
  const cites = shown.map((node): Cite => {
    const [alert] = node.alerts as [Alert]
    if (!node.implied) return cite(alert, 'process.cmdline')
    return alert.process?.parentCmdline == null ? cite(alert, 'process.parentName') : cite(alert, 'fields.proc.pcmdline')
  })
  const between = (index: number): string => (index === 0 ? '' : index === 3 && shown !== chain ? ' → … → ' : ' → ')
  return sentence('observation', ['One process started the next: ', ...cites.flatMap((one, index) => [between(index), one]), '.'])
}

/** Of what no process is known, families have nothing to say: which rule fired, and on what. */
const tellOf = ({ family, strongest }: Signal): Parts => {
  const { alert } = strongest
  if (ofCloud(alert)) return family.tell(strongest)
  // The audit log of the cluster has no processes either, and families of its own.
  if (alert.process?.cmdline != null || alert.process?.name != null || (ofAudit(alert) && family.fallback !== true))
    return family.tell(strongest)
  return ['rule ', cite(alert, 'rule'), ' fired', ...ifTold(' on ', cite(alert, 'file'))]
}

/** “At 10:01, the shell … was started by …” */
const told = (parts: Parts, { alert }: CaseAlert): Claim => sentence('observation', ['At ', citeClock(alert), ', ', ...parts, '.'])

/** Two signs in one place, one after the other: a causal claim, so it stands on both. */
function inOrder(signals: readonly Signal[]): Claim | null {
  const ordered = inTime(signals)
  const [before] = ordered
  const after = ordered.findLast((signal) => signal !== before && samePlace(signal.strongest, before?.strongest))
  if (before === undefined || after === undefined) return null
  const seconds = Number((after.strongest.alert.eventNs - before.strongest.alert.eventNs) / 1_000_000_000n)
  const gap = seconds < 1 ? 'within a second' : seconds < 120 ? `${seconds} seconds later` : `${Math.round(seconds / 60)} minutes later`
  return causal`First came ${titleOf(before)} (${cite(before.strongest.alert, 'rule')}), and ${gap} ${ofCloud(after.strongest.alert) ? 'with the same credentials' : 'in the same place'} ${titleOf(after)} (${cite(after.strongest.alert, 'rule')}): read together they are one course of action.`
}

const inTime = (signals: readonly Signal[]): Signal[] =>
  signals.toSorted((a, b) => (a.strongest.alert.eventNs < b.strongest.alert.eventNs ? -1 : 1))

const samePlace = (a: CaseAlert, b: CaseAlert | undefined): boolean =>
  b !== undefined &&
  ((a.alert.container !== null && a.alert.container.id.slice(0, 12) === b.alert.container?.id.slice(0, 12)) ||
    (a.context.pod !== null && a.context.pod.id === b.context.pod?.id) ||
    (a.context.identity !== undefined && a.context.identity.id === b.context.identity?.id) ||
    (a.alert.hostname !== null && a.alert.container === null && b.alert.container === null && a.alert.hostname === b.alert.hostname))

const unheard = ({ name, lastSeenAt }: Coverage): string =>
  `Source “${name}” was last heard at ${lastSeenAt?.toISOString().slice(0, 19)}Z, before this began: who opened the shell is not known.`

const timelineLimit = 60

function timeline(file: CaseFile): Claim[] {
  return file.alerts.slice(0, timelineLimit).map(({ alert, context, explanation }) => {
    const what = ofCloud(alert)
      ? calledAs({ alert, context, explanation })
      : [cite(alert, 'rule'), ...ifTold(': ', cite(alert, 'process.cmdline'))]
    const note = `${alert.seen > 1 ? `, received ${alert.seen} times` : ''}${context.inferred ? ' (pod inferred)' : ''}${explanation === null ? '' : ' (explained by inventory)'}`
    return sentence('observation', [citeClock(alert), ' ', ...what, note])
  })
}

function techniques(file: CaseFile): DraftReport['techniques'] {
  const pairs = new Map<string, string | null>()
  for (const group of file.groups)
    for (const id of group.techniques) pairs.set(id, group.tactics.length === 1 ? tacticTitle(group.tactics[0] ?? '') : null)
  return [...pairs].map(([id, tactic]) => ({ id, tactic })).sort((a, b) => (a.id < b.id ? -1 : 1))
}
