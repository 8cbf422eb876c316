import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, readClient } from '../../clusters/client.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../clusters/simulated/server.ts'
import { shopObjects } from '../../test/support/shop.ts'
import type { NewRecord } from '../collector.ts'
import { watchInventory } from './watch.ts'

describe('watching inventory through the real client', () => {
  let cluster: SimulatedCluster
  let watch: { stop(): Promise<void> }
  const records: NewRecord[] = []
  let seen: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  const entities = (name: string) =>
    records.flatMap((record) =>
      record.kind === 'entity' && record.entity.kind === 'pod' && record.entity.name === name ? [record.entity] : [],
    )
  const until = async (met: () => boolean): Promise<void> => {
    for (let n = 0; n < 100 && !met(); n += 1)
      await new Promise((resume) => {
        setTimeout(resume, 50)
      })
  }

  beforeAll(async () => {
    cluster = await startSimulatedCluster({ file: ':memory:', seed: { objects: shopObjects() } })
    const kubeConfig = connect({ kubeconfig: cluster.kubeconfig('reader') })
    watch = await watchInventory({
      kubeConfig,
      read: readClient(kubeConfig),
      scope: 'lab',
      sourceId: '',
      retryMs: 50,
      sink: {
        now: () => BigInt(Date.now()) * 1_000_000n,
        store: async (given) => {
          records.push(...given)
        },
        complete: async (given) => {
          seen = given
        },
        failed: () => {},
      },
    })
  })
  afterAll(async () => {
    await watch.stop()
    await cluster.stop()
  })

  it('lists everything first and says what it saw', () => {
    expect(entities('checkout-7d9f-aaaaa')).toHaveLength(1)
    expect(seen.get('pod')).toEqual(new Set(['pod-uid-checkout-1', 'pod-uid-checkout-2', 'pod-uid-proxy']))
  })

  it('follows what is added, changed and deleted', async () => {
    cluster.store.create(
      'pods',
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'late', namespace: 'shop', uid: 'pod-late' }, spec: { containers: [] } },
      false,
    )
    await until(() => entities('late').length > 0)
    cluster.store.remove('pods', 'shop', 'late', {}, false)
    await until(() => entities('late').some((entity) => entity.deletedNs !== null))
    expect(entities('late').at(-1)?.deletedNs).not.toBeNull()
  })
})
