import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { NewActivity } from '../../domain/activity.ts'
import { NewAlert } from '../../domain/alert.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { collect } from '../support/collect.ts'
import { type ReadLog, readLog, readLogs } from './audit-logs.ts'
import { conformance, filesOf, indexOf } from './data.ts'

const index = indexOf('k8s-audit')
/** What is no audit event at all. */
const refused = new Set(['EXPECTED_falcosecurity-testing.csv', 'falco_fal_01_003_412df4.json'])

/** Files on which Falco’s own rules alert with Notice or more, and the detection of ours for it. */
const detected: Record<string, string> = {
  anonymous_creates_namespace_foo_0ad8bd: 'anonymous-request-allowed',
  attach_cluster_admin_role_d5962e: 'cluster-admin-bound',
  attach_pod_7e7904: 'pod-attach',
  create_cluster_role_wildcard_resources_9a1496: 'wildcard-role',
  create_cluster_role_wildcard_verbs_3af1a5: 'wildcard-role',
  create_configmap_sensitive_values_cf9480: 'credentials-in-configmap',
  create_nginx_pod_sensitive_mount_2nd_container_a1452a: 'sensitive-host-path',
  create_nginx_pod_sensitive_mount_a7889d: 'sensitive-host-path',
  create_nginx_service_nodeport_a75dd8: 'node-port-service',
  create_serviceaccount_kube_public_namespace_3028b8: 'service-account-in-system-namespace',
  delete_cluster_role_kube_aggregator_05e256: 'system-role-changed',
  delete_namespace_foo_0c0806: 'namespace-deleted',
  modify_cluster_role_node_problem_detector_fd3354: 'system-role-changed',
}

conformance('Kubernetes audit logs as people keep them', () => {
  let logs = new Map<string, ReadLog>()
  beforeAll(async () => {
    logs = await readLogs('k8s-audit')
  })

  it('are in the index, every file of them', () => {
    expect([...logs.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(30)
  })

  it.each([...index])('%s', (file, { records }) => {
    const log = logs.get(file) as ReadLog
    if (refused.has(file)) {
      expect(log.refused).toMatch(/of a kind this version does not read|plain text/)
      return
    }
    expect(log.refused).toBeUndefined()
    expect(log.dead).toEqual([])
    expect(log.counts).toMatchObject({ format: 'kubernetes-audit', read: records, deadLetters: 0, skipped: 0 })
    expect(log.activities).toHaveLength(records)
    expect(new Set(log.activities.map(({ contentKey }) => contentKey)).size).toBeLessThanOrEqual(records)
    for (const { eventNs, actor } of log.activities) expect({ time: eventNs > 0n, actor: actor.id }).not.toMatchObject({ actor: 'unknown' })
  })

  it.each(Object.entries(detected))('%s raises what Falco’s rules raise on it', (file, id) => {
    const { alerts, activities } = logs.get(`falco_${file}.json`) as ReadLog
    expect(alerts.map(({ tags }) => tags[0])).toEqual(activities.map(() => id))
    expect(alerts.map(({ activityKey }) => activityKey)).toEqual(activities.map(({ contentKey }) => contentKey))
  })

  it('raise no alert of anything else', () => {
    const others = [...logs].filter(([file]) => !(file.replace(/^falco_|\.json$/g, '') in detected))
    const events = others.reduce((sum, [, { activities }]) => sum + activities.length, 0)
    const alerts = others.flatMap(([file, log]) => log.alerts.map(({ rule }) => `${file}: ${rule}`))
    console.log('share of events that alert beside the attacks:', alerts.length / events)
    expect(events).toBeGreaterThan(35)
    expect(alerts).toEqual([])
  })

  it('says what is wrong with an event that is none', async () => {
    const path = (await filesOf('k8s-audit')).find((name) => name.endsWith('falco_fal_01_003_412df4.json')) ?? ''
    const { dead } = await collect(await readFile(path), { path, chunk: 100, format: 'kubernetes-audit' })
    expect(dead.map(({ reason }) => reason)).toEqual([expect.stringMatching(/not a Kubernetes audit log document: auditID/)])
  })

  it('make records as the house knows them', () => {
    for (const { activities, alerts } of logs.values()) {
      for (const activity of activities) expect(NewActivity.parse(activity)).toEqual(activity)
      for (const alert of alerts) expect(NewAlert.parse(alert)).toEqual(alert)
    }
  })

  it('read alike however they are cut into chunks', async () => {
    for (const path of await filesOf('k8s-audit')) {
      const whole = logs.get(basename(path)) as ReadLog
      for (const chunk of [7, 1_000]) expect(stringifyExact((await readLog(path, chunk)).records)).toBe(stringifyExact(whole.records))
    }
  })

  it('leave no secret behind', async () => {
    const stored = [...logs.values()]
      .flatMap(({ activities, alerts }) => [...activities, ...alerts])
      .map((record) => `${stringifyExact({ ...record, raw: null })}${Buffer.from(record.raw).toString()}`)
      .join('\n')
    const secrets: string[] = []
    for (const path of await filesOf('k8s-audit')) {
      const text = await readFile(path, 'utf8')
      for (const [, data = ''] of text.matchAll(/"kind":"Secret"[^]*?"data":\{([^}]*)\}/g))
        secrets.push(...[...data.matchAll(/":"([^"]{6,})"/g)].map((match) => match[1] ?? ''))
      secrets.push(...[...text.matchAll(/(?:aws_secret_access_key|password|passphrase) = (MY-\w+)/g)].map((match) => match[1] ?? ''))
    }
    expect(secrets.length).toBeGreaterThan(10)
    for (const secret of secrets) expect(stored).not.toContain(secret)
  })
})
