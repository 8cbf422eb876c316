import { describe, expect, it } from 'vitest'
import { collect } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const check = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  check_id: 'CKV_AWS_17',
  bc_check_id: null,
  check_name: 'Ensure RDS is not public',
  check_result: { result: 'FAILED', evaluated_keys: ['publicly_accessible'] },
  code_block: [[1, 'password = "hunter2hunter2"\n']],
  file_path: '/database.tf',
  repo_file_path: '/infra/database.tf',
  file_line_range: [5, 37],
  resource: 'aws_db_instance.main',
  severity: null,
  guideline: 'https://example.com/rds',
  ...over,
})
type Lists = { failed?: unknown[]; passed?: unknown[]; skipped?: unknown[]; errors?: string[] }
const part = (check_type: string, { failed = [], passed = [], skipped = [], errors = [] }: Lists = {}): Record<string, unknown> => ({
  check_type,
  results: { passed_checks: passed, failed_checks: failed, skipped_checks: skipped, parsing_errors: errors },
  summary: { passed: 0, failed: 1, skipped: 0, parsing_errors: 0, checkov_version: '3.2.484' },
})
const all = part('terraform', {
  failed: [check()],
  passed: [check({ resource: 'aws_db_instance.other' })],
  skipped: [check({ resource: 'aws_db_instance.old', check_result: { result: 'SKIPPED', suppress_comment: 'goes away in May' } })],
})

describe('Checkov', () => {
  it('makes findings of failed, passed and skipped checks, without the code it quotes', async () => {
    const { findings, scans, counts, dead, records } = await collect(all)
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'checkov', read: 3, scans: 1 })
    expect(findings.map(({ outcome, outcomeReason, resource }) => [outcome, outcomeReason, resource.key]).sort()).toEqual([
      ['fail', null, '.:infra/database.tf#aws_db_instance.main'],
      ['muted', 'goes away in May', '.:infra/database.tf#aws_db_instance.old'],
      ['pass', null, '.:infra/database.tf#aws_db_instance.other'],
    ])
    expect(findings.find((one) => one.outcome === 'fail')).toMatchObject({
      class: 'misconfiguration',
      check: 'checkov/CKV_AWS_17',
      title: 'Ensure RDS is not public',
      references: ['https://example.com/rds'],
      severity: null,
      resource: { kind: 'file', name: 'aws_db_instance.main in infra/database.tf' },
      properties: { checkType: 'terraform', file: 'infra/database.tf', startLine: 5, endLine: 37 },
    })
    expect(scans).toMatchObject([
      {
        scan: { scanner: 'checkov', version: '3.2.484', covers: ['misconfiguration'], target: { key: '.#terraform' } },
        end: { findings: 3, failed: null },
      },
    ])
    for (const record of records)
      if (record.kind === 'finding')
        expect(JSON.stringify(record.finding.document) + Buffer.from(record.finding.raw).toString()).not.toContain('hunter2')
  })

  it('reads a list of check types as a scan each, however it is cut into chunks', async () => {
    const { findings, scans } = await collect(
      [all, part('dockerfile', { failed: [check({ resource: '/Dockerfile.' })], errors: ['/a', '/b'] })],
      { chunk: 13 },
    )
    expect(findings).toHaveLength(4)
    expect(findings.at(-1)?.scan).toEqual(scans[1]?.scan)
    expect(scans.map(({ scan, end }) => [scan.target.key, end])).toEqual([
      ['.#terraform', { findings: 3, failed: null }],
      ['.#dockerfile', { findings: 1, failed: '2 of its files could not be parsed: /a, /b' }],
    ])
    expect(new Set(scans.map(({ scan }) => scan.contentKey)).size).toBe(2)
  })

  it('knows an object of Kubernetes in a manifest', async () => {
    const { findings } = await collect(part('kubernetes', { failed: [check({ resource: 'Deployment.shop.web.v2' })] }))
    expect(findings[0]?.resource).toMatchObject({ kind: 'workload', key: 'shop/Deployment/web.v2', namespace: 'shop' })
    expect(findings[0]?.properties).toMatchObject({ file: 'infra/database.tf' })
  })

  it('keeps nothing of a secret, not even what it hashes to', async () => {
    const found = check({ check_id: 'CKV_SECRET_2', check_name: 'AWS Access Key', resource: '25910f981e85ca04baf359199dd0bd4a3ae738b6' })
    const { findings, scans } = await collect(part('secrets', { failed: [found] }))
    expect(findings).toMatchObject([{ class: 'secret', title: 'AWS Access Key', resource: { kind: 'file', key: '.:infra/database.tf' } }])
    expect(findings[0]?.raw).toHaveLength(0)
    expect(JSON.stringify(findings[0]?.document)).not.toMatch(/hunter2|25910f/)
    expect(scans[0]?.scan.covers).toEqual(['secret'])
  })

  it('names a vulnerability as every scanner does', async () => {
    const told = {
      id: 'CVE-2021-3711',
      package_name: 'django',
      package_version: '1.2',
      package_type: 'python',
      lowest_fixed_version: '1.3',
      cvss: 9.8,
      vector: 'CVSS:3.1/AV:N',
    }
    const { findings } = await collect(part('sca_package', { failed: [check({ severity: 'CRITICAL', vulnerability_details: told })] }))
    expect(findings).toMatchObject([
      {
        class: 'vulnerability',
        check: 'CVE-2021-3711',
        severity: 'critical',
        package: { key: 'pkg:pypi/django@1.2', fixedIn: ['1.3'] },
        cvss: { version: '3.1', score: 9.8 },
      },
    ])
  })

  it('takes a scan of nothing for what it is', async () => {
    const nothing = { passed: 0, failed: 0, skipped: 0, parsing_errors: 0, resource_count: 0, checkov_version: '3.2.1' }
    for (const document of [nothing, part('terraform')]) {
      const { scans, findings, counts } = await collect(document)
      expect([findings, counts.format, scans.map(({ end }) => end)]).toEqual([[], 'checkov', [{ findings: 0, failed: null }]])
    }
  })

  it('says that files could not be parsed also when they are only counted', async () => {
    const quiet = { check_type: 'helm', results: { failed_checks: [check()] }, summary: { parsing_errors: 2, checkov_version: '3.2.1' } }
    expect((await collect(quiet)).scans).toMatchObject([{ end: { findings: 1, failed: '2 of its files could not be parsed' } }])
  })

  it('refuses what is none of it, keeps no code of what it cannot read, and survives every damage', async () => {
    await expect(collect(`terraform scan results:\n${JSON.stringify(all)}`)).rejects.toThrow('there is text before the JSON')
    const { dead } = await collect(part('terraform', { failed: [check({ check_id: 7 })] }))
    expect(dead.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['[not kept: it quotes source code, which may hold secrets]'])
    const broken = { id: 'CVE-2021-3711', package_name: 'a\ud800', package_version: '\0' }
    expect((await collect(part('sca_image', { failed: [check({ vulnerability_details: broken })] }))).findings).toHaveLength(1)
    for (const document of mutations([all])) await collect(document, { format: 'checkov' })
  })
})
