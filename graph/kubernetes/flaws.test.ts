import { expect, it } from 'vitest'
import { KubernetesObject } from '../../collectors/kubernetes/kubernetes.ts'
import { normaliseObject } from '../../collectors/kubernetes/normalise.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { NewAlias } from '../../domain/entity.ts'
import type { NewFinding, NewScan, ResourceRef } from '../../domain/finding.ts'
import type { Database } from '../../store/database.ts'
import { addRecord } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import { weaknessesOfImages } from '../../store/weaknesses.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { stored } from '../../test/support/graph-rows.ts'
import { at, type Json, named } from '../../test/support/graph-world.ts'
import { delivery } from '../../test/support/records.ts'
import { deriveMarked } from '../derive.ts'

const clock = new FixedClock('2026-11-24T10:00:00Z')
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
let scans = 0

type Flaw = { check: string; severity?: NewFinding['severity']; vector?: string | null; score?: number; aliases?: string[] }
const network = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H'
const local = 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H'

function scanned(scope: string, key: string, flaws: readonly Flaw[]) {
  scans += 1
  const target: ResourceRef = { kind: 'image', scope: key.startsWith('sha256:') ? 'global' : scope, key, name: key, namespace: null }
  const scan: NewScan = {
    scope,
    scanner: 'trivy',
    version: null,
    target,
    covers: ['vulnerability'],
    contentKey: scans.toString(16).padStart(64, '0'),
    observedNs: at + BigInt(scans),
    observedFrom: 'report',
  }
  const findings = flaws.map(({ check, severity = 'medium', vector = network, score = 7, aliases = [] }): NewFinding => ({
    scope,
    class: 'vulnerability',
    check,
    aliases,
    title: check,
    description: null,
    remediation: null,
    references: [],
    severity,
    outcome: 'fail',
    outcomeReason: null,
    resource: target,
    package: { key: 'pkg:deb/debian/lib@1', name: 'lib', version: '1', type: 'deb', fixedIn: ['2'], paths: [] },
    cvss: { version: '3.1', score, vector },
    properties: {},
    scan,
    document: {},
    raw: Buffer.from(check),
  }))
  return delivery({ scope, findings, scans: [{ scan, end: { findings: findings.length, failed: null } }] })
}

async function record(db: Database, scope: string, ...objects: Json[]): Promise<void> {
  const source = { sourceId: null, sourceName: 's', scope, receivedNs: at }
  const made = delivery({ scope, inventory: true, receivedNs: at })
  for (const object of objects)
    for (const one of normaliseObject(KubernetesObject.parse(object), { raw: object, bytes: new Uint8Array(), at: '' }, source))
      addRecord(made, one)
  await accept(db, clock, [made])
}
const labels = { app: 'web' }
const pod = (imageID: string): Json => ({
  ...named('Pod', 'web', {
    spec: { containers: [{ name: 'app', image: 'web:1', ports: [{ containerPort: 80 }] }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'app', imageID, containerID: `containerd://${'c'.repeat(64)}` }] },
  }),
})
const labelled = (object: Json): Json => ({ ...object, metadata: { ...(object.metadata as Json), labels } })
const service = named('Service', 'web', { spec: { type: 'LoadBalancer', selector: labels, ports: [{ port: 80 }] } })

async function cost(db: Database, scope: string): Promise<{ cost: number; because: string } | undefined> {
  clock.advance(1_000)
  while ((await deriveMarked(db, clock)).more);
  const step = (await stored(db, scope)).find(({ type }) => type === 'service-to-workload')
  return step === undefined ? undefined : { cost: step.cost, because: step.because.replace(/^.*; /, '') }
}

