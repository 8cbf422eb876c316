/** What every collector reads, small and written by us: documents, how they are written down, and where their elements stand. */
import { stringify } from 'yaml'
import { stringifyExact } from '../../domain/exact-json.ts'
import * as scanners from './fuzz-seed-scanners.ts'
import { falcoAlert } from './fuzz-shapes.ts'

/** `lists`: where the elements stand that are each accounted for, `*` for a place in a list. */
export type Seed = {
  name: string
  collector: string
  document: unknown
  lists: readonly string[]
  write(document: unknown): string
  /** Written as one JSON document. */ isJson: boolean
  /** Of a table: it may stand alone. */ header?: string
  /** Whether what is written of an element is anything: an empty row is not. Default: it is. */ isWritten?(element: unknown): boolean
}

const json = (collector: string, document: unknown, lists: readonly string[], name = ''): Seed => ({
  name: `${collector}${name}`,
  collector,
  document,
  lists,
  write: stringifyExact,
  isJson: true,
})
const rowsOf = (document: unknown): unknown[] => (Array.isArray(document) ? document : [document])
const lines = (collector: string, document: unknown[]): Seed => ({
  ...json(collector, document, ['$.*'], ', a line each'),
  isJson: false,
  write: (all) => `${rowsOf(all).map(stringifyExact).join('\n')}\n`,
})
const yaml = (collector: string, document: unknown, lists: readonly string[]): Seed => ({
  ...json(collector, document, lists, ' as YAML'),
  isJson: false,
  write: (all) => {
    try {
      return stringify(all, { aliasDuplicateObjects: false })
    } catch {
      // Too deep for the writer; JSON is YAML too.
      return stringifyExact(all)
    }
  },
})
/** A row each; a row that is no object any more is one cell. */
function table(collector: string, document: Record<string, unknown>[], separator: string, before = ''): Seed {
  const cell = (value: unknown): string => {
    const written = typeof value === 'string' ? value : (stringifyExact(value) ?? '')
    return /["\n\r,;]/.test(written) ? `"${written.replaceAll('"', '""')}"` : written
  }
  const row = (one: unknown): string => (one !== null && typeof one === 'object' ? Object.values(one) : [one]).map(cell).join(separator)
  const header = Object.keys(document[0] ?? {}).join(separator)
  return {
    ...json(collector, document, ['$.*'], ' as a table'),
    isJson: false,
    header,
    isWritten: (one) => row(one).trim() !== '',
    write: (all) => [`${before}${header}`, ...rowsOf(all).map(row)].join('\n'),
  }
}
const text = (collector: string, document: string, name: string): Seed => ({
  ...json(collector, document, [], name),
  isJson: false,
  write: (all) => (typeof all === 'string' ? all : stringifyExact(all)),
})

const auditEvent = (n: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Request',
  auditID: `0f3c${n}`,
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/shop/pods/cart-7d/exec?command=sh&command=-c&container=app&stdin=true',
  verb: 'create',
  user: { username: 'system:serviceaccount:shop:ci', groups: ['system:authenticated'], extra: { 'x/pod-name': ['runner-1'] } },
  sourceIPs: ['203.0.113.9', '10.0.0.1'],
  userAgent: 'kubectl/v1.33.0',
  objectRef: { resource: 'pods', namespace: 'shop', name: 'cart-7d', apiVersion: 'v1', subresource: 'exec' },
  requestObject: { spec: { hostPID: true, containers: [{ name: 'a', securityContext: { privileged: true } }] } },
  responseStatus: { metadata: {}, code: 101 },
  requestReceivedTimestamp: '2026-05-04T03:02:01.123456Z',
  stageTimestamp: '2026-05-04T03:07:01.000001Z',
  annotations: { 'authorization.k8s.io/decision': 'allow' },
  ...more,
})
const account = '111122223333'
const trailEvent = (n: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  eventVersion: '1.09',
  userIdentity: {
    type: 'AssumedRole',
    arn: `arn:aws:sts::${account}:assumed-role/admin/mara`,
    accountId: account,
    sessionContext: { sessionIssuer: { type: 'Role', userName: 'admin' }, attributes: { mfaAuthenticated: 'false' } },
  },
  eventTime: '2026-05-04T03:02:01Z',
  eventSource: 'cloudtrail.amazonaws.com',
  eventName: 'StopLogging',
  awsRegion: 'eu-central-1',
  sourceIPAddress: '203.0.113.9',
  requestParameters: { name: 'main', ipPermissions: { items: [{ ipRanges: { items: [{ cidrIp: '0.0.0.0/0' }] } }] } },
  responseElements: null,
  eventID: `e${n}`,
  readOnly: false,
  recipientAccountId: account,
  ...more,
})
const pod = (n: number): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `cart-${n}`,
    namespace: 'shop',
    uid: `uid-${n}`,
    creationTimestamp: '2026-08-01T00:00:00Z',
    labels: { app: 'cart' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart', uid: 'rs-1', controller: true }],
  },
  spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'registry.example/cart:1', env: [{ name: 'A', value: 'b' }] }] },
  status: {
    phase: 'Running',
    podIP: '10.42.0.7',
    containerStatuses: [{ name: 'app', containerID: `containerd://${String(n).repeat(64)}` }],
  },
})
const objects = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    pod(1),
    pod(2),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'shop', uid: 'u3' },
      spec: { selector: { app: 'cart' }, ports: [{ port: 1 }] },
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: {} },
  ],
}
const kevEntry = (n: number): Record<string, unknown> => ({
  cveID: `CVE-2026-000${n}`,
  vendorProject: 'Example',
  product: 'Server',
  vulnerabilityName: 'Example Server Hole',
  dateAdded: '2026-11-01',
  shortDescription: 'It has\na hole, "they" say.',
  requiredAction: 'Patch it.',
  dueDate: '2026-11-22',
  knownRansomwareCampaignUse: 'Known',
  notes: '',
})
const epssRow = (n: number): Record<string, unknown> => ({ cve: `CVE-1999-000${n}`, epss: '0.01', percentile: '0.8' })
const rules = [
  { required_engine_version: '0.57.0' },
  { list: 'shells', items: ['sh', 'bash'] },
  { macro: 'spawned', condition: 'evt.type = execve and not (proc.name in (a, b))' },
  ...[1, 2].map((n) => ({
    rule: `Shell ${n}`,
    desc: 'a shell',
    condition: 'spawned and proc.name in (shells)',
    output: 'shell (%proc.cmdline)',
    priority: 'ERROR',
    tags: ['container', 'T1059'],
    exceptions: [{ name: 'known', fields: ['proc.pname'], comps: ['='], values: [['entrypoint.sh']] }],
  })),
]
const alerts = [
  falcoAlert(),
  falcoAlert({ rule: 'Other', priority: 'Error' }),
  falcoAlert({ rule: 'Falco internal: x', source: 'internal' }),
]

