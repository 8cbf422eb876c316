import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { shopObjects } from '../../test/support/shop.ts'
import type { NewRecord } from '../collector.ts'
import { type Batch, readInput } from '../read.ts'

const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
async function read(
  content: string,
): Promise<{ records: NewRecord[]; dead: Batch['deadLetters']; counts: Awaited<ReturnType<typeof readInput>> }> {
  const batches: Batch[] = []
  const counts = await readInput(
    (async function* () {
      yield Buffer.from(content)
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
})
