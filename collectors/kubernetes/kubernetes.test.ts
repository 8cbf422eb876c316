import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { shopObjects } from '../../test/support/shop.ts'
import type { NewRecord } from '../collector.ts'
import { type Batch, readInput } from '../read.ts'

const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
async function read(
  content: string,
  chunk = 1_000,
): Promise<{ records: NewRecord[]; dead: Batch['deadLetters']; counts: Awaited<ReturnType<typeof readInput>> }> {
  const batches: Batch[] = []
  const counts = await readInput(
    (async function* () {
      const bytes = Buffer.from(content)
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
    })(),
    {
      path: 'input',
      source,
      onBatch: async (batch) => {
        batches.push(batch)
      },
    },
  )
  return { counts, records: batches.flatMap((batch) => batch.records), dead: batches.flatMap((batch) => batch.deadLetters) }
}
const list = (items: unknown[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

describe('Kubernetes inventory', () => {
  it('records pods by UID with containers, owners and node, from JSON and YAML alike', async () => {
    for (const content of [
      list(shopObjects()),
      stringify({ apiVersion: 'v1', kind: 'List', items: shopObjects() }),
      shopObjects()
        .map((object) => stringify(object))
        .join('---\n'),
    ]) {
      const { records, counts } = await read(content)
      expect(counts).toMatchObject({ format: 'kubernetes', read: 10, deadLetters: 0 })
      const entity = (kind: string, name: string) =>
        records.flatMap((record) =>
          record.kind === 'entity' && record.entity.kind === kind && record.entity.name === name ? [record.entity] : [],
        )[0]
      expect(entity('pod', 'checkout-7d9f-aaaaa')).toMatchObject({
        key: 'pod-uid-checkout-1',
        namespace: 'shop',
        properties: { node: 'node-1', owner: { kind: 'ReplicaSet', name: 'checkout-7d9f' } },
      })
      expect(entity('container', 'app')?.key).toMatch(/^[0-9a-f]{64}$/)
      expect(records).toContainEqual(
        expect.objectContaining({
          relation: expect.objectContaining({ type: 'OWNS', from: { scope: 'lab', kind: 'workload', key: 'deploy-uid-1' } }),
        }),
      )
    }
  })

  it('never stores environment values or last-applied manifests', async () => {
    const annotated = shopObjects().map((object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"env":"hunter2hunter2"}' } },
    }))
    const { records } = await read(list(annotated))
    expect(JSON.stringify(records, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))).not.toContain(
      'hunter2hunter2',
    )
  })

  it('records a manifest as declared only: without a UID it came from no cluster', async () => {
    const { records } = await read(
      stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'web:1' }] } }),
    )
    expect(records[0]).toMatchObject({ entity: { properties: { declaredOnly: true } } })
  })

  it('keeps what it cannot read as dead letters, and skips kinds that are no inventory', async () => {
    const { dead, counts } = await read(
      list([
        { apiVersion: 'v1', kind: 'Pod', metadata: {} },
        { apiVersion: 'v1', metadata: { name: 'x' } },
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } },
      ]),
    )
    expect(counts).toMatchObject({ read: 2, skipped: 1, deadLetters: 2 })
    expect(dead.map((one) => one.reason)).toEqual(['this Pod has no metadata.name', 'not a Kubernetes object: it has no "kind"'])
    expect((await read('apiVersion: v1\nkind: Pod\nmetadata: {name: a\n  b: [')).dead[0]?.reason).toMatch(/not YAML/)
  })

  it('takes a list apart while it reads it, wherever its kind stands and however it is cut into chunks', async () => {
    const pod = (name: string) => ({
      metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels: { items: '[{"' } },
      spec: { containers: [] },
    })
    const kinds = { apiVersion: 'v1', kind: 'PodList' }
    const items = [pod('a'), pod('b\\"]}')]
    for (const text of [
      JSON.stringify({ ...kinds, metadata: { resourceVersion: '1', items: [1] }, items }),
      JSON.stringify({ items, ...kinds }),
      JSON.stringify({ items, ...kinds }, null, 4),
      `\ufeff ${JSON.stringify({ ...kinds, items: [items[0]] })}\n${JSON.stringify({ kind: 'Pod', ...items[1] })}`,
      JSON.stringify(items.map((item) => ({ apiVersion: 'v1', kind: 'Pod', ...item }))),
    ])
      for (const chunk of [1, 7, 64, 100_000]) {
        const { counts, records } = await read(text, chunk)
        expect(counts).toMatchObject({ read: 2, deadLetters: 0 })
        expect(records.flatMap((record) => (record.kind === 'entity' ? [record.entity.name] : []))).toEqual(['a', 'b\\"]}'])
      }
  })

  it('is recognised behind a byte order mark', async () => {
    for (const end of ['\n', '\r\n'])
      expect((await read(`\ufeffapiVersion: v1${end}kind: Pod${end}metadata: {name: a}${end}`)).counts).toMatchObject({
        format: 'kubernetes',
        read: 1,
      })
  })

  it('accounts for what is cut off, too large, no object or no JSON, and keeps none of its bytes', async () => {
    const good = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', uid: 'u' }, spec: { password: 'hunter2hunter2' } })
    const cut = await read(`{"apiVersion":"v1","items":[${good},${good.slice(0, -9)}`)
    expect(cut.counts).toMatchObject({ read: 2, deadLetters: 1 })
    expect(cut.dead[0]?.reason).toMatch(/cut off/)
    const odd = await read(`{"apiVersion":"v1","items":[${good}, 7, null, "x", [${good}]],"kind":"List"} and text`)
    expect(odd.dead.map((letter) => letter.reason.replace(/:.*/, ''))).toEqual([
      'an element of the list is not an object',
      'not a Kubernetes inventory document',
      'it is text, not JSON',
    ])
    for (const { bytes } of [...cut.dead, ...odd.dead]) expect(Buffer.from(bytes).toString()).toMatch(/^\[not kept/)
  })

  it('records the container before a restart until it ended, and those of kubectl debug', async () => {
    const [before, now, debug] = ['a', 'b', 'c'].map((digit) => digit.repeat(64))
    const lastState = { terminated: { containerID: `containerd://${before}`, finishedAt: '2026-08-01T10:00:00Z' } }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop', uid: 'uid-web', creationTimestamp: '2026-08-01T00:00:00Z' },
      spec: { containers: [{ name: 'app', image: 'web:1' }], ephemeralContainers: [{ name: 'debugger', image: 'busybox' }] },
      status: {
        phase: 'Running',
        containerStatuses: [{ name: 'app', containerID: `containerd://${now}`, lastState }],
        ephemeralContainerStatuses: [{ name: 'debugger', containerID: `containerd://${debug}` }],
      },
    }
    const { records } = await read(JSON.stringify(pod))
    const containers = records.flatMap((record) => (record.kind === 'entity' && record.entity.kind === 'container' ? [record.entity] : []))
    expect(containers.map(({ key, name, deletedNs }) => [key, name, deletedNs])).toEqual([
      [now, 'app', null],
      [before, 'app', 1_785_578_400_000_000_000n],
      [debug, 'debugger', null],
    ])
  })

  it('refuses names that no cluster accepts, rather than have the database refuse the whole dump', async () => {
    const { dead, counts } = await read(
      list([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x'.repeat(254), uid: 'u' } }, shopObjects()[6]]),
    )
    expect(counts).toMatchObject({ read: 2, deadLetters: 1 })
    expect(dead[0]?.reason).toMatch(/longer than 253/)
  })
})
