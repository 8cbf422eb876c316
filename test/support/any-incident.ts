/**
 * Incidents of any size and shape, made from a number: few or very many rules, pods and processes, words as attackers write them, posture full of
 * findings and steps. Case files of them as the store would read them, and a reader of their records.
 */
import type { Alert } from '../../domain/alert.ts'
import type { Entity } from '../../domain/entity.ts'
import type { AttackStep } from '../../domain/graph.ts'
import type { Incident } from '../../domain/incident.ts'
import { priorities, prioritySeverity } from '../../domain/severity.ts'
import { nothingKnown } from '../../incidents/baseline.ts'
import { buildCaseFile, type CaseFile, type CaseParts, type Coverage, sample } from '../../incidents/case-file.ts'
import type { RecordReader } from '../../incidents/grounding.ts'
import type { IncidentPosture } from '../../incidents/posture.ts'
import { stepId } from '../../incidents/record-field.ts'
import { assess, type RuleGroup } from '../../incidents/severity.ts'
import type { FindingFacts } from '../../store/finding-facts.ts'
import { canaries, endless, invisible, markup } from './hostile-text.ts'
import { minute, noon, podRecords, process_, storedAlert } from './records.ts'

export type Shape = { seed: number; alerts: number; rules: number; pods: number; processes: number; hostile: boolean; posture: number }
export type AnyIncident = { all: Alert[]; file: CaseFile; reader: RecordReader; coverage: Coverage[] }

const sampleSize = 200
const hostileWords = [
  ...markup,
  ...invisible,
  ...endless,
  ...canaries.map(({ text }) => text),
  '⟦x⟧ ⟪y⟫',
  '"'.repeat(400),
  '漢'.repeat(500),
  '\\'.repeat(300),
]

export function anyIncident(shape: Shape): AnyIncident {
  const next = numbers(shape.seed)
  const pick = <T>(of: readonly T[]): T => of[next(of.length)] as T
  const word = (plain: string): string => (shape.hostile && next(3) === 0 ? `${pick(hostileWords)} ${plain}` : plain)
  const places = Array.from({ length: shape.pods }, (_, at) => placeOf(at))
  const rules = Array.from({ length: shape.rules }, (_, at) => ({
    rule: word(`Rule ${at}`),
    priority: pick(priorities),
    technique: `T1${100 + (at % 60)}`,
  }))
  const commands = Array.from({ length: shape.processes }, (_, at) => word(`/usr/bin/tool-${at} --to 10.0.0.${at % 250}`))
  const all = Array.from({ length: shape.alerts }, (_, at): Alert => {
    const { rule, priority, technique } = pick(rules)
    const place = pick(places)
    return storedAlert(`alert-${at}`, {
      eventNs: noon + BigInt(next(120)) * minute + BigInt(next(1_000_000)),
      rule,
      priority,
      severity: prioritySeverity[priority],
      techniques: [technique],
      tactics: [pick(['TA0002', 'TA0006', 'TA0011'])],
      container: { id: place.container.key.slice(0, 12), name: word('app'), image: null },
      pod: { namespace: 'shop', name: place.pod.name, uid: place.pod.key },
      process:
        next(8) === 0
          ? null
          : process_({ cmdline: pick(commands), pid: BigInt(next(400)), parentPid: BigInt(next(400)), parentName: word('node') }),
      file: next(2) === 0 ? word(`/etc/file-${next(50)}`) : null,
      fields: { 'proc.cmdline': 'x', 'proc.pcmdline': word('node server.js') },
    })
  })
  const byId = new Map(all.map((alert) => [alert.id, alert]))
  const placeIds = new Map(places.map((place) => [place.pod.key, place]))
  const chosen = sample(all, sampleSize).map((id) => byId.get(id) as Alert)
  const posture = postureOf(shape.posture, places, word)
  const coverage: Coverage[] = [{ name: word('falco'), collector: 'falco', scope: 'lab', lastSeenAt: new Date(0) }]
  const groups = groupsOf(all)
  const { severity, reasons } = assess(groups)
  const incident = {
    id: '019aa000-0000-7000-8000-00000000cafe',
    scope: 'lab',
    title: word('Rules in shop'),
    state: 'open',
    severity,
    severityFloor: severity,
    severityReasons: reasons,
    alertCount: all.length,
    expiredAlerts: 0,
    rules: rules.map(({ rule }) => rule),
    firstNs: chosen[0]?.eventNs ?? noon,
    lastNs: chosen.at(-1)?.eventNs ?? noon,
    techniques: rules.map(({ technique }) => technique),
    tactics: [],
  } as unknown as Incident
  const file = buildCaseFile({
    incident,
    groups,
    coverage,
    decisions: [],
    posture,
    inventory: { scope: 'lab', pods: shape.pods, lastNs: noon },
    cluster: { simulated: true },
    baseline: {
      ...nothingKnown,
      sinceDay: '2026-08-01',
      rules: rules.map(({ rule }) => ({ rule, count: 0, days: 0 })),
      here: rules
        .slice(0, 30)
        .map(({ rule }) => ({
          rule,
          place: word('Deployment shop/app'),
          process: word('tool'),
          crowded: false,
          said: [],
          usual: { count: 0, days: 0, ofDays: 9, firstSeen: null, text: 'not seen before', level: 'new' },
        })),
    },
    resolved: chosen.map((alert) => {
      const { container, pod, workload, node } = placeIds.get(alert.pod?.uid ?? '') as Place
      return { alert, context: { container, pod, workload, node, inferred: false, how: 'told' } }
    }),
    total: all.length,
  } as CaseParts)
  return { all, file, coverage, reader: readerOf(byId, file, coverage) }
}

