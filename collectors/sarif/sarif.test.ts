import { describe, expect, it } from 'vitest'
import { collect, receivedNs } from '../../test/support/collect.ts'
import { mutations } from '../../test/support/damage.ts'

const result = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  ruleId: 'py/sql-injection',
  ruleIndex: 0,
  message: { text: 'This query depends on a user.' },
  locations: [
    {
      physicalLocation: {
        artifactLocation: { uri: 'app/db%20x.py', uriBaseId: '%SRCROOT%' },
        region: { startLine: 39, snippet: { text: 'password = "hunter2hunter2"' } },
      },
    },
  ],
  ...over,
})
const rule = {
  id: 'py/sql-injection',
  shortDescription: { text: 'SQL injection' },
  help: { text: 'Use parameters.' },
  helpUri: 'https://example.com/sql',
  defaultConfiguration: { level: 'error' },
  properties: { tags: ['security', 'external/cwe/cwe-089'] },
}
const run = (results: unknown, over: Record<string, unknown> = {}, driver: Record<string, unknown> = {}): Record<string, unknown> => ({
  results,
  tool: { driver: { name: 'CodeQL', semanticVersion: '2.5.4', rules: [rule], ...driver } },
  ...over,
})
const report = (...runs: unknown[]): Record<string, unknown> => ({ version: '2.1.0', runs })

