import { describe, expect, it } from 'vitest'
import { findingKey } from '../../domain/finding.ts'
import { Verdict } from '../../domain/report.ts'
import { collect } from '../../test/support/collect.ts'
import { incidentFacts, noReport } from '../../test/support/incident-facts.ts'
import { asStored } from '../../test/support/ocsf-posture.ts'
import { Event } from '../../test/support/ocsf-schema.ts'
import { noon, process_, storedAlert } from '../../test/support/records.ts'
import { findingStatuses } from '../../store/finding-life.ts'
import { detectionFinding } from './detection.ts'
import { findingEvent } from './finding.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import { incidentFinding } from './incident.ts'

const valid = (event: unknown): Record<string, unknown> => Event.parse(JSON.parse(JSON.stringify(event))) as Record<string, unknown>
const alertId = '019aa000-0000-7000-8000-00000000beef'
const ms = Number(noon / 1_000_000n)

describe('an incident', () => {
  it('says what it is, what was detected and where, with times in milliseconds', () => {
    expect(valid(incidentFinding(incidentFacts()))).toMatchObject({
      class_uid: 2005,
      type_uid: 200_501,
      status: 'New',
      severity_id: 4,
      message: 'Terminal shell in container in shop/checkout',
      start_time: ms,
      end_time: ms + 90_000,
      count: 3,
      metadata: { version: '1.8.0', profiles: ['incident'], labels: ['scope:lab'] },
      attacks: [
        { tactic: { uid: 'TA0002', name: 'Execution' } },
        { tactic: { uid: 'TA0006', name: 'Credential Access' } },
        { technique: { uid: 'T1059' }, sub_technique: { uid: 'T1059.004' } },
      ],
      finding_info_list: [
        {
          uid: alertId,
          title: 'Terminal shell in container',
          first_seen_time: ms,
          related_events_count: 3,
          attacks: [{ tactic: { uid: 'TA0002' }, technique: { uid: 'T1059' }, sub_technique: { uid: 'T1059.004' } }],
        },
      ],
      unmapped: { resources: [{ uid: 'uid-1', name: 'checkout', type: 'workload', namespace: 'shop', labels: ['scope:lab'] }] },
    })
  })

  it('has an activity and a status for each step of its life', () => {
    const report = { ...noReport, verdict: 'true_positive' as const, confidence: 'high' as const } satisfies IncidentFacts['report']
    const steps = [
      incidentFacts(),
      incidentFacts({ report }),
      incidentFacts({ report, incident: { revision: 2 } }),
      incidentFacts({ report, incident: { state: 'contained' } }),
      incidentFacts({ incident: { state: 'closed' } }),
      incidentFacts({ incident: { mergedInto: 'another' } }),
    ].map((facts) => valid(incidentFinding(facts)))
    expect(steps.map((one) => [one.activity_name, one.status, one.status_detail, one.verdict_id])).toEqual([
      ['Create', 'New', undefined, undefined],
      ['Update', 'In Progress', undefined, 2],
      ['Update', 'In Progress', undefined, 2],
      ['Update', 'In Progress', 'contained', 2],
      ['Close', 'Closed', 'closed', undefined],
      ['Close', 'Closed', 'merged into another', undefined],
    ])
    for (const verdict of Verdict.options) valid(incidentFinding(incidentFacts({ report: { ...report, verdict } })))
    valid(incidentFinding(incidentFacts({ rules: [], touched: [] })))
  })

  it('names the findings that made it possible, those that were confirmed', () => {
    const id = '019aa0f0-8d3c-7a51-9c11-bbbbbbbbbb01'
    const evidence = [{ record: 'finding', id, path: 'check', value: 'CVE-2022-29078' } as const]
    const claim = { kind: 'inference', text: '⟦CVE-2022-29078⟧ in ⟦ejs⟧ can be used.', evidence, grounded: true, problems: [] } as const
    const made = (grounded: boolean): IncidentFacts =>
      incidentFacts({
        report: {
          ...noReport,
          verdict: 'true_positive',
          confidence: 'high',
          rootCause: [{ ...claim, evidence: [...evidence], problems: [], grounded }],
        },
      })
    expect(valid(incidentFinding(made(true))).finding_info_list).toEqual([
      expect.objectContaining({ title: 'Terminal shell in container' }),
      { uid: id, title: 'CVE-2022-29078', desc: '“CVE-2022-29078” in “ejs” can be used.', types: ['Posture'] },
    ])
    expect(valid(incidentFinding(made(false))).finding_info_list).toHaveLength(1)
  })

  it('masks secrets in what others wrote', () => {
    const event = incidentFinding(incidentFacts({ incident: { title: 'curl -H Authorization: Bearer abcdef123456789 in shop/x' } }))
    expect(JSON.stringify(event)).not.toContain('abcdef123456789')
    expect(valid(event).message).toContain('[redacted]')
  })
})