/** Whole numbers below `most`, always the same from the same beginning. */
function numbers(seed: number): (most: number) => number {
  let state = seed >>> 0
  return (most) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return Math.floor(((state ^ (state >>> 13)) >>> 0) % Math.max(1, most))
  }
}

type Place = Record<'container' | 'pod' | 'workload' | 'node', Entity>
function placeOf(at: number): Place {
  const { entities } = podRecords({ name: `app-${at}-7d9f8`, workload: { kind: 'Deployment', name: `app-${at}` } })
  const stored = (kind: Entity['kind'], id: number): Entity => ({
    ...(entities.find((one) => one.kind === kind) as Entity),
    id: BigInt(at * 10 + id),
    origin: 'inventory',
    sourceId: null,
    firstNs: noon,
    lastNs: noon,
  })
  return { container: stored('container', 1), pod: stored('pod', 2), workload: stored('workload', 3), node: stored('node', 4) }
}

function groupsOf(all: readonly Alert[]): RuleGroup[] {
  return [...Map.groupBy(all, ({ rule, priority }) => `${priority} ${rule}`).values()].map((of) => {
    const [{ rule, priority }] = of as [Alert]
    const times = of.map(({ eventNs }) => eventNs).sort((a, b) => (a < b ? -1 : 1))
    return {
      rule,
      priority,
      tactics: [...new Set(of.flatMap(({ tactics }) => tactics))],
      techniques: [...new Set(of.flatMap(({ techniques }) => techniques))],
      count: of.length,
      firstNs: times[0] as bigint,
      lastNs: times.at(-1) as bigint,
    }
  })
}

function postureOf(many: number, places: readonly Place[], word: (plain: string) => string): IncidentPosture {
  const at = (place: Place): bigint[] => [place.container.id, place.pod.id, place.workload.id]
  const placed = Array.from({ length: many }, (_, one) => places[one % places.length] as Place)
  const findings = placed.map((place, one) => ({ finding: findingOf(one, word), at: at(place), use: null }))
  const steps = placed.map((place, one) => ({ step: stepOf(one, place, word), at: at(place) }))
  const reached = placed.map((place, one) => ({
    entity: { ...place.node, id: BigInt(100_000 + one), name: word(`thing-${one}`) },
    depth: 1 + (one % 5),
    by: stepOf(one, place, word),
  }))
  const looked = placed.map((_place, one) => ({ title: word(`registry/app-${one}:1`), kind: 'image' as const, looks: [] }))
  return {
    findings,
    steps,
    reached,
    reachedMore: many > 100,
    waysIn: placed.slice(0, 8).map((place, one) => [stepOf(one + 5_000, place, word)]),
    coverage: { looked, withoutImage: 0, waiting: 0, derivedAt: many === 0 ? null : new Date(0) },
  }
}

const findingOf = (one: number, word: (plain: string) => string): FindingFacts => ({
  id: `finding-${one}`,
  scope: 'global',
  class: 'vulnerability',
  check: `CVE-2026-${1000 + one}`,
  aliases: [],
  title: word(`flaw ${one}`),
  severity: 'critical',
  status: 'open',
  remediation: null,
  kev: null,
  epss: null,
  scanner: 'trivy',
  lastNs: noon,
  paths: [],
  resource: { kind: 'image', key: `sha256:${one}`, name: word(`registry/app-${one}:1`), namespace: null },
  package: { key: `pkg:npm/p${one}@1`, name: word(`package-${one}`), version: '1.0', fixedIn: ['1.1'] },
  cvss: { score: 9.8, vector: 'CVSS:3.1/AV:N/AC:L' },
})

const stepOf = (one: number, place: Place, word: (plain: string) => string): AttackStep => ({
  src: place.workload.id,
  type: 'escape-privileged',
  dst: BigInt(100_000 + one),
  cost: 1,
  scope: 'lab',
  unit: 'namespace/shop',
  fromNs: noon,
  untilNs: null,
  technique: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null },
  precondition: 'code runs in it',
  because: word(`container app of ${place.workload.name} is privileged`),
  evidence: [],
  fix: { key: `privileged/${one}`, text: word('Take privileged away'), on: { scope: 'lab', kind: 'workload', key: 'uid' } },
})

function readerOf(alerts: ReadonlyMap<string, Alert>, file: CaseFile, coverage: readonly Coverage[]): RecordReader {
  const { findings, steps, reached, waysIn } = file.posture
  const entities = new Map([...file.entities, ...reached.map(({ entity }) => entity)].map((one) => [one.id.toString(), one]))
  const known = new Map(
    [...steps.map(({ step }) => step), ...reached.map(({ by }) => by), ...waysIn.flat()].map((one) => [stepId(one), one]),
  )
  const facts = new Map(findings.map(({ finding }) => [finding.id, finding]))
  return {
    alert: async (id) => alerts.get(id),
    entity: async (id) => entities.get(id),
    decision: async () => undefined,
    coverage: async (name) => coverage.find((one) => one.name === name),
    finding: async (id) => facts.get(id),
    step: async (id) => known.get(id),
    incident: async (id) => (id === file.incident.id ? file.incident : undefined),
    fielded: async () => undefined,
  }
}
