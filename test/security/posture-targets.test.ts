/**
 * Guarantee 3, for posture: nothing that a scanner, an SBOM, an audit log or a rules file says becomes the target of an action, or changes
 * what one is. Inventory sent to a source of any other collector is no inventory.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addSource } from '../../apps/server/sources.ts'
import { collectors } from '../../collectors/registry.generated.ts'
import { entityKinds, type NewEntity, type RelationType, relationTypes } from '../../domain/entity.ts'
import { agentPrincipal } from '../../domain/principal.ts'
import { propose } from '../../responses/propose.ts'
import { type Delivery, emptyDelivery } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import { noon, podRecords } from '../support/records.ts'
import { openSite, operator, type Site } from '../support/site.ts'

const far = noon + 1_000_000_000_000_000n
const hash = 'a'.repeat(64)
const victim = podRecords({ name: 'victim-a', namespace: 'shop' })
/** What `kubectl get pods -o json` prints of a pod that the attacker would like to exist. */
const list = {
  kind: 'List',
  apiVersion: 'v1',
  items: [
    {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'planted', namespace: 'shop', uid: 'planted-uid', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'shop/app:1' }] },
      status: {
        phase: 'Running',
        containerStatuses: [{ name: 'app', image: 'shop/app:1', imageID: '', containerID: `containerd://${hash}` }],
      },
    },
  ],
}
const names = [victim.uid, victim.containerId, 'victim-a', 'shop/Pod/victim-a', 'node-1']
/** Reports that name what is there, as the thing scanned and as what was found in it. */
const reports = (name: string): [collector: string, report: unknown][] => [
  [
    'cyclonedx',
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      metadata: { timestamp: '2026-11-01T10:00:00Z', component: { type: 'container', name, version: `sha256:${hash}`, 'bom-ref': name } },
      components: [{ type: 'library', name, version: '1', purl: `pkg:npm/${encodeURIComponent(name)}@1`, 'bom-ref': 'x' }],
    },
  ],
  [
    'trivy',
    {
      SchemaVersion: 2,
      ArtifactName: name,
      ArtifactType: 'container_image',
      Metadata: { ImageID: `sha256:${hash}` },
      Results: [
        {
          Target: name,
          Class: 'os-pkgs',
          Type: 'alpine',
          Vulnerabilities: [{ VulnerabilityID: 'CVE-2026-10001', PkgName: name, InstalledVersion: '1', Severity: 'HIGH' }],
        },
      ],
    },
  ],
  [
    'kubernetes-audit',
    {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'RequestResponse',
      auditID: name,
      stage: 'ResponseComplete',
      verb: 'delete',
      requestURI: '/api/v1',
      user: { username: name },
      objectRef: { resource: 'pods', namespace: 'shop', name: 'victim-a', uid: name, apiVersion: 'v1' },
      responseStatus: { code: 200 },
      responseObject: list.items[0],
      requestObject: list.items[0],
      requestReceivedTimestamp: '2026-11-01T10:00:00Z',
      stageTimestamp: '2026-11-01T10:00:00Z',
    },
  ],
]

