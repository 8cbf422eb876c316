import { describe, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { findingKey } from '../../domain/finding.ts'
import { collect } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const account = '210987654321'
const arn = `arn:aws:s3:::${account}-logs`
const cloud = { provider: 'AWS', region: 'eu-west-1', account: { uid: account, name: 'shop' } }
const product = (name: string): object => ({
  product: { feature: { name: 'x' }, name, vendor_name: 'AWS', version: '2' },
  version: '1.8.0',
})
const detection = {
  class_uid: 2004,
  severity_id: 5,
  time: 1_748_167_200_000,
  metadata: product('Sentry'),
  cloud,
  finding_info: {
    uid: 'f-1',
    title: 'Keys used from elsewhere',
    desc: 'From 198.51.100.9.',
    types: ['Threats'],
    analytic: { name: 'Key exfiltration' },
    attacks: [{ tactic: { name: 'Credential Access' } }, { technique: { name: 'T1552.005 - Cloud Instance Metadata API' } }],
    last_seen_time_dt: '2025-05-25T09:59:58.123456789Z',
  },
  device: { hostname: 'web-1' },
  evidences: [
    {
      actor: { user: { uid: `arn:aws:sts::${account}:assumed-role/web/i-1`, name: 'web' } },
      api: { operation: 'GetObject', service: { name: 's3.amazonaws.com' } },
      src_endpoint: { ip: '198.51.100.9', port: 4444 },
      dst_endpoint: { ip: '10.0.0.1', port: 443 },
      process: {
        name: 'curl',
        pid: 77,
        cmd_line: 'curl x',
        file: { path: '/usr/bin/curl' },
        user: { name: 'root', uid: 0 },
        parent_process: { name: 'sh', pid: 1 },
      },
      container: { uid: 'abc123', name: 'web', image: { name: 'shop/web:1' } },
    },
  ],
}
const compliance = {
  class_uid: 2003,
  severity: 'High',
  status: 'New',
  time_dt: '2025-05-25T10:00:00Z',
  metadata: product('Security Hub'),
  cloud,
  finding_info: { uid: 'f-2', title: 'Buckets should not be public', types: ['Effects/Data Exposure'] },
  resources: [{ uid: 'logs', uid_alt: arn, type: 'AWS::S3::Bucket', region: 'eu-west-1' }],
  compliance: { control: 'S3.2', status: 'Fail', status_id: 3, standards: ['standards/x'] },
  remediation: { desc: 'Block it.', references: ['https://docs.example/S3.2'] },
}
const vulnerability = {
  class_uid: 2002,
  severity_id: 4,
  status_id: 1,
  time: 1_748_167_200,
  metadata: product('Inspector'),
  cloud,
  finding_info: { uid: 'f-3', title: 'CVE-2024-0001 - foo' },
  resources: [{ uid: `arn:aws:lambda:eu-west-1:${account}:function:f`, type: 'AWS::Lambda::Function' }],
  vulnerabilities: [
    {
      cve: { uid: 'CVE-2024-0001', cvss: [{ version: '3.1', base_score: 9.8, vector_string: 'CVSS:3.1/AV:N' }] },
      advisory: { uid: 'GHSA-aaaa-bbbb-cccc' },
      affected_packages: [
        { name: 'foo', version: '1.2.3', fixed_in_version: '1.2.4', purl: 'pkg:npm/foo@1.2.3?x=y' },
        { name: 'bar', version: '1', package_manager: 'PIP' },
      ],
      references: ['https://advisory.example/1'],
    },
  ],
}
const legacy = {
  class_uid: 2001,
  severity_id: 3,
  state: 'Suppressed',
  time: 1_748_167_200_000,
  metadata: product('Old Scanner'),
  finding: {
    uid: 'X-1',
    title: 'A port is open',
    types: ['Software and Configuration Checks/Network'],
    remediation: { desc: 'Close it.' },
  },
  device: { hostname: 'node-1' },
}

describe('OCSF', () => {
  it('makes an alert of a detection, with what its evidence says', async () => {
    const { counts, alerts, scans, dead } = await collect(JSON.stringify([detection]), { chunk: 11 })
    expect([dead, scans]).toEqual([[], []])
    expect(counts).toMatchObject({ format: 'ocsf', read: 1, records: 1 })
    expect(alerts[0]).toMatchObject({
      sensor: 'ocsf',
      sensorSource: 'sentry',
      rule: 'Key exfiltration',
      priority: 'Critical',
      severity: 'critical',
      hostname: 'web-1',
      eventNs: 1_748_167_198_123_456_789n,
      tactics: ['TA0006'],
      techniques: ['T1552.005'],
      activityKey: null,
      container: { id: 'abc123', name: 'web', image: 'shop/web:1' },
      process: {
        name: 'curl',
        pid: 77n,
        cmdline: 'curl x',
        exepath: '/usr/bin/curl',
        user: 'root',
        uid: 0n,
        parentName: 'sh',
        parentPid: 1n,
      },
      connection: { clientIp: '198.51.100.9', clientPort: 4444, serverIp: '10.0.0.1', serverPort: 443 },
      fields: { 'aws.user.arn': `arn:aws:sts::${account}:assumed-role/web/i-1`, 'ct.name': 'GetObject', 'ct.srcip': '198.51.100.9' },
    })
    const again = await collect(JSON.stringify({ events: [detection, { ...detection, time: 1_748_167_300_000 }] }, null, 2))
    expect(again.alerts.map(({ contentKey }) => contentKey === alerts[0]?.contentKey)).toEqual([true, false])
  })

  it('makes findings of checks and vulnerabilities, the same as by any other route', async () => {
    const { findings, scans } = await collect(`${JSON.stringify(compliance)}\n${JSON.stringify(vulnerability)}\n`)
    expect(findings.map((one) => [one.class, one.check, one.severity, one.outcome, one.resource.key, one.package?.key])).toEqual([
      ['compliance', 'security-hub/S3.2', 'high', 'fail', arn, undefined],
      ['vulnerability', 'CVE-2024-0001', 'high', 'fail', `arn:aws:lambda:eu-west-1:${account}:function:f`, 'pkg:npm/foo@1.2.3'],
      ['vulnerability', 'CVE-2024-0001', 'high', 'fail', `arn:aws:lambda:eu-west-1:${account}:function:f`, 'pkg:pypi/bar@1'],
    ])
    expect(findings[1]).toMatchObject({
      aliases: ['GHSA-aaaa-bbbb-cccc'],
      cvss: { version: '3.1', score: 9.8 },
      package: { fixedIn: ['1.2.4'] },
    })
    expect(scans.map(({ scan, end }) => [scan.scanner, scan.version, scan.target.key, scan.covers, end.findings])).toEqual([
      ['security-hub', '2', `aws/${account}`, [], 1],
      ['inspector', '2', `aws/${account}`, [], 2],
    ])
    const hub = {
      SchemaVersion: '2018-10-08',
      ProductArn: 'arn:aws:securityhub:eu-west-1::product/aws/securityhub',
      GeneratorId: 'aws-foundational-security-best-practices/v/1.0.0/S3.2',
      AwsAccountId: account,
      Resources: [{ Type: 'AwsS3Bucket', Id: arn }],
      Compliance: { Status: 'FAILED' },
    }
    const byOther = await collect(JSON.stringify([hub]))
    expect(byOther.findings.map(findingKey)).toEqual([findingKey(findings[0] as never)])
  })

  it('tells results and states apart', async () => {
    const results = [
      { compliance: { control: 'c', status: 'Pass' }, status: 'Suppressed' },
      { compliance: { control: 'c', status_id: 2, status_detail: 'half' } },
      { status: 'Archived' },
    ]
    const { findings } = await collect(
      JSON.stringify([...results.map((one) => ({ ...compliance, ...one })), { ...vulnerability, status: 'Resolved' }, legacy]),
    )
    expect(findings.map(({ outcome, outcomeReason }) => [outcome, outcomeReason])).toEqual([
      ['pass', null],
      ['manual', 'warning: half'],
      ['muted', 'its status is Archived'],
      ['pass', null],
      ['pass', null],
      ['muted', 'its status is Suppressed'],
    ])
    expect(findings.at(-1)).toMatchObject({
      class: 'misconfiguration',
      check: 'old-scanner/A port is open',
      resource: { kind: 'node', scope: 'lab', key: '-/Node/node-1' },
    })
  })

  it('skips other classes and counts them', async () => {
    const { counts, findings } = await collect(JSON.stringify([compliance, { class_uid: 6003, api: {} }, { class_uid: 2005 }]))
    expect([counts.read, counts.skipped, findings.length]).toEqual([1, 2, 1])
  })

  it('says what it cannot read', async () => {
    const { dead, scans } = await collect(
      JSON.stringify([
        compliance,
        { ...compliance, compliance: {} },
        { ...vulnerability, vulnerabilities: [] },
        { ...detection, finding_info: {} },
        { a: 1 },
        { ...legacy, device: {} },
      ]),
    )
    expect(dead.map(({ reason }) => reason)).toEqual([
      'it is a result of a check, and has no compliance.status',
      'it is a vulnerability finding, and "vulnerabilities" is empty',
      'it does not say what was detected (finding_info.title, finding_info.analytic.name or message)',
      'it is no OCSF event: its class_uid is no number of a class',
      'it names neither a resource nor a device nor an account',
    ])
    expect(scans.every(({ end }) => end.failed === '5 of its entries could not be read')).toBe(true)
  })

  it('leaves to others what is theirs', async () => {
    const prowler = {
      ...detection,
      metadata: { event_code: 'x', product: { name: 'Prowler' } },
      status_code: 'FAIL',
      resources: [{ uid: arn }],
    }
    expect((await collect(JSON.stringify([prowler]))).counts.format).toBe('prowler')
    await expect(collect(JSON.stringify([{ class_uid: 6003, api: {} }]))).rejects.toThrow('JSON of a kind')
    // Among findings of others, Prowler’s are read as its own.
    const { findings } = await collect(JSON.stringify([compliance, prowler]))
    expect(findings.at(-1)).toMatchObject({ class: 'misconfiguration', check: 'prowler/x', scan: { scanner: 'prowler' } })
  })

  it('survives a wrong value anywhere', async () => {
    for (const document of [detection, compliance, vulnerability, legacy])
      for (const other of mutations(document)) await collect(stringifyExact([other]), { format: 'ocsf' })
  }, 60_000)
})
