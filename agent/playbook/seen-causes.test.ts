/** What was seen to let it happen is told and stands on its alert; what a person typed or a machine used itself is no intruder’s, by the records alone. */
import { describe, expect, it } from 'vitest'
import type { Alert, NewAlert } from '../../domain/alert.ts'
import type { Entity } from '../../domain/entity.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Claim } from '../../domain/report.ts'
import { nothingKnown } from '../../incidents/baseline.ts'
import { buildCaseFile, type CaseFile, type CaseParts } from '../../incidents/case-file.ts'
import type { AlertContext } from '../../incidents/context.ts'
import { unknownPosture } from '../../incidents/posture.ts'
import { noon, podRecords, process_, storedAlert } from '../../test/support/records.ts'
import { playbook } from './playbook.ts'

const second = 1_000_000_000n
const { entities } = podRecords({ name: 'web-1' })
const stored = (kind: string, id: bigint, over: Partial<Entity> = {}): Entity => ({
  ...(entities.find((one) => one.kind === kind) as Entity),
  id,
  origin: 'inventory',
  sourceId: null,
  firstNs: noon,
  lastNs: noon,
  ...over,
})
const place: AlertContext = {
  container: stored('container', 1n),
  pod: stored('pod', 2n),
  workload: stored('workload', 3n),
  node: stored('node', 4n, { properties: { providerId: 'aws:///x/i-0a1b2c3d4e5f60718', addresses: ['10.60.1.14'] } }),
  inferred: false,
  how: 'x',
}
let made = 0
const alert = (over: Partial<NewAlert>): Alert =>
  storedAlert(`alert-${(made += 1)}`, {
    eventNs: noon + BigInt(made) * second,
    container: { id: '137fd247aabd', name: 'app', image: 'far.example/x:1' },
    ...over,
  })
function caseOf(alerts: Alert[], over: Partial<CaseParts> = {}, where: AlertContext[] = []): CaseFile {
  return buildCaseFile({
    incident: {
      id: 'i',
      scope: 'lab',
      severity: 'high',
      severityFloor: 'high',
      alertCount: alerts.length,
      firstNs: noon,
      rules: [],
    } as unknown as Incident,
    groups: [],
    coverage: [],
    decisions: [],
    posture: unknownPosture,
    baseline: { ...nothingKnown, sinceDay: null, rules: [] },
    inventory: { scope: 'lab', pods: 3, lastNs: noon },
    cluster: { simulated: true },
    resolved: alerts.map((one, at) => ({ alert: one, context: where[at] ?? place })),
    total: alerts.length,
    ...over,
  })
}
const values = (claims: readonly Claim[]): (string | null)[] =>
  claims.flatMap(({ evidence }) => evidence.map(({ path, value }) => `${path}=${value}`))

describe('a program that its image brought', () => {
  const miner = (over: Partial<NewAlert> = {}, fields: Alert['fields'] = {}): Alert =>
    alert({
      techniques: ['T1496'],
      process: process_({ name: 'k', exepath: '/usr/lib/k/k', parentName: 'serve', cmdline: 'k -o stratum+tcp://203.0.113.9:3333' }),
      fields: { 'proc.exepath': '/usr/lib/k/k', 'proc.aname[2]': 'containerd-shim', ...fields },
      ...over,
    })
  const cause = async (one: Alert) => (await playbook.analyse(caseOf([one]))).rootCause
  it('is told with its image, and to take that out of use', async () => {
    const report = await playbook.analyse(caseOf([miner()]))
    expect(values(report.rootCause)).toContain('container.image=far.example/x:1')
    expect(values(report.fixFirst)).toContain('container.image=far.example/x:1')
  })
  it.each<[string, Alert]>([
    ['was written later', miner({}, { 'proc.is_exe_upper_layer': true })],
    ['lies where anybody writes', miner({ process: process_({ name: 'k', exepath: '/tmp/k', parentName: 'serve' }) })],
    ['a shell started', miner({ process: process_({ name: 'k', exepath: '/usr/lib/k/k', parentName: 'bash' }) })],
    ['began long after the container', miner({}, { 'proc.aname[2]': 'bash' })],
  ])('is none that %s', async (_what, one) => {
    expect(values(await cause(one))).not.toContain('container.image=far.example/x:1')
  })
})