describe('SARIF', () => {
  it('makes a finding of each result, without the code it quotes; the rules may stand behind', async () => {
    const { findings, scans, counts, dead } = await collect(report(run([result()])), { chunk: 17 })
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'sarif', read: 1, scans: 1 })
    expect(findings).toMatchObject([
      {
        class: 'vulnerability',
        check: 'codeql/py/sql-injection',
        title: 'SQL injection',
        description: 'This query depends on a user.',
        remediation: 'Use parameters.',
        references: ['https://example.com/sql'],
        severity: 'high',
        outcome: 'fail',
        resource: { kind: 'file', key: '.:app/db x.py' },
        properties: { startLine: 39, tool: 'CodeQL' },
      },
    ])
    expect(scans).toEqual([{ scan: findings[0]?.scan, end: { findings: 1, failed: null } }])
    expect(scans[0]?.scan).toMatchObject({
      scanner: 'codeql',
      version: '2.5.4',
      covers: ['vulnerability'],
      target: { kind: 'repository', key: '.#' },
    })
    expect(JSON.stringify(findings[0]?.document) + Buffer.from(findings[0]?.raw ?? []).toString()).not.toContain('hunter2')
  })

  it.each([
    [{ level: 'note' }, {}, 'low'],
    [{}, {}, 'high'],
    [{ ruleId: 'other', ruleIndex: -1 }, {}, 'medium'],
    [{}, { rules: [{ ...rule, properties: { 'security-severity': '9.8' } }] }, 'critical'],
    [{}, { rules: [{ ...rule, properties: { 'security-severity': 'MEDIUM' } }] }, 'medium'],
    [{}, { rules: [{ id: 'py/sql-injection' }] }, 'medium'],
    [{ level: 'none' }, {}, 'informational'],
  ])('takes the severity of %j %j', async (over, driver, severity) => {
    const { findings } = await collect(report(run([result(over)], {}, driver)))
    expect(findings).toMatchObject([{ severity }])
  })

  it.each([
    [{ suppressions: [{ kind: 'inSource' }] }, 'muted', 'inSource'],
    [{ suppressions: [{ kind: 'external', state: 'accepted', justification: 'tests only' }] }, 'muted', 'tests only'],
    [{ suppressions: [{ kind: 'external', status: 'underReview' }] }, 'fail', null],
    [{ suppressions: [] }, 'fail', null],
    [{ kind: 'pass' }, 'pass', null],
    [{ kind: 'review' }, 'manual', 'review'],
    [{ baselineState: 'absent' }, 'pass', 'it is no longer there'],
  ])('takes the outcome of %j', async (over, outcome, outcomeReason) => {
    expect((await collect(report(run([result(over)])))).findings).toMatchObject([{ outcome, outcomeReason }])
  })

  it('finds the rule by index, by id with parts behind it, and in an extension, and fills its message in', async () => {
    const extension = {
      name: 'more',
      rules: [{ id: 'S1', shortDescription: { text: 'Weak' }, messageStrings: { default: { text: '{0} is weak, {7}' } } }],
    }
    const made = await collect(
      report({
        ...run([
          result({ ruleId: undefined }),
          result({ ruleId: 'py/sql-injection/2', ruleIndex: undefined }),
          result({ ruleId: 'S1', ruleIndex: undefined, message: { id: 'default', arguments: ['MD5'] } }),
          result({ ruleId: undefined, ruleIndex: undefined, rule: { index: 0, toolComponent: { index: 0 } } }),
        ]),
        tool: { driver: { name: 'Odd  Tool!', rules: [rule] }, extensions: [extension] },
      }),
    )
    expect(made.findings.map(({ check, title, description }) => [check, title, description])).toEqual([
      ['odd-tool/py/sql-injection', 'SQL injection', 'This query depends on a user.'],
      ['odd-tool/py/sql-injection/2', 'SQL injection', 'This query depends on a user.'],
      ['odd-tool/S1', 'Weak', 'MD5 is weak, {7}'],
      ['odd-tool/S1', 'Weak', 'This query depends on a user.'],
    ])
  })

  it('names a known vulnerability and the image it is in as every scanner does', async () => {
    const imageID = `sha256:${'a'.repeat(64)}`
    const message = {
      text: 'Package: libssl1.1\nInstalled Version: 1.1.1c-r0\nVulnerability CVE-2019-1549\nFixed Version: 1.1.1d-r0\nLink: x',
    }
    const repoDigests = [`shop@sha256:${'b'.repeat(64)}`, 7]
    const properties = { imageID, imageName: 'shop:1', repoDigests }
    const { findings, scans, records } = await collect(
      report(run([result({ ruleId: 'CVE-2019-1549', message })], { properties }, { name: 'Trivy', rules: [] })),
    )
    const alias = { scope: 'global', kind: 'image', key: imageID, alsoKey: `sha256:${'b'.repeat(64)}` }
    expect(records).toContainEqual({ kind: 'alias', alias: { ...alias, because: 'trivy: repoDigests', observedNs: receivedNs } })
    expect(findings).toMatchObject([
      {
        class: 'vulnerability',
        check: 'CVE-2019-1549',
        resource: { kind: 'image', scope: 'global', key: imageID, name: 'shop:1' },
        package: { name: 'libssl1.1', version: '1.1.1c-r0', fixedIn: ['1.1.1d-r0'] },
      },
    ])
    expect(scans[0]?.scan).toMatchObject({ scanner: 'trivy', target: { kind: 'image', key: imageID } })
  })

  it('names a check of Trivy as Trivy’s own report does', async () => {
    const found = report(run([result({ ruleId: 'AVD-KSV-0014' }), result({ ruleId: 'KSV014' })], {}, { name: 'Trivy', rules: [] }))
    expect((await collect(found)).findings.map(({ check }) => check)).toEqual(['trivy/KSV-0014', 'trivy/KSV-0014'])
  })

  it('keeps nothing of a secret but where it is', async () => {
    const found = result({ message: { text: 'hunter2hunter2 detected' }, fingerprints: { a: 'hunter2hunter2' } })
    const { findings } = await collect(report(run([found], {}, { name: 'gitleaks', rules: [] })))
    expect(findings).toMatchObject([{ class: 'secret', title: 'py/sql-injection', resource: { key: '.:app/db x.py' }, description: null }])
    expect(JSON.stringify(findings, (_key, value: unknown) => (typeof value === 'bigint' ? '' : value))).not.toContain('hunter2')
    expect(findings[0]?.raw).toHaveLength(0)
  })

  it('makes one scan of the runs of one tool about one target, and others of others', async () => {
    const invocations = [{ executionSuccessful: true, endTimeUtc: '2026-09-01T10:00:00Z', workingDirectory: { uri: 'file:///src' } }]
    const versionControlProvenance = [{ repositoryUri: 'https://me:hunter2@example.com/shop.git' }]
    const within = { versionControlProvenance, invocations, automationDetails: { id: 'python/17' } }
    const file = [{ physicalLocation: { artifactLocation: { uri: 'file:///src/a.py' } } }]
    const { scans, findings } = await collect(
      report(run([result({ locations: file })], within), run([result({ locations: [] })]), run([result()], within), run([])),
    )
    expect(scans.map(({ scan, end }) => [scan.target.key, scan.observedFrom, end.findings])).toEqual([
      ['https://example.com/shop#python', 'report', 2],
      ['.#', 'received', 1],
    ])
    expect(findings.map(({ resource }) => [resource.kind, resource.key])).toEqual([
      ['file', 'https://example.com/shop:a.py'],
      ['repository', '.'],
      ['file', 'https://example.com/shop:app/db x.py'],
    ])
  })

  it('tells places of one file apart by what does not move with its lines', async () => {
    const { findings } = await collect(
      report(
        run([
          result({ partialFingerprints: { commitSha: 'x', primaryLocationLineHash: '9c:1' } }),
          result({ fingerprints: { 'b/v1': 'B', 'a/v1': 'A' } }),
        ]),
      ),
    )
    expect(findings.map(({ resource }) => resource.key)).toEqual(['.:app/db x.py#9c:1', '.:app/db x.py#A'])
  })

  it.each([
    [report(), 'it holds no run of any tool'],
    [report(run(null)), 'it has no results: the tool did not look'],
    [
      report(run([], { invocations: [{ executionSuccessful: false, exitCodeDescription: 'out of memory' }] })),
      'the tool reports that it failed: out of memory',
    ],
    [
      report(
        run([], {
          invocations: [{ executionSuccessful: true, toolExecutionNotifications: [{ level: 'error', message: { text: 'rule off' } }] }],
        }),
      ),
      'the tool reports an error: rule off',
    ],
    [report(run([], { externalPropertyFileReferences: { results: [{}] } })), 'its results are in other files, which are not read'],
    [report(run([])), null],
  ])('says of %j that it says nothing by what it does not list', async (document, failed) => {
    expect((await collect(document)).scans).toMatchObject([{ end: { findings: 0, failed } }])
  })

  it('refuses what is none of it, and survives every damage', async () => {
    const { dead, scans } = await collect({ ...report(run([result()])), version: '1.0.0' })
    expect([dead.map(({ reason }) => reason.slice(0, 60)), scans]).toEqual([
      Array.from({ length: 2 }, () => 'the report around it does not fit: version: only SARIF 2.1 i'),
      [],
    ])
    expect((await collect(report(run([result({ ruleId: undefined, ruleIndex: 7 })])))).dead[0]?.reason).toMatch(/names no rule/)
    for (const document of mutations(report(run([result()])))) await collect(document, { format: 'sarif' })
  })
})