export const seeds: readonly Seed[] = [
  lines('falco', alerts),
  json('falco', alerts, ['$.*']),
  lines('kubernetes-audit', [
    auditEvent(1),
    auditEvent(2),
    { category: 'kube-audit', properties: { log: `${stringifyExact(auditEvent(3))}\n` } },
  ]),
  json('kubernetes-audit', { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [auditEvent(1), auditEvent(2)] }, ['$.items.*']),
  json('cloudtrail', { Records: [trailEvent(1), trailEvent(2, { eventName: 'ConsoleLogin', eventSource: 'signin.amazonaws.com' })] }, [
    '$.Records.*',
  ]),
  json('cloudtrail', { Events: [1, 2].map((n) => ({ CloudTrailEvent: stringifyExact(trailEvent(n)) })) }, ['$.Events.*'], ', looked up'),
  json('kubernetes', objects, ['$.items.*']),
  yaml('kubernetes', objects, ['$.items.*']),
  yaml('falco-rules', rules, ['$.*']),
  json(
    'kev',
    { catalogVersion: '2026.11.24', dateReleased: '2026-11-24T17:00:00.1234Z', count: 2, vulnerabilities: [kevEntry(1), kevEntry(2)] },
    ['$.vulnerabilities.*'],
  ),
  table('kev', [kevEntry(1), kevEntry(2), kevEntry(3)], ','),
  table('epss', [epssRow(1), epssRow(2), epssRow(3)], ',', '#model_version:v2026.01.01,score_date:2026-11-24T00:00:00+0000\n'),
  json('asff', scanners.asff, ['$.Findings.*']),
  json(
    'checkov',
    scanners.checkov,
    ['passed', 'failed', 'skipped'].map((list) => `$.*.results.${list}_checks.*`),
  ),
  json('cyclonedx', scanners.cyclonedx, ['$.components.*', '$.vulnerabilities.*']),
  text('cyclonedx', scanners.cyclonedxXml, ' as XML'),
  json('grype', scanners.grype, ['$.matches.*', '$.ignoredMatches.*']),
  json('kube-bench', scanners.kubeBench, ['$.Controls.*.tests.*.results.*']),
  json('kubescape', scanners.kubescape, ['$.results.*']),
  json('ocsf', scanners.ocsf, ['$.*']),
  json('prowler', scanners.prowler, ['$.*']),
  table('prowler', scanners.prowlerRows, ';'),
  json('sarif', scanners.sarif, ['$.runs.*.results.*']),
  json(
    'trivy',
    scanners.trivy,
    ['Vulnerabilities', 'Misconfigurations', 'Secrets', 'Licenses'].map((list) => `$.Results.*.${list}.*`),
  ),
  json(
    'trivy',
    scanners.trivyOperator,
    ['vulnerabilities', 'checks', 'secrets'].map((list) => `$.items.*.report.${list}.*`),
    ', its operator’s',
  ),
]