it('names the right that the API server gave as its reason, and to take it away unless it is a person’s', async () => {
  const reason = 'RBAC: allowed by ClusterRoleBinding "old" of ClusterRole "old" to Group "system:unauthenticated"'
  const read = (user: string): Alert =>
    alert({
      sensorSource: 'k8s_audit',
      container: null,
      hostname: null,
      techniques: ['T1078.001'],
      fields: {
        'ka.user.name': user,
        'ka.verb': 'list',
        'ka.target.resource': 'secrets',
        'ka.auth.reason': reason,
        'ka.sourceips': ['203.0.113.9'],
      },
    })
  const cited = `fields.ka.auth.reason=${reason}`
  for (const user of ['system:anonymous', 'system:serviceaccount:ci:run', 'mara@example.com']) {
    const { rootCause, fixFirst } = await playbook.analyse(caseOf([read(user)]))
    expect(values(rootCause), user).toContain(cited)
    expect(values(fixFirst).includes(cited), user).toBe(user.startsWith('system:'))
  }
})

describe('credentials of a machine', () => {
  const asked = (): Alert =>
    alert({
      techniques: ['T1552.005'],
      process: process_({ name: 'node', parentName: 'containerd-shim' }),
      connection: { clientIp: '10.0.0.7', clientPort: 1, serverIp: '169.254.169.254', serverPort: 80, protocol: 'tcp' },
    })
  const source = {
    name: 'trail',
    collector: 'cloudtrail',
    scope: '111122223333',
    lastSeenAt: new Date(Number(noon / 1_000_000n) + 600_000),
  }
  const used = (calls: number, elsewhere: number): Partial<CaseParts> => ({
    coverage: [source],
    instanceUses: [{ node: place.node as Entity, calls, elsewhere, source }],
  })
  it('that only the machine used are no theft, as far as the audit log goes, which is cited', async () => {
    const report = await playbook.analyse(caseOf([asked()], used(2, 0)))
    expect(report).toMatchObject({ verdict: 'benign', confidence: 'medium', actions: [] })
    expect(values(report.reasons)).toEqual(
      expect.arrayContaining(['properties.addresses=["10.60.1.14"]', `lastSeenAt=${source.lastSeenAt.toISOString()}`]),
    )
  })
  it.each<[string, Partial<CaseParts>]>([
    ['that were used elsewhere too', used(2, 1)],
    ['of which no use was seen', used(0, 0)],
    ['of which nobody collects the use', {}],
  ])('%s are not acquitted', async (_what, over) => {
    expect((await playbook.analyse(caseOf([asked()], over))).verdict).toBe('suspicious')
  })
  it('are not acquitted beside another sign', async () => {
    const shell = alert({ rule: 'Terminal shell in container', process: process_({ name: 'bash', parentName: 'containerd-shim' }) })
    expect((await playbook.analyse(caseOf([asked(), shell], used(2, 0)))).verdict).toBe('suspicious')
  })
})

describe('a terminal that a person opened', () => {
  const exec = (user: string): Alert =>
    alert({
      sensorSource: 'k8s_audit',
      container: null,
      hostname: null,
      techniques: ['T1609'],
      fields: { 'ka.user.name': user, 'ka.sourceips': ['192.0.2.60'], 'ka.uri.param[command]': 'bash' },
    })
  const mount = (over: Partial<NewAlert> = {}): Alert =>
    alert({ techniques: ['T1611'], process: process_({ name: 'cat', cmdline: 'cat /mnt/x', parentName: 'bash', terminal: true }), ...over })
  const analysed = async (alerts: Alert[], where: AlertContext[] = []) => playbook.analyse(caseOf(alerts, {}, where))

  it('is for them to explain: nothing is cut off before they were asked', async () => {
    const report = await analysed([exec('mara@example.com'), mount()])
    expect(report.verdict).toBe('suspicious')
    expect(report.reasons[0]?.text).toMatch(/mara@example\.com.* opened the terminal .*Ask them/)
    expect(report.actions.map(({ action }) => action)).toEqual(['kubernetes.collect_logs'])
  })
  it.each<[string, () => Alert[], AlertContext[]]>([
    ['a workload’s account opened it', () => [exec('system:serviceaccount:ci:run'), mount()], []],
    [
      'something there was not typed',
      () => [exec('mara@example.com'), mount({ process: process_({ name: 'cat', parentName: 'node' }) })],
      [],
    ],
    ['something was typed before it was opened', () => [mount(), exec('mara@example.com')], []],
    ['something happened in another pod', () => [exec('mara@example.com'), mount()], [place, { ...place, pod: stored('pod', 9n) }]],
  ])('is an intrusion when %s', async (_what, alerts, where) => {
    expect((await analysed(alerts(), where)).verdict).toBe('true_positive')
  })
})
