/** Reports of Trivy as small as they can be, written by us for tests. */
type Json = Record<string, unknown>
export const digests = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string]

export const vulnerability = (over: Json = {}): Json => ({
  VulnerabilityID: 'CVE-2024-0001',
  VendorIDs: ['DSA-1-1'],
  PkgName: 'libssl3',
  PkgIdentifier: { PURL: 'pkg:deb/debian/libssl3@3.0-1?arch=amd64&distro=debian-12.11&epoch=1' },
  InstalledVersion: '1:3.0-1',
  FixedVersion: '3.0-2, 3.1-1',
  Status: 'fixed',
  SeveritySource: 'debian',
  PrimaryURL: 'https://avd.aquasec.com/nvd/cve-2024-0001',
  Title: 'a bad parser',
  Severity: 'HIGH',
  CVSS: { nvd: { V2Score: 5, V3Vector: 'CVSS:3.1/AV:N', V3Score: 7.5 } },
  References: ['https://example.com/1'],
  ...over,
})
export const osPackages = (Vulnerabilities: unknown): Json => ({
  Target: 'app:1 (debian 12.11)',
  Class: 'os-pkgs',
  Type: 'debian',
  Vulnerabilities,
})
const misconfiguration = {
  ID: 'DS002',
  Title: 'Image user should not be root',
  Message: 'Specify a USER',
  Severity: 'HIGH',
  Status: 'FAIL',
  CauseMetadata: { StartLine: 1, EndLine: 2, Code: { Lines: [{ Number: 1, Content: 'ENV PASSWORD=hunter2' }] } },
}
const secret = { RuleID: 'aws-access-key-id', Category: 'AWS', Severity: 'CRITICAL', Title: 'AWS Access Key ID', StartLine: 3, EndLine: 3 }

export const image = (Results: unknown = allResults): Json => ({
  SchemaVersion: 2,
  Trivy: { Version: '0.69.1' },
  CreatedAt: '2026-02-20T20:33:10.844650464Z',
  ArtifactName: 'app:1',
  ArtifactType: 'container_image',
  Metadata: {
    OS: { Family: 'debian', Name: '12.11' },
    ImageID: digests[0],
    RepoTags: ['app:1'],
    RepoDigests: [`registry.example.com/app@${digests[1]}`],
    ImageConfig: { created: '2026-01-01T00:00:00Z', config: { Env: ['TOKEN=hunter2'] } },
  },
  Results,
})
const allResults = [
  { ...osPackages([vulnerability()]), Packages: [{ Name: 'libssl3' }] },
  {
    Target: 'Dockerfile',
    Class: 'config',
    Type: 'dockerfile',
    MisconfSummary: { Successes: 1, Failures: 1 },
    Misconfigurations: [misconfiguration],
  },
  { Target: '/etc/app.env', Class: 'secret', Secrets: [{ ...secret, Match: 'KEY=hunter2', Code: { Lines: [{ Content: 'hunter2' }] } }] },
  { Target: 'OS Packages', Class: 'license', Licenses: [{ Name: 'GPL-3.0', Severity: 'HIGH', Category: 'restricted', PkgName: 'bash' }] },
  { Target: 'LICENSE', Class: 'license-file', Licenses: [{ Name: 'MIT', Severity: 'LOW', FilePath: 'LICENSE' }] },
]

export const cluster = (list: string): Json => ({
  ClusterName: 'minikube',
  [list]: [
    {
      Namespace: 'shop',
      Kind: 'Deployment',
      Name: 'web',
      Metadata: { ImageConfig: {} },
      Results: [
        { Target: 'Deployment/web', Class: 'config', Type: 'kubernetes', Misconfigurations: [{ ...misconfiguration, ID: 'KSV014' }] },
      ],
    },
    {
      Namespace: 'shop',
      Kind: 'Deployment',
      Name: 'web',
      Metadata: [{ ImageID: digests[0], RepoTags: ['app:1'] }],
      Results: [osPackages([vulnerability()])],
    },
    { Namespace: 'shop', Kind: 'Pod', Name: 'broken', Error: 'image not found' },
  ],
})

const bodies: Readonly<Record<string, Json>> = {
  VulnerabilityReport: {
    os: { family: 'debian', name: '12.11' },
    vulnerabilities: [
      {
        vulnerabilityID: 'CVE-2024-0001',
        resource: 'libssl3',
        installedVersion: '3.0-1',
        fixedVersion: '',
        severity: 'HIGH',
        score: 4.2,
        title: 'x',
        links: [],
        target: '',
      },
    ],
  },
  ConfigAuditReport: {
    checks: [
      { checkID: 'KSV014', severity: 'LOW', success: false, title: 'Root file system is not read-only', messages: ['Container web …'] },
      { checkID: 'AVD-KSV-0003', severity: 'LOW', success: true },
    ],
  },
  ExposedSecretReport: {
    secrets: [
      { ruleID: 'aws-access-key-id', category: 'AWS', match: 'KEY=hunter2', severity: 'CRITICAL', target: 'root/aws.txt', title: 'AWS' },
    ],
  },
  SbomReport: { components: { bomFormat: 'CycloneDX', components: [{ name: 'a' }], dependencies: [{ ref: 'a' }] } },
}
export const operatorReport = (kind: string, metadata: Json = {}): Json => ({
  apiVersion: 'aquasecurity.github.io/v1alpha1',
  kind,
  metadata: {
    name: 'replicaset-web-1-web',
    namespace: 'shop',
    uid: `uid-of-${kind}`,
    resourceVersion: '7',
    labels: {
      'trivy-operator.container.name': 'web',
      'trivy-operator.resource.kind': 'ReplicaSet',
      'trivy-operator.resource.name': 'web-1',
    },
    ...metadata,
  },
  report: {
    artifact: { repository: 'library/app', tag: '1', digest: digests[0] },
    registry: { server: 'index.docker.io' },
    scanner: { name: 'Trivy', version: '0.48.3' },
    updateTimestamp: '2026-03-23T16:22:54Z',
    ...structuredClone(bodies[kind]),
  },
})

export const compliance = (): Json => ({
  apiVersion: 'aquasecurity.github.io/v1alpha1',
  kind: 'ClusterComplianceReport',
  metadata: { name: 'cis' },
  spec: { compliance: { id: 'k8s-cis-1.23', title: 'CIS' } },
  status: {
    summaryReport: {
      controlCheck: [
        { id: '4.2.9', name: 'a', severity: 'HIGH', totalFail: 0 },
        { id: '4.2.10', name: 'b', severity: 'CRITICAL', totalFail: 10 },
        { id: '5.1.1', name: 'c', severity: 'LOW' },
      ],
    },
    updateTimestamp: '2026-03-23T16:22:54Z',
  },
})
