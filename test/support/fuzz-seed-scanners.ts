/** A small report of every scanner’s shape, written by us, for fuzzing: at least two elements in each list, so that each has a neighbour. */
import { image, operatorReport, osPackages, vulnerability } from './trivy-reports.ts'

type Json = Record<string, unknown>
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const account = '210987654321'
const bucket = `arn:aws:s3:::${account}-logs`

const asffFinding = (n: number, more: Json = {}): Json => ({
  SchemaVersion: '2018-10-08',
  Id: `finding-${n}`,
  ProductArn: 'arn:aws:securityhub:eu-west-1::product/aws/securityhub',
  GeneratorId: `security-control/S3.${n}`,
  AwsAccountId: account,
  Types: ['Effects/Data Exposure/AWS-Foundational-Security-Best-Practices'],
  UpdatedAt: '2025-02-14T14:27:03.000Z',
  Severity: { Label: 'HIGH', Normalized: 70 },
  Title: `S3.${n} Buckets should not be public`,
  Description: 'Looks at the policy.',
  Resources: [{ Type: 'AwsS3Bucket', Id: bucket, Region: 'eu-west-1', Details: {} }],
  RecordState: 'ACTIVE',
  Compliance: { Status: 'FAILED', StatusReasons: [{ ReasonCode: 'PUBLIC', Description: 'Anybody reads it.' }] },
  ...more,
})
export const asff = {
  Findings: [
    asffFinding(1),
    asffFinding(2, {
      ProductName: 'Inspector',
      Compliance: undefined,
      Resources: [{ Type: 'AwsEcrContainerImage', Id: `arn:aws:ecr:eu-west-1:${account}:repository/shop/${digest('a')}` }],
      Vulnerabilities: [
        {
          Id: 'CVE-2024-0001',
          VulnerablePackages: [{ Name: 'openssl', Version: '1.1.1f', PackageManager: 'OS', FixedInVersion: '0:1.1.1f-8' }],
          Cvss: [{ Version: '3.1', BaseScore: 7.5, BaseVector: 'CVSS:3.1/AV:N' }],
        },
      ],
    }),
    asffFinding(3, {
      ProductName: 'GuardDuty',
      Compliance: undefined,
      Types: ['TTPs/Credential Access/UnauthorizedAccess:IAMUser-InstanceCredentialExfiltration.OutsideAWS'],
      Action: { ActionType: 'AWS_API_CALL', AwsApiCallAction: { Api: 'GetObject', ServiceName: 's3.amazonaws.com' } },
      Process: { Name: 'curl', Pid: 77, Path: '/usr/bin/curl' },
    }),
  ],
}

const checkovCheck = (n: number, more: Json = {}): Json => ({
  check_id: `CKV_AWS_${n}`,
  check_name: 'Ensure RDS is not public',
  check_result: { result: 'FAILED', evaluated_keys: ['publicly_accessible'] },
  code_block: [[1, 'password = "x"\n']],
  file_path: '/database.tf',
  repo_file_path: '/infra/database.tf',
  file_line_range: [5, 37],
  resource: 'aws_db_instance.main',
  severity: null,
  guideline: 'https://example.com/rds',
  ...more,
})
const muted = { check_result: { result: 'SKIPPED', suppress_comment: 'goes away in May' } }
export const checkov = ['terraform', 'dockerfile'].map((check_type) => ({
  check_type,
  results: {
    passed_checks: [checkovCheck(1), checkovCheck(2)],
    failed_checks: [checkovCheck(3), checkovCheck(4)],
    skipped_checks: [checkovCheck(5, muted)],
    parsing_errors: ['/a'],
  },
  summary: { passed: 2, failed: 2, skipped: 1, parsing_errors: 1, checkov_version: '3.2.484' },
}))

