/**
 * A pod that lived 40 seconds: watched, gone, and still there to be asked about, at that time and no other. What is concluded from a
 * shortened container id or a name is marked inferred, and nothing that is gone, or that only an alert named, is ever a target.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { KubernetesObject } from '../../collectors/kubernetes/kubernetes.ts'
import { normaliseObject } from '../../collectors/kubernetes/normalise.ts'
import type { NewAlert } from '../../domain/alert.ts'
import { FixedClock } from '../../domain/clock.ts'
import { graceNs } from '../../domain/entity.ts'
import { resolveContext, type AlertContext } from '../../incidents/context.ts'
import { batchedInventory } from '../../incidents/inventory.ts'
import { targetOf } from '../../responses/propose.ts'
import { containersByPrefix, findEntity, podsByName, relatedEntities } from '../../store/entities.ts'
import { addRecord } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import { markDeleted } from '../../store/observe.ts'
import { eachDatabase } from '../support/database.ts'
import { containerId, delivery, storedAlert } from '../support/records.ts'

const second = 1_000_000_000n
const born = 1_788_264_000n * second
const gone = born + 40n * second
const id = containerId('short-lived')
const clock = new FixedClock('2026-09-01T12:00:00Z')
const digest = `sha256:${'e'.repeat(64)}`

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'burst-1', namespace: 'shop', uid: 'uid-burst-1', creationTimestamp: '2026-09-01T12:00:00Z' },
  spec: {
    nodeName: 'node-1',
    serviceAccountName: 'ci',
    containers: [{ name: 'app', image: 'web:1', envFrom: [{ secretRef: { name: 'db' } }] }],
  },
  status: {
    phase: 'Running',
    containerStatuses: [{ name: 'app', containerID: `containerd://${id}`, imageID: `docker.io/library/web@${digest}` }],
  },
}

eachDatabase('a pod that lived 40 seconds', (database) => {
  const scope = 'brief'
  const observe = async (object: Record<string, unknown>, atNs: bigint, deletedNs: bigint | null = null): Promise<void> => {
    const one = delivery({ scope, live: true })
    const source = { sourceId: null, sourceName: 'watch', scope, receivedNs: atNs }
    for (const record of normaliseObject(
      KubernetesObject.parse(object),
      { raw: object, bytes: new Uint8Array(), at: '' },
      source,
      deletedNs,
    ))
      addRecord(one, record)
    await accept(database(), clock, [one])
  }
  const at = (atNs: bigint): { fromNs: bigint; untilNs: bigint } => ({ fromNs: atNs, untilNs: atNs })
  const byName = async (atNs: bigint): Promise<number | undefined> =>
    (await podsByName(database(), [{ scope, namespace: 'shop', name: 'burst-1' }], at(atNs)))[0]?.length
  const byShortId = async (atNs: bigint): Promise<number | undefined> =>
    (await containersByPrefix(database(), [{ scope, prefix: id.slice(0, 12) }], at(atNs)))[0]?.length
  const resolve = async (over: Partial<NewAlert>, atNs = born + 20n * second): Promise<AlertContext> =>
    resolveContext(storedAlert('a', { scope, eventNs: atNs, ...over }), batchedInventory(database(), at(atNs)))
  const shortId = { id: id.slice(0, 12), name: null, image: null }

  beforeAll(async () => {
    await observe(pod, born + second)
    await observe(pod, gone, gone)
  })

  it('is found by name and by 12 characters of its container’s id while it lived, and not long after or before', async () => {
    const moments = [
      born,
      born + 20n * second,
      gone,
      gone + graceNs,
      gone + graceNs + second,
      born - graceNs - second,
      born + 3_600n * second,
    ]
    for (const ask of [byName, byShortId]) expect(await Promise.all(moments.map(ask))).toEqual([1, 1, 1, 1, 0, 0, 0])
  })

  it('is what a later pod of the same name is not', async () => {
    const later = { ...pod, metadata: { ...pod.metadata, uid: 'uid-burst-2', creationTimestamp: '2026-09-01T13:00:00Z' }, status: {} }
    await observe(later, born + 3_600n * second)
    const uidAt = async (atNs: bigint): Promise<unknown> =>
      (await resolve({ pod: { namespace: 'shop', name: 'burst-1', uid: null } }, atNs)).pod?.key
    expect([await uidAt(born + 20n * second), await uidAt(born + 3_700n * second)]).toEqual(['uid-burst-1', 'uid-burst-2'])
    expect(await uidAt(born + 1_800n * second)).toBeUndefined()
  })

  it('explains an alert that gives only the short id, and says that this is inferred and from what', async () => {
    const context = await resolve({ container: shortId })
    expect(context).toMatchObject({ inferred: true, container: { key: id }, pod: { key: 'uid-burst-1', deletedNs: gone } })
    expect(context.how).toBe(`inferred: container id ${id.slice(0, 12)} is the beginning of one container that inventory knew at that time`)
    expect(await resolve({ container: { ...shortId, id } })).toMatchObject({ inferred: false, pod: { key: 'uid-burst-1' } })
    expect(await resolve({ container: shortId }, gone + graceNs + second)).toMatchObject({ pod: null, inferred: false })
  })

  it('is no target, however it was found: it is gone', async () => {
    for (const over of [
      { container: shortId },
      { container: { ...shortId, id } },
      { pod: { namespace: 'shop', name: 'burst-1', uid: null } },
    ]) {
      const { pod: found } = await resolve(over)
      expect(() => targetOf(found as NonNullable<typeof found>)).toThrow('inventory saw it go')
    }
  })

  it('tells nothing between two containers that begin alike', async () => {
    const twin = `${id.slice(0, 12)}${'0'.repeat(52)}`
    const status = { phase: 'Running', containerStatuses: [{ name: 'app', containerID: `containerd://${twin}` }] }
    await observe({ ...pod, metadata: { ...pod.metadata, name: 'twin', uid: 'uid-twin' }, status }, born + second)
    expect(await resolve({ container: shortId })).toMatchObject({
      pod: null,
      container: null,
      how: expect.stringMatching(/^several containers/),
    })
    await database().transaction((tx) => markDeleted(tx, scope, 'container', [twin], born - 3_600n * second))
    expect(await resolve({ container: shortId })).toMatchObject({ pod: { key: 'uid-burst-1' } })
  })

  describe('and what it ran as, had in it and was made of', () => {
    it('stands beside it; what only it named was never recorded, and is no target', async () => {
      const found = await findEntity(database(), { scope, kind: 'pod', key: 'uid-burst-1' })
      const beside = async (type: 'RUNS_AS' | 'MOUNTS'): Promise<unknown[]> =>
        (await relatedEntities(database(), found?.id ?? 0n, type, 'out')).map(({ kind, key, origin }) => [kind, key, origin])
      expect(await beside('RUNS_AS')).toEqual([['service_account', 'shop/ServiceAccount/ci', 'derived']])
      expect(await beside('MOUNTS')).toEqual([['secret', 'shop/Secret/db', 'derived']])
      await observe({ kind: 'ServiceAccount', metadata: { name: 'ci', namespace: 'shop', uid: 'uid-ci' } }, born + second)
      expect(await beside('RUNS_AS')).toEqual([['service_account', 'shop/ServiceAccount/ci', 'inventory']])
      const [container] = await relatedEntities(database(), found?.id ?? 0n, 'HAS_CONTAINER', 'out')
      expect(await relatedEntities(database(), container?.id ?? 0n, 'USES_IMAGE', 'out')).toMatchObject([
        { scope: 'global', key: digest, name: 'web:1', deletedNs: null },
      ])
    })
  })
})
