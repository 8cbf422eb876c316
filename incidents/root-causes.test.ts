/** What made an incident possible: posture is matched with what was seen in the same place, ranked, and explained; what nothing speaks for is no cause. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import type { AttackStep } from '../domain/graph.ts'
import type { FindingFacts } from '../store/finding-facts.ts'
import { noon, podRecords, process_, storedAlert } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import type { CaseAlert } from './case-file.ts'
import { inApplication } from './package-paths.ts'
import { type IncidentPosture, unknownPosture } from './posture.ts'
import { settingOf } from './posture-topics.ts'
import { type RootCause, rootCauses } from './root-causes.ts'

const stored = (kind: string, id: bigint): Entity => ({
  ...(podRecords({ name: 'checkout-1' }).entities.find((one) => one.kind === kind) as Entity),
  id,
  origin: 'inventory',
  sourceId: null,
  firstNs: noon,
  lastNs: noon,
})
const place = {
  container: stored('container', 1n),
  pod: stored('pod', 2n),
  workload: stored('workload', 3n),
  node: stored('node', 4n),
  inferred: false,
  how: 'told',
}
const here = [1n, 2n, 3n]
let made = 0
const seen = (over: Partial<NewAlert>): CaseAlert => ({
  alert: storedAlert(`alert-${(made += 1)}`, { container: { id: '137fd247aabd', name: 'app', image: null }, techniques: [], ...over }),
  context: place,
  explanation: null,
})
const shellOfServer = (over: Partial<NonNullable<NewAlert['process']>> = {}): CaseAlert =>
  seen({
    rule: 'Run shell untrusted',
    process: process_({ name: 'sh', cmdline: 'sh -c id', parentName: 'node', parentCmdline: 'node /app/server.js', ...over }),
    fields: { 'proc.pcmdline': 'node /app/server.js', 'proc.exepath': '/bin/busybox' },
  })
const escape = (): CaseAlert => seen({ rule: 'Detect release_agent File Container Escapes', techniques: ['T1611'], process: process_() })
const tokenUse = (): CaseAlert =>
  seen({ rule: 'x', process: process_({ cmdline: 'cat /var/run/secrets/kubernetes.io/serviceaccount/token' }) })

const finding = (over: Partial<FindingFacts> = {}): FindingFacts => ({
  id: `finding-${over.check ?? 'CVE-2022-29078'}-${over.resource?.key ?? ''}`,
  scope: 'global',
  class: 'vulnerability',
  check: 'CVE-2022-29078',
  aliases: [],
  title: 'ejs: template injection',
  severity: 'critical',
  status: 'open',
  resource: { kind: 'image', key: 'sha256:aa', name: 'shop/checkout:1', namespace: null },
  package: { key: 'pkg:npm/ejs@3.1.6', name: 'ejs', version: '3.1.6', fixedIn: ['3.1.7'] },
  paths: ['app/node_modules/ejs/package.json'],
  cvss: { score: 9.8, vector: 'CVSS:3.1/AV:N/AC:L' },
  remediation: null,
  kev: null,
  epss: null,
  scanner: 'trivy',
  lastNs: noon,
  ...over,
})
const inSystem = (check: string, name: string, over: Partial<FindingFacts> = {}): FindingFacts =>
  finding({ check, package: { key: `pkg:apk/${name}`, name, version: '1', fixedIn: [] }, paths: [], ...over })
const setting = (check: string, title: string): FindingFacts =>
  finding({
    check,
    title,
    class: 'misconfiguration',
    scope: 'lab',
    package: null,
    paths: [],
    cvss: null,
    severity: 'high',
    remediation: 'Change it.',
    resource: { kind: 'workload', key: 'shop/Deployment/checkout', name: 'checkout', namespace: 'shop' },
  })
const step = (over: Partial<AttackStep> = {}): AttackStep => ({
  src: 3n,
  type: 'escape-privileged',
  dst: 4n,
  cost: 1,
  scope: 'lab',
  unit: 'namespace/shop',
  fromNs: noon,
  untilNs: null,
  technique: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null },
  precondition: 'code runs in it',
  because: 'container app of Deployment shop/checkout is privileged',
  evidence: [],
  fix: { key: 'privileged/uid', text: 'Take privileged away from container app', on: { scope: 'lab', kind: 'workload', key: 'uid' } },
  ...over,
})
const wayIn = step({
  src: 9n,
  dst: 3n,
  type: 'public-flaw',
  technique: { id: 'T1190', name: 'Exploit Public-Facing Application', tactic: 'TA0001', matrix: null },
  because: 'Ingress shop/checkout leads the internet to Deployment shop/checkout',
})

const causes = (alerts: CaseAlert[], over: Partial<IncidentPosture> = {}): RootCause[] =>
  rootCauses({ severity: 'high', alerts, posture: { ...unknownPosture, ...over } })
const titles = (found: readonly RootCause[]): string[] => found.map(({ title }) => title)
const placed = (...all: FindingFacts[]): IncidentPosture['findings'] => all.map((one) => ({ finding: one, at: here, use: null }))

describe('what made it possible', () => {
  it('names the version that fix-first names: the one without any known flaw of the package, also those that are not used over the network', () => {
    const local = { check: 'CVE-2024-33883', cvss: { score: 4, vector: 'CVSS:3.1/AV:L' } }
    const later = finding({ ...local, package: { key: 'pkg:npm/ejs@3.1.6', name: 'ejs', version: '3.1.6', fixedIn: ['3.1.10'] } })
    const found = causes([shellOfServer()], { findings: [finding(), later].map((one) => ({ finding: one, at: here, use: null })) })
    expect(found.map(({ fix }) => fix?.text)).toEqual(['Update ejs to 3.1.10 in image shop/checkout:1'])
  })

  it('is nothing where nothing is known, and nothing that nothing seen speaks for', () => {
    expect(causes([shellOfServer()])).toEqual([])
    expect(causes([seen({ rule: 'Clear Log Activities' })], { findings: placed(setting('trivy/KSV-0017', 'Privileged')) })).toEqual([])
  })

  it('is first the flaw in the program that a server’s shell came from, before a worse one elsewhere in the image', () => {
    const openssl = inSystem('CVE-2024-0001', 'libssl3', { cvss: { score: 10, vector: 'CVSS:3.1/AV:N' } })
    const [first, second] = causes([shellOfServer()], { findings: placed(openssl, finding()) })
    expect(first).toMatchObject({
      kind: 'finding',
      title: 'CVE-2022-29078 in ejs of image shop/checkout:1',
      fix: { text: 'Update ejs to 3.1.7 in image shop/checkout:1' },
      cause: { program: { alert: { rule: 'Run shell untrusted' } } },
    })
    expect(first?.reasons.map(({ code }) => code)).toEqual(expect.arrayContaining(['in_application', 'fits', 'live_incident']))
    expect(second?.title).toMatch(/CVE-2024-0001/)
  })

  it('counts flaws of one package as one cause, the known exploited one first, and leaves out what cannot be used over the network', () => {
    const exploited = finding({ check: 'CVE-2023-1111', kev: '2026-11-01', cvss: { score: 5, vector: 'CVSS:3.1/AV:N' } })
    const local = inSystem('CVE-2023-2222', 'busybox', { cvss: { score: 9.9, vector: 'CVSS:3.1/AV:L' } })
    const found = causes([shellOfServer()], { findings: placed(finding(), exploited, local) })
    expect(titles(found)).toEqual(['CVE-2023-1111 in ejs of image shop/checkout:1'])
    expect(found[0]?.cause).toMatchObject({ further: [{ check: 'CVE-2022-29078' }] })
  })

  it('is an escape’s privileged container, told by the step and by a scanner once, not the token nobody used', () => {
    const findings = placed(setting('trivy/KSV-0017', 'Privileged'), setting('kubescape/C-0034', 'Automatic mapping of service account'))
    const found = causes([escape()], { findings, steps: [{ step: step(), at: [3n] }] })
    expect(titles(found)).toEqual(['Escape to Host: container app of Deployment shop/checkout is privileged'])
    expect(found[0]).toMatchObject({ kind: 'step', fix: { key: 'privileged/uid' }, cause: { findings: [{ check: 'trivy/KSV-0017' }] } })
    expect(found[0]?.evidence.map(({ record }) => record)).toEqual(['step', 'finding', 'alert'])
    expect(titles(causes([tokenUse()], { findings }))).toEqual([expect.stringMatching(/Automatic mapping of service account/)])
  })

  it('is never of another place: what was seen elsewhere, and posture of elsewhere, stay apart', () => {
    expect(causes([escape()], { steps: [{ step: step(), at: [77n] }] })).toEqual([])
    expect(
      causes([tokenUse()], {
        findings: [{ finding: setting('kubescape/C-0034', 'Automatic mapping of service account'), at: [77n], use: null }],
      }),
    ).toEqual([])
  })

  it('says how it is reached from the internet, which weighs in what can be used from there', () => {
    const closed = causes([shellOfServer()], { findings: placed(finding()) })
    const open = causes([shellOfServer()], { findings: placed(finding()), waysIn: [[wayIn]] })
    expect(titles(open)).toEqual([
      ...titles(closed),
      'Reached from the internet: Ingress shop/checkout leads the internet to Deployment shop/checkout',
    ])
    expect(open[0]?.score).toBeGreaterThan(closed[0]?.score ?? 0)
    expect(open[0]?.reasons.map(({ code }) => code)).toContain('alert_at_the_door')
  })

  it('tells of each link of the chain before it tells of a second one, and a package seen in use before others', () => {
    const flaws = ['a', 'b', 'c', 'd', 'e'].map((name, index) => inSystem(`CVE-2024-000${index}`, name))
    const token = setting('kubescape/C-0034', 'Automatic mapping of service account')
    const ran = {
      finding: inSystem('CVE-2024-0009', 'z'),
      at: here,
      use: { inUse: true, path: '/z', kind: 'exec', alertId: 'other', atNs: noon } as const,
    }
    const found = causes([shellOfServer(), tokenUse()], { findings: [...placed(...flaws, token), ran], waysIn: [[wayIn]] })
    expect(found.map(({ cause }) => cause.is).toSorted()).toEqual(['flaw', 'flaw', 'flaw', 'flaw', 'flaw', 'flaw', 'setting', 'way-in'])
    expect(
      found
        .slice(0, 3)
        .map(({ cause }) => cause.is)
        .toSorted(),
    ).toEqual(['flaw', 'setting', 'way-in'])
    const [used] = found.filter(({ cause }) => cause.is === 'flaw')
    expect(used?.title).toMatch(/CVE-2024-0009/)
    expect(used?.reasons.map(({ code }) => code)).toContain('in_use')
  })

  it('is the same whatever the order of the records, and cites none that was not given', () => {
    const all = {
      findings: placed(
        finding(),
        finding({ check: 'CVE-2024-33883', epss: 0.4 }),
        ...['a', 'b', 'c', 'd'].map((name) => inSystem('CVE-2024-0009', name)),
        setting('trivy/KSV-0017', 'Privileged'),
        setting('trivy/KSV-0023', 'hostPath volumes mounted'),
        setting('kubescape/C-0034', 'Automatic mapping of service account'),
      ),
      steps: [
        step(),
        step({ type: 'escape-host-path', dst: 5n, because: 'Deployment shop/checkout has directory / of the node in it' }),
      ].map((one) => ({ step: one, at: [3n] })),
      waysIn: [[wayIn], [{ ...wayIn, src: 10n, because: 'Service shop/checkout is a LoadBalancer' }]],
    }
    const alerts = [shellOfServer(), escape(), tokenUse()]
    const expected = causes(alerts, all)
    expect(expected.length).toBeGreaterThan(8)
    const given = new Set(all.findings.map(({ finding: { id } }) => id))
    for (const { evidence } of expected) for (const { record, id } of evidence) if (record === 'finding') expect(given).toContain(id)
    fc.assert(
      fc.property(
        fc.shuffledSubarray(all.findings, { minLength: all.findings.length }),
        fc.shuffledSubarray(all.steps, { minLength: 2 }),
        fc.shuffledSubarray(all.waysIn, { minLength: 2 }),
        (findings, steps, waysIn) => {
          expect(causes(alerts, { findings, steps, waysIn })).toEqual(expected)
        },
      ),
      property(2_000, 100),
    )
  })
})

describe('whether a package belongs to the application of a server program', () => {
  const belongs = (entry: CaseAlert, ...paths: string[]): boolean => inApplication(entry.alert, paths)
  const started = (pcmdline: string): CaseAlert =>
    seen({ process: process_({ parentName: 'java' }), fields: { 'proc.pcmdline': pcmdline } })

  it('is told by paths, part by part, and never by a folder of the system', () => {
    expect(belongs(shellOfServer(), 'app/node_modules/ejs/package.json')).toBe(true)
    expect(belongs(shellOfServer(), 'app2/node_modules/ejs/package.json')).toBe(false)
    expect(belongs(shellOfServer({ parentName: 'bash' }), 'app/node_modules/ejs/package.json')).toBe(false)
    expect(belongs(started('java -jar /srv/shop/app.jar'), 'srv/shop/app.jar')).toBe(true)
    expect(belongs(started('java -jar /srv/shop/app.jar'), 'srv/other/app.jar')).toBe(false)
    expect(belongs(started('java -jar /usr/bin/app.jar'), 'usr/bin/curl')).toBe(false)
    expect(belongs(started('java -jar app.jar'), 'app.jar')).toBe(false)
  })
})

describe('settings as scanners call them', () => {
  it.each([
    ['Privileged', 'privileged'],
    ['Privileged container', 'privileged'],
    ['hostPath volumes mounted', 'host-path'],
    ['HostPath mount', 'host-path'],
    ['Access to host PID', 'host-pid'],
    ['Access to host network', 'host-network'],
    ['Access to host IPC namespace', 'host-ipc'],
    ['Automatic mapping of service account', 'token'],
    ['Protecting Pod service account tokens', 'token'],
    ['Wildcard use in roles', 'wildcard'],
    ['Manage secrets', 'secrets'],
    ['Root file system is not read-only', 'writable'],
    ['CPU not limited', undefined],
  ])('%s', (title, expected) => expect(settingOf(title)?.name).toBe(expected))
})