const component = (n: number, more: Json = {}): Json => ({
  'bom-ref': `b${n}`,
  type: 'library',
  name: `openssl${n}`,
  version: '3.0',
  purl: `pkg:deb/debian/openssl${n}@3.0?arch=amd64&distro=debian-12`,
  properties: [{ name: 'syft:location:0:path', value: '/var/lib/dpkg/status' }],
  ...more,
})
const cve = (n: number): Json => ({
  id: `CVE-2026-000${n}`,
  source: { name: 'debian', url: 'https://example.org' },
  ratings: [{ source: { name: 'nvd' }, severity: 'critical', score: 9.8, method: 'CVSSv31', vector: 'CVSS:3.1/AV:N' }],
  description: 'A hole.\nMore of it.',
  advisories: [{ url: 'https://example.org/1' }],
  analysis: { state: 'in_triage', detail: 'soon' },
  affects: [{ ref: 'root', versions: [{ version: '3.0', status: 'affected' }] }],
})
export const cyclonedx = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  metadata: {
    timestamp: '2026-01-02T03:04:05Z',
    tools: { components: [{ name: 'Trivy', version: '0.70' }] },
    component: { type: 'container', name: 'shop:1.4', purl: `pkg:oci/shop@sha256%3A${'b'.repeat(64)}`, 'bom-ref': 'root' },
  },
  components: [component(1), component(2, { components: [component(3)] }), { type: 'file', name: '/etc/passwd' }],
  vulnerabilities: [cve(1), cve(2)],
}
export const cyclonedxXml = `<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" xmlns:v="http://cyclonedx.org/schema/ext/vulnerability/1.0"><!-- ours -->
  <metadata><timestamp>2026-01-02T03:04:05Z</timestamp><component type="container"><name>shop</name><version>1.4</version></component></metadata>
  <components>
    <component type="library" bom-ref="b1"><name>left &amp; pad</name><version>1</version><purl>pkg:npm/leftpad@1</purl>
      <components><component type="library"><name>x</name></component></components></component>
    <component type="library"><name>two</name><version>2</version><v:vulnerabilities><v:vulnerability><v:id>CVE-2026-0002</v:id></v:vulnerability></v:vulnerabilities></component>
  </components>
  <vulnerabilities><vulnerability><id>CVE-2026-0001</id><affects><target><ref>b1</ref></target></affects></vulnerability></vulnerabilities>
</bom>`

const match = (n: number): Json => ({
  vulnerability: {
    id: `GHSA-aaaa-bbbb-000${n}`,
    severity: 'High',
    urls: ['https://example.com/1'],
    description: 'a bad parser',
    cvss: [{ version: '3.1', vector: 'CVSS:3.1/AV:N', metrics: { baseScore: 8.1 } }],
    fix: { versions: ['2.0.2'], state: 'fixed' },
  },
  relatedVulnerabilities: [{ id: `CVE-2024-000${n}`, severity: 'Medium' }],
  artifact: { name: 'ip', version: '2.0.1', type: 'npm', purl: `pkg:npm/ip${n}@2.0.1`, locations: [{ path: '/app/ip/package.json' }] },
})
export const grype = {
  matches: [match(1), match(2)],
  ignoredMatches: [{ ...match(3), appliedIgnoreRules: [{ vulnerability: 'CVE-2024-0003', reason: 'not reachable' }] }],
  source: {
    type: 'image',
    target: { userInput: 'app:1', imageID: digest('a'), manifestDigest: digest('b'), tags: ['app:1'], repoDigests: [] },
  },
  distro: { name: 'debian', version: '12', idLike: [] },
  descriptor: { name: 'grype', version: '0.112.0', timestamp: '2026-02-20T20:23:58.14968411Z' },
}

const control = (id: string): Json => ({
  id,
  version: 'cis-1.9',
  text: 'Control plane',
  node_type: 'master',
  tests: [1, 2].map((section) => ({
    section: `${id}.${section}`,
    desc: 'API server',
    results: [1, 2].map((n) => ({
      test_number: `${id}.${section}.${n}`,
      test_desc: 'Ensure that the gate is shut\n (Automated)',
      remediation: 'Shut it.\n',
      status: 'FAIL',
      actual_value: 'open',
      expected_result: "'gate' is equal to 'shut'",
      scored: true,
    })),
  })),
})
export const kubeBench = { node_name: 'node-1', Controls: [control('1'), control('2')], Totals: { total_pass: 0, total_fail: 8 } }

const kubescapeControl = (n: number): Json => ({
  controlID: `C-004${n}`,
  name: 'Insecure capabilities',
  status: { status: 'failed' },
  rules: [{ name: 'r', status: 'failed', paths: [{ failedPath: 'spec.x', fixPath: { path: 'spec.x', value: 'true' } }] }],
})
const pods = ['a', 'b'].map((name) => `/v1/shop/Pod/${name}`)
export const kubescape = {
  generationTime: '0001-01-01T00:00:00Z',
  clusterAPIServerInfo: null,
  summaryDetails: { controls: { 'C-0046': { name: 'Insecure capabilities', status: 'failed', scoreFactor: 7, controlID: 'C-0046' } } },
  resources: pods.map((resourceID) => ({ resourceID, object: { kind: 'Pod' }, source: { relativePath: 'a.yaml' } })),
  results: pods.map((resourceID) => ({ resourceID, controls: [kubescapeControl(6), kubescapeControl(7)] })),
  metadata: { targetMetadata: {}, scanMetadata: { kubescapeVersion: 'v4.0.8', targetNames: ['NSA', 'MITRE'] } },
}