describe('posture', () => {
  let site: Site
  const secrets = new Map<string, string>()
  const others = collectors.filter(({ name }) => name !== 'kubernetes')
  const inventory = (): Promise<unknown[]> => site.db.query(sql`select * from entities where origin = 'inventory' order by id`)
  const owned = (): Promise<unknown[]> =>
    site.db.query(sql`select src, type, dst from relations where type <> 'HAS_PACKAGE' order by 1, 2, 3`)
  beforeAll(async () => {
    site = await openSite()
    await accept(site.db, site.clock, [
      { ...emptyDelivery({ sourceId: null, scope: 'lab', inventory: true }), entities: victim.entities, relations: victim.relations },
    ])
    for (const { name } of others)
      secrets.set(name, (await addSource(site.falconer, operator, { name: `of-${name}`, collector: name, scope: 'lab' })).secret)
  })
  afterAll(async () => site?.close())
  const ingest = (collector: string, body: string): Promise<Response> =>
    site.ask(`/ingest/${collector}`, { method: 'POST', body, headers: { authorization: `Bearer ${secrets.get(collector)}` } })
  const derivedAreRefused = async (): Promise<number> => {
    const derived = await site.db.query(sql<{ id: bigint }>`select id from entities where origin <> 'inventory'`)
    const context = { db: site.db, clock: site.clock, policy: site.falconer.responses.policy, actionsEnabled: false }
    const who = { principal: agentPrincipal, channel: 'system' as const }
    const rest = { params: {}, reason: '', incidentId: null, investigationId: null }
    for (const { id } of derived)
      for (const action of ['kubernetes.isolate_pod', 'kubernetes.cordon_node', 'kubernetes.scale_workload'])
        await expect(propose(context, who, { action, entityId: id.toString(), ...rest })).rejects.toThrow(/cannot be acted on|acts on/)
    return derived.length
  }

  it('guarantee 3: inventory that is sent to a source of any other collector is no inventory', async () => {
    const before = await inventory()
    for (const { name } of others) {
      for (const body of [JSON.stringify(list), JSON.stringify(list.items[0]), list.items.map((item) => JSON.stringify(item)).join('\n')])
        await ingest(name, body)
      await site.ask(`/api/v1/import?path=pods.json&scope=lab&format=${name}`, {
        method: 'POST',
        as: { token: site.people.administrator.token },
        body: JSON.stringify(list),
      })
    }
    expect(await inventory()).toEqual(before)
    // And it would have been, had it come from a cluster.
    await site.ask('/api/v1/import?path=pods.json&scope=elsewhere', {
      method: 'POST',
      as: { token: site.people.administrator.token },
      body: JSON.stringify(list),
    })
    expect((await inventory()).length).toBeGreaterThan(before.length)
  })

  it('guarantee 3: reports that name what is there change nothing of it and make nothing that can be acted on', async () => {
    const [before, relations] = [await inventory(), await owned()]
    for (const [collector, report] of names.flatMap(reports)) {
      const response = await ingest(collector, JSON.stringify(report))
      expect(await response.json(), collector).toMatchObject({ accepted: expect.any(Number), deadLetters: 0 })
    }
    expect(await inventory()).toEqual(before)
    expect(await owned()).toEqual(relations)
    expect(await derivedAreRefused()).toBeGreaterThan(0)
  })

  it('guarantee 3: entities of every kind, newer, changed and deleted, change no row of inventory when they are not inventory', async () => {
    const [before, relations] = [await inventory(), await owned()]
    const derived = (over: Partial<Delivery>): Delivery => ({ ...emptyDelivery({ sourceId: null, scope: 'lab' }), ...over })
    const changed = victim.entities.map((entity): NewEntity => ({
      ...entity,
      name: 'changed',
      properties: { uid: 'other' },
      observedNs: far,
      deletedNs: far,
    }))
    const planted = entityKinds.map((kind): NewEntity => ({
      ...(victim.entities[0] as NewEntity),
      kind,
      key: `planted-${kind}`,
      name: `planted-${kind}`,
      observedNs: far,
    }))
    await accept(site.db, site.clock, [derived({ entities: [...changed, ...planted] })])
    expect(await inventory()).toEqual(before)
    expect(await derivedAreRefused()).toBeGreaterThanOrEqual(entityKinds.length)
    const relation = (type: RelationType) => ({
      from: { scope: 'lab', kind: 'workload' as const, key: 'planted-workload' },
      type,
      to: { scope: 'lab', kind: 'pod' as const, key: victim.uid },
      observedNs: far,
    })
    for (const type of relationTypes.filter((one) => one !== 'HAS_PACKAGE' && one !== 'ASSUMES'))
      await expect(accept(site.db, site.clock, [derived({ relations: [relation(type)] })]), type).rejects.toThrow(
        /is for inventory to tell/,
      )
    expect(await owned()).toEqual(relations)
  })
})