describe('an alert', () => {
  it('carries its evidence, and without any is valid all the same', () => {
    const alert = storedAlert(alertId, {
      output: 'shell with --password hunter2hunter2',
      tags: ['container'],
      container: { id: 'abc123', name: 'app', image: 'shop/checkout:1' },
      pod: { namespace: 'shop', name: 'checkout-1', uid: null },
      process: process_({ name: 'bash', pid: 42n, cmdline: 'bash --token=abcdefgh123', exepath: '/bin/bash' }),
      file: '/etc/shadow',
      connection: { clientIp: '10.0.0.1', clientPort: 4000, serverIp: '203.0.113.9', serverPort: 443, protocol: 'tcp' },
    })
    const event = valid(detectionFinding({ ...alert, receivedAt: new Date(ms) }, `https://falconer.example.org/alerts/${alertId}`))
    expect(event).toMatchObject({
      class_uid: 2004,
      time: ms,
      finding_info: { uid: alertId, analytic: { name: 'Terminal shell in container' }, data_sources: ['falco', 'syscall'] },
      container: { uid: 'abc123', image: { name: 'shop/checkout:1' } },
      resources: [{ uid: 'shop/Pod/checkout-1', type: 'pod', namespace: 'shop' }],
      evidences: [
        {
          process: { name: 'bash', pid: 42, file: { path: '/bin/bash', name: 'bash' } },
          file: { path: '/etc/shadow' },
          dst_endpoint: { ip: '203.0.113.9' },
        },
      ],
    })
    expect(JSON.stringify(event)).not.toMatch(/hunter2|abcdefgh123/)
    const bare = storedAlert(alertId, { hostname: null, tactics: [], techniques: [] })
    expect(valid(detectionFinding({ ...bare, receivedAt: new Date(ms) }, 'https://x.example/a')).evidences).toBeUndefined()
  })

  it('is read again by our own collector as the same detection', async () => {
    const alert = storedAlert(alertId, {
      container: { id: 'abc123', name: 'app', image: 'i' },
      process: process_({ cmdline: 'sh -i', pid: 7n }),
    })
    const { alerts, dead } = await collect(JSON.stringify(detectionFinding({ ...alert, receivedAt: new Date(ms) }, 'https://x.example/a')))
    expect(dead).toEqual([])
    expect(alerts).toMatchObject([
      {
        rule: alert.rule,
        severity: alert.severity,
        eventNs: noon,
        hostname: 'node-1',
        tactics: ['TA0002'],
        techniques: ['T1059'],
        container: { id: 'abc123', name: 'app', image: 'i' },
        process: { name: 'sh', cmdline: 'sh -i', pid: 7n, parentName: 'node' },
      },
    ])
  })
})

const report = (name: string, body: object): Promise<Awaited<ReturnType<typeof collect>>> => collect(JSON.stringify(body), { format: name })
const kubescape = {
  class_uid: 2003,
  time: ms,
  severity: 'High',
  metadata: { product: { name: 'Other' } },
  finding_info: { uid: 'x', title: 'No limits' },
  resources: [{ uid: 'shop/Deployment/checkout', name: 'checkout', type: 'Deployment', namespace: 'shop' }],
  compliance: { control: 'C-0046', status: 'Fail' },
}

describe('a finding', () => {
  it('in each of its states has its activity, status and result, and is read again as the same finding in the same state', async () => {
    const { findings } = await report('ocsf', kubescape)
    const [found] = findings
    if (found === undefined) throw new Error('no finding')
    const read = await Promise.all(
      findingStatuses.map(async (status) => {
        const event = valid(findingEvent(asStored(found, status)))
        const [again] = (await collect(JSON.stringify(event))).findings
        expect(again && findingKey(again)).toBe(findingKey(found))
        return [status, event.activity_name, event.status, (event.compliance as { status: string }).status, again?.outcome]
      }),
    )
    expect(read).toEqual([
      ['open', 'Create', 'New', 'Fail', 'fail'],
      ['manual', 'Create', 'New', 'Warning', 'manual'],
      ['suppressed', 'Create', 'Suppressed', 'Fail', 'muted'],
      ['fixed', 'Close', 'Resolved', 'Pass', 'pass'],
      ['passed', 'Close', 'Resolved', 'Pass', 'pass'],
    ])
  })

  it('keeps its identity whatever its class and kind of resource, and a licence its package', async () => {
    const { findings } = await report('ocsf', kubescape)
    const [base] = findings
    if (base === undefined) throw new Error('no finding')
    const packaged = {
      key: 'pkg:npm/%40a/b@1.0.0',
      name: '@a/b',
      version: '1.0.0',
      type: 'npm',
      fixedIn: ['1.0.1'],
      paths: ['app/package.json'],
    }
    const cases = [
      { ...base, class: 'licence' as const, check: 'trivy/GPL-3.0', package: packaged },
      { ...base, class: 'secret' as const, check: 'trivy/aws-access-key-id', package: null },
      { ...base, class: 'vulnerability' as const, check: 'GHSA-aaaa-bbbb-cccc', aliases: ['X-1'], package: packaged },
      { ...base, class: 'vulnerability' as const, check: 'CVE-2024-0001', aliases: ['GHSA-aaaa-bbbb-cccc'], package: null },
      {
        ...base,
        class: 'misconfiguration' as const,
        resource: { kind: 'image' as const, scope: 'global', key: `sha256:${'a'.repeat(64)}`, name: 'nginx', namespace: null },
      },
      { ...base, severity: null },
    ]
    const lines = cases.map((one) => JSON.stringify(valid(findingEvent(asStored(one)))))
    const { findings: again, scans } = await collect(lines.join('\n'))
    expect(again.map(findingKey)).toEqual(cases.map(findingKey))
    expect(again.map(({ severity, package: found }) => [severity, found?.name, found?.version])).toEqual(
      cases.map(({ severity, package: found }) => [severity, found?.name, found?.version]),
    )
    expect(scans).toMatchObject([
      { scan: { scanner: 'falconer', target: { kind: 'cluster', key: 'lab' } }, end: { findings: cases.length, failed: null } },
    ])
  })

  it('of another product that calls itself ours is read like any other', async () => {
    const { findings } = await collect(JSON.stringify({ ...kubescape, metadata: { product: { name: 'Falconer' } } }))
    expect(findings).toMatchObject([{ class: 'compliance', check: 'falconer/C-0046' }])
  })
})