const cloud = { provider: 'AWS', region: 'eu-west-1', account: { uid: account, name: 'shop' } }
const product = (name: string): Json => ({ product: { feature: { name: 'x' }, name, vendor_name: 'AWS', version: '2' }, version: '1.8.0' })
export const ocsf = [
  {
    class_uid: 2004,
    severity_id: 5,
    time: 1_748_167_200_000,
    metadata: product('Sentry'),
    cloud,
    finding_info: { uid: 'f-1', title: 'Keys used', types: ['Threats'], attacks: [{ technique: { name: 'T1552.005 - Metadata' } }] },
    device: { hostname: 'web-1' },
    evidences: [{ actor: { user: { uid: 'u' } }, src_endpoint: { ip: '198.51.100.9', port: 4444 }, process: { name: 'curl', pid: 77 } }],
  },
  {
    class_uid: 2003,
    severity: 'High',
    status: 'New',
    time_dt: '2025-05-25T10:00:00Z',
    metadata: product('Security Hub'),
    cloud,
    finding_info: { uid: 'f-2', title: 'Buckets should not be public' },
    resources: [{ uid: 'logs', uid_alt: bucket, type: 'AWS::S3::Bucket', region: 'eu-west-1' }],
    compliance: { control: 'S3.2', status: 'Fail', status_id: 3, standards: ['standards/x'] },
    remediation: { desc: 'Block it.', references: ['https://docs.example/S3.2'] },
  },
  {
    class_uid: 2002,
    severity_id: 4,
    time: 1_748_167_200,
    metadata: product('Inspector'),
    cloud,
    finding_info: { uid: 'f-3', title: 'CVE-2024-0001 - foo' },
    resources: [{ uid: 'arn:aws:lambda:eu-west-1:1:function:f', type: 'AWS::Lambda::Function' }],
    vulnerabilities: [
      { cve: { uid: 'CVE-2024-0001', cvss: [] }, affected_packages: [{ name: 'foo', version: '1', purl: 'pkg:npm/foo@1' }] },
    ],
  },
]

export const prowler = [1, 2].map((n) => ({
  message: 'Bucket logs is public.',
  metadata: { event_code: `s3_bucket_${n}`, product: { name: 'Prowler', vendor_name: 'Prowler', version: '5.4.0' } },
  severity: 'Critical',
  status_code: 'FAIL',
  class_uid: 2004,
  time: 1739539623,
  time_dt: '2025-02-14T14:27:03.913874',
  finding_info: { title: 'Buckets are not public', desc: 'Looks.', uid: `prowler-aws-s3-${n}`, created_time: 1739539623 },
  resources: [{ uid: bucket, name: 'logs', type: 'AwsS3Bucket', region: 'eu-west-1', group: { name: 's3' }, data: { metadata: {} } }],
  cloud: { provider: 'aws', region: 'eu-west-1', account: { uid: account, name: 'shop' } },
  remediation: { desc: 'Block public access.', references: ['https://docs.example/s3'] },
  unmapped: { compliance: { 'CIS-2.0': ['2.1.4'] } },
}))
export const prowlerRows = [1, 2, 3].map((n) => ({
  TIMESTAMP: '2025-02-14 14:27:03.913874',
  ACCOUNT_UID: account,
  FINDING_UID: String(n),
  PROVIDER: 'aws',
  CHECK_ID: `s3_bucket_${n}`,
  CHECK_TITLE: 'Buckets are not public',
  STATUS: 'FAIL',
  STATUS_EXTENDED: 'Bucket "logs"\nis; public.',
  MUTED: 'False',
  SEVERITY: 'critical',
  RESOURCE_UID: bucket,
  RESOURCE_NAME: 'logs',
  REGION: 'eu-west-1',
  COMPLIANCE: 'CIS-2.0: 2.1.4, 2.1.5 | SOC2: cc_6',
}))

const sarifResult = (n: number): Json => ({
  ruleId: 'py/sql-injection',
  ruleIndex: 0,
  message: { text: 'This query depends on a user.' },
  locations: [{ physicalLocation: { artifactLocation: { uri: `app/db${n}.py`, uriBaseId: '%SRCROOT%' }, region: { startLine: 39 } } }],
})
export const sarif = {
  version: '2.1.0',
  runs: ['CodeQL', 'Semgrep'].map((name) => ({
    results: [sarifResult(1), sarifResult(2)],
    tool: {
      driver: {
        name,
        semanticVersion: '2.5.4',
        rules: [
          {
            id: 'py/sql-injection',
            shortDescription: { text: 'SQL' },
            help: { text: 'Use parameters.' },
            properties: { tags: ['security'] },
          },
        ],
      },
    },
  })),
}

const two = osPackages([vulnerability(), vulnerability({ VulnerabilityID: 'CVE-2024-0002' })])
export const trivy = image([...(image().Results as Json[]).slice(1), two])
export const trivyOperator = {
  apiVersion: 'v1',
  kind: 'List',
  items: ['VulnerabilityReport', 'ConfigAuditReport', 'ExposedSecretReport'].map((kind) => operatorReport(kind)),
}
