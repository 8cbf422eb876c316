import { describe, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { findingKey } from '../../domain/finding.ts'
import { noContext } from '../../incidents/context.ts'
import { cloudIdentity } from '../../incidents/rules/cloud-identity.ts'
import { collect } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const account = '210987654321'
const arn = `arn:aws:s3:::${account}-logs`
const base = {
  SchemaVersion: '2018-10-08',
  Id: 'finding-1',
  ProductArn: 'arn:aws:securityhub:eu-west-1::product/aws/securityhub',
  ProductName: 'Security Hub',
  GeneratorId: 'security-control/S3.2',
  AwsAccountId: account,
  Region: 'eu-west-1',
  Types: ['Effects/Data Exposure/AWS-Foundational-Security-Best-Practices'],
  UpdatedAt: '2025-02-14T14:27:03.000Z',
  Severity: { Label: 'HIGH', Normalized: 70 },
  Title: 'S3.2 Buckets should not be public',
  Description: 'Looks at the policy.',
  Resources: [{ Type: 'AwsS3Bucket', Id: arn, Region: 'eu-west-1', Details: {} }],
  RecordState: 'ACTIVE',
  Workflow: { Status: 'NEW' },
  Compliance: { Status: 'FAILED', StatusReasons: [{ ReasonCode: 'PUBLIC', Description: 'Anybody reads it.' }] },
}
const byProwler = {
  ...base,
  ProductArn: 'arn:aws:securityhub:eu-west-1::product/prowler/prowler',
  ProductName: undefined,
  ProductFields: { ProviderName: 'Prowler', ProviderVersion: '5.4.0', ProwlerResourceName: arn },
  GeneratorId: 'prowler-s3_bucket_public_access',
  Types: ['TTPs/Initial Access'],
}
const vulnerable = {
  ...base,
  ProductName: 'Inspector',
  Compliance: undefined,
  ProductFields: { 'aws/inspector/resources/1/resourceDetails/awsEc2InstanceDetails/platform': 'UBUNTU_20_04' },
  Resources: [{ Type: 'AwsEcrContainerImage', Id: `arn:aws:ecr:eu-west-1:${account}:repository/shop/sha256:${'a'.repeat(64)}` }],
  Vulnerabilities: [
    {
      Id: 'GHSA-xxxx-yyyy-zzzz',
      RelatedVulnerabilities: ['CVE-2024-0001'],
      VulnerablePackages: [
        { Name: 'openssl', Version: '1.1.1f', Release: '1ubuntu2', PackageManager: 'OS', FixedInVersion: '0:1.1.1f-1ubuntu2.8' },
        { Name: 'openssl', Version: '1.1.1f', Release: '1ubuntu2', PackageManager: 'OS', FilePath: '/two' },
        { Name: 'org.eclipse.jetty:jetty-util', Version: '9.1', PackageManager: 'JAR', FixedInVersion: 'NotAvailable' },
      ],
      Cvss: [
        { Version: '2.0', BaseScore: 5, BaseVector: 'AV:N' },
        { Version: '3.1', BaseScore: 7.5, BaseVector: 'CVSS:3.1/AV:N' },
      ],
      ReferenceUrls: ['https://advisory.example/1'],
      ExploitAvailable: 'YES',
    },
  ],
}
const detected = {
  ...base,
  Id: 'arn:aws:guardduty:eu-west-1:1:detector/d/finding/1',
  ProductName: 'GuardDuty',
  GeneratorId: 'arn:aws:guardduty:eu-west-1:1:detector/d',
  Compliance: undefined,
  Title: 'Credentials of i-1 were used from 198.51.100.9',
  Types: ['TTPs/Credential Access/UnauthorizedAccess:IAMUser-InstanceCredentialExfiltration.OutsideAWS'],
  ProductFields: { 'aws/guardduty/service/count': '2' },
  Resources: [
    {
      Type: 'AwsIamAccessKey',
      Id: 'AWS::IAM::AccessKey:ASIAX',
      Details: { AwsIamAccessKey: { PrincipalType: 'AssumedRole', PrincipalId: 'AROAX:i-1', UserName: 'web' } },
    },
  ],
  Action: {
    ActionType: 'NETWORK_CONNECTION',
    NetworkConnectionAction: {
      ConnectionDirection: 'INBOUND',
      Protocol: 'TCP',
      RemoteIpDetails: { IpAddressV4: '198.51.100.9' },
      RemotePortDetails: { Port: 4444 },
      LocalPortDetails: { Port: 22 },
    },
  },
}

describe('Security Hub', () => {
  it('says what a control found, and only what it found: an export does not end anything by leaving it out', async () => {
    for (const text of [
      JSON.stringify([base]),
      JSON.stringify({ Findings: [base], NextToken: 'x' }),
      JSON.stringify({ detail: { findings: [base] } }),
      `${JSON.stringify(base)}\n`,
    ]) {
      const { counts, findings, scans } = await collect(text, { chunk: 9 })
      expect(counts).toMatchObject({ format: 'asff', read: 1, skipped: 0, scans: 1 })
      expect(findings[0]).toMatchObject({
        class: 'compliance',
        check: 'security-hub/S3.2',
        severity: 'high',
        outcome: 'fail',
        description: 'Looks at the policy.\n\nAnybody reads it.',
        resource: { kind: 'cloud_resource', scope: 'global', key: arn, name: `${account}-logs` },
      })
      expect(scans[0]).toMatchObject({
        scan: { scanner: 'security-hub', covers: [], target: { key: `aws/${account}` } },
        end: { findings: 1 },
      })
    }
  })

  it('brings what Prowler found as Prowler itself says it', async () => {
    const direct = {
      metadata: { event_code: 's3_bucket_public_access', product: { name: 'Prowler' } },
      class_uid: 2004,
      status_code: 'FAIL',
      resources: [{ uid: arn, name: 'logs', region: 'eu-west-1' }],
      cloud: { provider: 'aws', account: { uid: account } },
    }
    const keys = (await Promise.all([collect(JSON.stringify([byProwler])), collect(JSON.stringify([direct]))])).map(({ findings }) =>
      findings.map(findingKey),
    )
    expect(keys[0]).toHaveLength(1)
    expect(keys[0]).toEqual(keys[1])
    const { findings } = await collect(JSON.stringify([{ ...byProwler, Compliance: { Status: 'WARNING' } }]))
    expect(findings[0]).toMatchObject({
      outcome: 'muted',
      outcomeReason: 'Compliance.Status WARNING',
      scan: { scanner: 'prowler', version: '5.4.0' },
    })
  })

  it('tells results apart, and why', async () => {
    const results = [
      { Compliance: { Status: 'PASSED' }, RecordState: 'ARCHIVED' },
      { RecordState: 'ARCHIVED' },
      { Workflow: { Status: 'SUPPRESSED' }, Note: { Text: 'accepted until May' } },
      { Compliance: { Status: 'WARNING', StatusReasons: [{ ReasonCode: 'SOME_PASSED' }] } },
      { Compliance: { Status: 'NOT_AVAILABLE', StatusReasons: [{ ReasonCode: 'CONFIG_RETURNS_NOT_APPLICABLE' }] } },
      { Compliance: { Status: 'NOT_AVAILABLE' } },
    ]
    const { findings } = await collect(JSON.stringify(results.map((result) => ({ ...base, ...result }))))
    expect(findings.map(({ outcome, outcomeReason }) => [outcome, outcomeReason])).toEqual([
      ['pass', null],
      ['muted', 'RecordState ARCHIVED'],
      ['muted', 'Workflow.Status SUPPRESSED: accepted until May'],
      ['manual', 'Compliance.Status WARNING, SOME_PASSED'],
      ['not_applicable', 'Compliance.Status NOT_AVAILABLE, CONFIG_RETURNS_NOT_APPLICABLE'],
      ['manual', 'Compliance.Status NOT_AVAILABLE'],
    ])
  })

  it('names vulnerabilities by CVE and package, and images by digest', async () => {
    const { findings, scans } = await collect(JSON.stringify([vulnerable]))
    expect(findings.map(({ check, package: found, resource }) => [check, found?.key, found?.fixedIn, found?.paths, resource.key])).toEqual([
      ['CVE-2024-0001', 'pkg:deb/ubuntu/openssl@1.1.1f-1ubuntu2', ['0:1.1.1f-1ubuntu2.8'], ['/two'], `sha256:${'a'.repeat(64)}`],
      ['CVE-2024-0001', 'pkg:maven/org.eclipse.jetty/jetty-util@9.1', [], [], `sha256:${'a'.repeat(64)}`],
    ])
    expect(findings[0]).toMatchObject({
      class: 'vulnerability',
      aliases: ['GHSA-xxxx-yyyy-zzzz'],
      cvss: { version: '3.1', score: 7.5 },
      resource: { kind: 'image', scope: 'global' },
    })
    expect(scans[0]?.end.findings).toBe(2)
  })

  it('makes an alert of what happened, with the identity as audit logs name it', async () => {
    const { alerts, scans, findings, counts } = await collect(JSON.stringify([detected]))
    expect([findings, scans]).toEqual([[], []])
    expect(counts).toMatchObject({ read: 1, records: 1 })
    expect(alerts[0]).toMatchObject({
      scope: 'lab',
      sensor: 'asff',
      sensorSource: 'guardduty',
      rule: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
      priority: 'Error',
      severity: 'high',
      tactics: ['TA0006'],
      eventTimeFrom: 'event',
      activityKey: null,
      connection: { clientIp: '198.51.100.9', clientPort: 4444, serverIp: null, serverPort: 22, protocol: 'TCP' },
      fields: {
        'aws.user.arn': `arn:aws:sts::${account}:assumed-role/web/i-1`,
        'aws.account': account,
        'aws/guardduty/service/count': '2',
      },
    })
    expect(cloudIdentity.facts(alerts[0] as never, noContext('it is of a cloud')).map(({ key }) => key)).toContain(
      `aws.user.arn/arn:aws:sts::${account}:assumed-role/web/i-1`,
    )
    // Noted on since, or written in another way, it is the same; updated, it is another.
    const again = await collect(
      JSON.stringify(
        [
          { ...detected, Note: { Text: 'seen' } },
          { ...detected, UpdatedAt: '2025-02-15T00:00:00Z' },
        ],
        null,
        1,
      ),
    )
    expect(again.alerts.map(({ contentKey }) => contentKey === alerts[0]?.contentKey)).toEqual([true, false])
  })

  it('keeps no secret that was found', async () => {
    const found = {
      ...base,
      Compliance: undefined,
      Types: ['Sensitive Data Identifications/Passwords'],
      Title: 'key hunter2hunter2',
      Description: 'hunter2hunter2',
      GeneratorId: 'Trivy/private-key',
      ProductFields: { 'Product Name': 'Trivy', Match: 'hunter2hunter2' },
    }
    const { findings } = await collect(JSON.stringify([found]))
    expect(findings[0]).toMatchObject({ class: 'secret', check: 'trivy/private-key' })
    expect(stringifyExact({ ...findings[0], raw: Buffer.from(findings[0]?.raw ?? []).toString() })).not.toContain('hunter2')
  })

  it('takes an export without findings for a scan with nothing in it, and says what it cannot read', async () => {
    for (const text of ['{"Findings":[]}', '[]', '']) {
      const { counts, scans } = await collect(text, { format: 'asff' })
      expect([counts.read, counts.skipped, scans.map(({ end }) => end)]).toEqual([0, 0, [{ findings: 0, failed: null }]])
    }
    const { dead, scans } = await collect(JSON.stringify([base, { ...base, Compliance: { Status: 'MAYBE' } }, { findings: [], a: 1 }]))
    expect(dead.map(({ reason }) => reason)).toEqual([
      'its Compliance.Status is “MAYBE”; expected PASSED, FAILED, WARNING or NOT_AVAILABLE',
      'it is no finding of Security Hub: it has neither SchemaVersion nor ProductArn',
    ])
    expect(scans[0]?.end.failed).toBe('2 of its entries could not be read')
    // Inspector’s own format looks alike, and is another.
    await expect(
      collect(JSON.stringify({ findings: [{ awsAccountId: '1', findingArn: 'arn:aws:inspector2:x', type: 'PACKAGE_VULNERABILITY' }] })),
    ).rejects.toThrow('Amazon Inspector’s own format')
  })

  it('survives a wrong value anywhere', async () => {
    for (const document of [base, byProwler, vulnerable, detected])
      for (const other of mutations(document)) await collect(stringifyExact([other]), { format: 'asff' })
  }, 60_000)
})
