import { describe, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { findingKey } from '../../domain/finding.ts'
import { collect } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const account = '210987654321'
const arn = `arn:aws:s3:::${account}-logs`
const ocsf = {
  message: 'Bucket logs is public.',
  metadata: {
    event_code: 's3_bucket_public_access',
    product: { name: 'Prowler', vendor_name: 'Prowler', version: '5.4.0' },
    profiles: ['cloud'],
  },
  severity: 'Critical',
  status: 'New',
  status_code: 'FAIL',
  status_detail: 'Bucket logs is public.',
  class_uid: 2004,
  time: 1739539623,
  time_dt: '2025-02-14T14:27:03.913874',
  finding_info: { title: 'Buckets are not public', desc: 'Looks at the policy.', uid: 'prowler-aws-s3-1', created_time: 1739539623 },
  resources: [{ uid: arn, name: 'logs', type: 'AwsS3Bucket', region: 'eu-west-1', group: { name: 's3' }, data: { metadata: {} } }],
  cloud: { provider: 'aws', region: 'eu-west-1', account: { uid: account, name: 'shop' } },
  remediation: { desc: 'Block public access.', references: ['aws s3api put-public-access-block', 'https://docs.example/s3'] },
  risk_details: 'Anybody reads it.',
  unmapped: { related_url: '', additional_urls: ['https://docs.example/more'], compliance: { 'CIS-2.0': ['2.1.4'], SOC2: ['cc_6'] } },
}
const native = {
  AssessmentStartTime: '2023-04-25T23:49:42.744599',
  Provider: 'aws',
  CheckID: 's3_bucket_public_access',
  CheckTitle: 'Buckets are not public',
  Status: 'FAIL',
  StatusExtended: 'Bucket logs is public.',
  Severity: 'critical',
  AccountId: account,
  Region: 'eu-west-1',
  ResourceId: 'logs',
  ResourceArn: arn,
  Remediation: { Code: { CLI: '' }, Recommendation: { Text: 'Block public access.', Url: '' } },
  Compliance: {},
}
const header =
  'TIMESTAMP;ACCOUNT_UID;FINDING_UID;PROVIDER;CHECK_ID;CHECK_TITLE;STATUS;STATUS_EXTENDED;MUTED;SEVERITY;RESOURCE_UID;RESOURCE_NAME;REGION;COMPLIANCE'
const row = `2025-02-14 14:27:03.913874;${account};1;aws;s3_bucket_public_access;Buckets are not public;FAIL;"Bucket ""logs""\nis; public.";False;critical;${arn};logs;eu-west-1;CIS-2.0: 2.1.4, 2.1.5 | SOC2: cc_6`
const line = {
  'Account Number': account,
  Control: '[check11] Avoid the use of the root account',
  Message: 'eu-central-1: Root was used',
  Severity: 'High',
  Status: 'Fail',
  'Control ID': '1.01',
  Region: 'eu-central-1',
  Timestamp: '2021-08-23T06:38:21Z',
  'Resource ID': 'root',
}

describe('Prowler', () => {
  it('says of a bucket what Prowler says of it, and of the account that it was looked at', async () => {
    const { findings, scans, counts } = await collect(JSON.stringify([ocsf]))
    expect(counts).toMatchObject({ format: 'prowler', read: 1, scans: 1 })
    expect(findings[0]).toMatchObject({
      class: 'misconfiguration',
      check: 'prowler/s3_bucket_public_access',
      aliases: ['CIS-2.0 2.1.4'],
      severity: 'critical',
      outcome: 'fail',
      remediation: 'Block public access.\n\naws s3api put-public-access-block',
      references: ['https://docs.example/s3', 'https://docs.example/more'],
      resource: { kind: 'cloud_resource', scope: 'global', key: arn, name: 'logs' },
    })
    expect(scans).toEqual([{ scan: findings[0]?.scan, end: { findings: 1, failed: null } }])
    expect(scans[0]?.scan).toMatchObject({
      scanner: 'prowler',
      version: '5.4.0',
      target: { kind: 'cloud_account', scope: 'global', key: `aws/${account}`, name: 'shop' },
      observedNs: 1_739_539_623_000_000_000n,
      observedFrom: 'report',
    })
  })

  it('is one finding whichever of its outputs says it', async () => {
    const texts = [JSON.stringify([ocsf]), JSON.stringify([native], null, 2), `${header}\n${row}\n`, `\ufeff${header}\r\n${row}\r\n`]
    const read = await Promise.all(texts.map((text) => collect(text, { chunk: 5 })))
    expect(read.map(({ dead }) => dead)).toEqual([[], [], [], []])
    expect(new Set(read.flatMap(({ findings }) => findings.map(findingKey))).size).toBe(1)
    expect(read[2]?.findings[0]?.description).toContain('Bucket "logs"\nis; public.')
    expect(
      Buffer.from(read[2]?.findings[0]?.raw ?? [])
        .toString()
        .trim(),
    ).toBe(row)
  })

  it('reads version 2: a line of JSON, and a table with commas', async () => {
    const { findings, scans } = await collect(
      `${JSON.stringify(line)}\n${JSON.stringify({ ...line, 'Account Number': '1'.repeat(12), Status: 'Info' })}\n`,
    )
    expect(findings.map(({ check, outcome, resource }) => [check, outcome, resource.key])).toEqual([
      ['prowler/check11', 'fail', `aws/${account}/eu-central-1/root`],
      ['prowler/check11', 'manual', `aws/${'1'.repeat(12)}/eu-central-1/root`],
    ])
    expect(scans.map(({ scan, end }) => [scan.target.key, end.findings])).toEqual([
      [`aws/${account}`, 1],
      [`aws/${'1'.repeat(12)}`, 1],
    ])
    const table = await collect(
      `PROFILE,ACCOUNT_NUM,REGION,TITLE_ID,CHECK_RESULT,TITLE_TEXT,CHECK_RESULT_EXTENDED,CHECK_ASFF_RESOURCE_TYPE\n,${account},eu-west-2,7.5,FAIL,[extra75] Unused groups,sg-1 is not used,AwsEc2SecurityGroup\n,${account},eu-west-2,7.5,FAIL,[extra75] Unused groups,sg-2 is not used,AwsEc2SecurityGroup\n,${account},eu-west-2,1.1,PASS,[check11] Root,fine,AwsAccount`,
    )
    expect(table.findings.map(({ resource, outcome }) => [resource.key, outcome])).toEqual([
      [`aws/${account}/eu-west-2/sg-1 is not used`, 'fail'],
      [`aws/${account}/eu-west-2/sg-2 is not used`, 'fail'],
      [`aws/${account}/eu-west-2`, 'pass'],
    ])
    expect(table.scans[0]?.scan.observedFrom).toBe('received')
  })

  it('takes what is muted for muted, and says why', async () => {
    const muted = await collect(
      JSON.stringify([
        { ...ocsf, status: 'Suppressed' },
        { ...ocsf, status: 'Suppressed', status_code: 'PASS' },
      ]),
    )
    expect(muted.findings.map(({ outcome, outcomeReason }) => [outcome, outcomeReason])).toEqual([
      ['muted', 'Prowler’s status is FAIL, and it is in the mute list'],
      ['pass', null],
    ])
    const table = await collect(`${header}\n${row.replace(';False;', ';True;')}`)
    expect(table.findings[0]?.outcome).toBe('muted')
  })

  it('tells of objects of Kubernetes as Kubernetes names them, and of Azure whatever the case of its ids', async () => {
    const pod = {
      ...ocsf,
      cloud: undefined,
      metadata: { ...ocsf.metadata, event_code: 'core_minimize_privileged_containers', profiles: ['container'] },
      finding_info: { ...ocsf.finding_info, uid: 'prowler-kubernetes-core-1' },
      resources: [{ uid: 'uid-1', name: 'web-0', type: 'KubernetesPod', namespace: 'shop' }],
    }
    const role = { ...pod, resources: [{ uid: 'uid-2', name: 'admin', type: 'ClusterRole', namespace: 'cluster-wide' }] }
    const { findings, scans } = await collect(JSON.stringify([pod, role]))
    expect(findings.map(({ resource }) => [resource.kind, resource.scope, resource.key])).toEqual([
      ['pod', 'lab', 'shop/Pod/web-0'],
      ['role', 'lab', '-/ClusterRole/admin'],
    ])
    expect(scans.map(({ scan }) => scan.target)).toEqual([{ kind: 'cluster', scope: 'lab', key: 'lab', name: 'lab', namespace: null }])
    const azure = (uid: string): object => ({
      ...ocsf,
      cloud: { provider: 'azure', account: { uid: 'sub-1' } },
      resources: [{ uid, name: 'a' }],
    })
    const other = await collect(
      JSON.stringify([azure('/subscriptions/S/resourceGroups/G'), azure('/subscriptions/s/resourcegroups/g'), azure('AppInsights')]),
    )
    expect(other.findings.map(({ resource }) => resource.key)).toEqual([
      '/subscriptions/s/resourcegroups/g',
      '/subscriptions/s/resourcegroups/g',
      'azure/sub-1//AppInsights',
    ])
  })

  it('keeps no secret that such a check found', async () => {
    const found = {
      ...ocsf,
      metadata: { ...ocsf.metadata, event_code: 'ec2_instance_secrets_user_data' },
      resources: [{ ...ocsf.resources[0], data: { metadata: { user_data: 'hunter2hunter2' } } }],
    }
    const { findings } = await collect(JSON.stringify([found]))
    expect(findings[0]?.resource.key).toBe(arn)
    expect(stringifyExact({ ...findings[0], raw: Buffer.from(findings[0]?.raw ?? []).toString() })).not.toContain('hunter2')
  })

  it('takes a report without findings for a scan with nothing in it', async () => {
    for (const [text, options] of [
      ['[]', { path: 'prowler-output-1.ocsf.json' }],
      ['', { path: 'reports/prowler-output-1.csv' }],
      ['', { format: 'prowler' }],
      [`${header}\n`, {}],
    ] as const) {
      const { counts, scans } = await collect(text, options)
      expect(counts).toMatchObject({ format: 'prowler', read: 0, scans: 1 })
      expect(scans[0]).toMatchObject({
        scan: { target: { key: 'cloud/unknown', scope: 'lab' }, observedFrom: 'received' },
        end: { findings: 0, failed: null },
      })
    }
  })

  it('says what cannot be read, and that the scan is not whole then', async () => {
    const { dead, scans } = await collect(
      JSON.stringify([ocsf, { ...ocsf, status_code: 'MAYBE' }, { ...ocsf, metadata: { product: { name: 'Prowler' } } }, 5]),
    )
    expect(dead.map(({ reason }) => reason)).toEqual([
      'its status is “MAYBE”; expected one of PASS, FAIL, MANUAL, INFO, MUTED and WARNING',
      'it does not say which check this is (event_code, CheckID, CHECK_ID or "[check11] …")',
      'an element of the list is not an object',
    ])
    expect(scans[0]?.end.failed).toBe('3 of its entries could not be read')
    const table = await collect(`${header}\n${row}\n1;2\n${row}\n"open;`)
    expect(table.findings).toHaveLength(2)
    expect(table.dead[0]?.reason).toBe('the row has 2 columns, the table’s header 14')
    expect(table.dead[1]?.reason).toMatch(/^the table cannot be read to its end: Quote Not Closed/)
    expect((await collect(`${JSON.stringify([ocsf]).slice(0, -9)}`)).findings).toEqual([])
  })

  it('half-reads nothing that only begins like text', async () => {
    const read = await collect(`Using credentials\n${JSON.stringify([ocsf])}`, { format: 'prowler' })
    expect(read.dead.map(({ reason }) => reason)).toEqual([
      'it is neither JSON nor a table of Prowler: the first line names no CHECK_ID or TITLE_TEXT',
    ])
    expect([read.findings, read.scans]).toEqual([[], []])
  })

  it('does not claim what is not Prowler’s', async () => {
    await expect(collect('', { path: 'prowler/other.json' })).rejects.toThrow('it is empty')
    for (const text of [
      '[]',
      JSON.stringify([{ ...ocsf, metadata: { product: { name: 'Other' } } }]).replace('prowler', 'other'),
      'PROVIDER;DESCRIPTION;ACCOUNTID;REGION;REQUIREMENTS_ID;STATUS;STATUSEXTENDED;CHECKID\naws;x;1;y;1.1;FAIL;z;c',
      `Using credentials\n${JSON.stringify([ocsf])}`,
    ])
      await expect(collect(text).then(({ counts }) => counts.format))
        .resolves.not.toBe('prowler')
        .catch((error: unknown) => expect(String(error)).toMatch(/InputError/))
  })

  it('survives a wrong value anywhere', async () => {
    for (const document of [ocsf, native, line])
      for (const other of mutations(document)) await collect(stringifyExact([other]), { format: 'prowler' })
  }, 60_000)
})