eachDatabase('what is known of images', (database) => {
  it('weighs in the step into what runs them, as soon as it is known: by a digest another name was given to', async () => {
    const db = database()
    const scope = 'running'
    await record(db, scope, labelled(pod(`web@${digest('a')}`)), service)
    expect(await cost(db, scope)).toEqual({ cost: 4, because: 'no scanner has looked at its images (web:1)' })
    await accept(db, clock, [scanned(scope, digest('b'), [{ check: 'CVE-2024-0001', vector: local }])])
    expect((await cost(db, scope))?.cost).toBe(4)
    const alias: NewAlias = { scope: 'global', kind: 'image', key: digest('b'), alsoKey: digest('a'), because: 'trivy', observedNs: at }
    await accept(db, clock, [delivery({ scope, aliases: [alias] })])
    expect(await cost(db, scope)).toEqual({
      cost: 4,
      because: 'scanners know of no flaw in its images that can be reached over the network (web:1)',
    })
    await accept(db, clock, [scanned(scope, digest('b'), [{ check: 'CVE-2024-0001', vector: local }, { check: 'CVE-2024-0002' }])])
    expect(await cost(db, scope)).toEqual({ cost: 3, because: 'CVE-2024-0002 in lib is known' })
    await accept(db, clock, [
      delivery({ scope, advisories: [{ list: 'kev', cve: 'CVE-2024-0002', snapshot: '2026-11-24', snapshotNs: at, facts: {} }] }),
    ])
    expect(await cost(db, scope)).toEqual({ cost: 2, because: 'CVE-2024-0002 in lib is known to be exploited' })
    await accept(db, clock, [scanned(scope, digest('b'), [{ check: 'CVE-2024-0001', vector: local }])])
    expect((await cost(db, scope))?.cost).toBe(4)
  })

  it('is known of a manifest by the reference it asks for', async () => {
    const db = database()
    const scope = 'declared'
    const declared = (object: Json): Json => ({ ...object, metadata: { ...(object.metadata as Json), uid: undefined } })
    await record(db, scope, declared(labelled(pod(''))), declared(service))
    expect((await cost(db, scope))?.because).toBe('no scanner has looked at its images (web:1)')
    await accept(db, clock, [scanned(scope, 'web:1', [{ check: 'CVE-2024-0003' }])])
    expect(await cost(db, scope)).toEqual({ cost: 3, because: 'CVE-2024-0003 in lib is known' })
  })

  it('comes easiest first: known to be exploited, then the newest word on how probable that is, then CVSS; few of many', async () => {
    const db = database()
    const scope = 'order'
    const flaws: Flaw[] = [
      { check: 'CVE-2025-0001', score: 9.8 },
      { check: 'CVE-2025-0002', score: 5 },
      { check: 'CVE-2025-0003', score: 6 },
      { check: 'GHSA-aaaa-bbbb-cccc', aliases: ['CVE-2025-0004'], score: 4 },
      { check: 'CVE-2025-0005', vector: local, score: 10, severity: 'critical' },
      { check: 'CVE-2025-0006', vector: null, score: 8, severity: 'critical' },
      { check: 'CVE-2025-0007', vector: null, score: 8, severity: 'medium' },
    ]
    const epss = (cve: string, snapshot: string, score: number) => ({
      list: 'epss' as const,
      cve,
      snapshot,
      snapshotNs: BigInt(Date.parse(snapshot)) * 1_000_000n,
      facts: { score },
    })
    await accept(db, clock, [
      scanned(scope, digest('d'), flaws),
      delivery({
        scope,
        advisories: [
          { list: 'kev', cve: 'CVE-2025-0004', snapshot: '2026-11-24', snapshotNs: at, facts: {} },
          epss('CVE-2025-0002', '2026-11-01', 0.1),
          epss('CVE-2025-0002', '2026-11-20', 0.9),
          epss('CVE-2025-0003', '2026-11-01', 0.99),
          epss('CVE-2025-0003', '2026-11-20', 0.2),
        ],
      }),
    ])
    const found = await weaknessesOfImages(db, scope, [digest('d'), digest('e')], 4)
    expect([...found.keys()]).toEqual([digest('d')])
    expect(found.get(digest('d'))?.map(({ check, kev, epss: probable, cvss, fixedIn }) => [check, kev, probable, cvss, fixedIn])).toEqual([
      ['GHSA-aaaa-bbbb-cccc', true, null, 4, ['2']],
      ['CVE-2025-0002', false, 0.9, 5, ['2']],
      ['CVE-2025-0003', false, 0.2, 6, ['2']],
      ['CVE-2025-0001', false, null, 9.8, ['2']],
    ])
    const all = await weaknessesOfImages(db, scope, [digest('d')], 10)
    expect(all.get(digest('d'))?.map(({ check }) => check)).toEqual(expect.not.arrayContaining(['CVE-2025-0005', 'CVE-2025-0007']))
    expect(all.get(digest('d'))).toHaveLength(5)
  })
})
