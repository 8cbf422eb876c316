import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, readClient } from '../../clusters/client.ts'
import type { KubernetesJson, ReadClient } from '../../clusters/contract.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../clusters/simulated/server.ts'
import { shopObjects } from '../../test/support/shop.ts'
import type { NewRecord } from '../collector.ts'
import { watchedKinds, watchedResources, watchInventory } from './watch.ts'

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

  it('follows who may do what and how traffic goes, and asks for no right on Secrets: unseen, they are not gone', () => {
    expect(seen.get('service')).toEqual(new Set(['shop/Service/checkout']))
    expect(watchedResources).toEqual(expect.arrayContaining(['ingresses.networking.k8s.io', 'rolebindings.rbac.authorization.k8s.io']))
    expect(watchedResources.filter((resource) => resource.includes('secret'))).toEqual([])
    expect([...watchedKinds]).toEqual(expect.arrayContaining(['pod', 'container', 'role', 'role_binding', 'ingress']))
    expect(['secret', 'image', 'identity', 'cloud_resource'].filter((kind) => (watchedKinds as ReadonlySet<string>).has(kind))).toEqual([])
  })

  const failing = async (
    read: Partial<ReadClient>,
    store: (records: NewRecord[]) => Promise<void>,
  ): Promise<{ watch: Promise<{ stop(): Promise<void> }>; completed: () => number; failed: string[] }> => {
    const kubeConfig = connect({ kubeconfig: cluster.kubeconfig('reader') })
    const failed: string[] = []
    let completed = 0
    const sink = {
      store,
      now: () => 1n,
      complete: async () => {
        completed += 1
      },
      failed: (what: string) => {
        failed.push(what)
      },
    }
    const options = { kubeConfig, read: { ...readClient(kubeConfig), ...read }, scope: 'lab', sourceId: '', retryMs: 20, sink }
    return { watch: watchInventory(options), completed: () => completed, failed }
  }

  it('takes nothing for gone when a list is refused or cannot be stored', async () => {
    const { listAt } = readClient(connect({ kubeconfig: cluster.kubeconfig('reader') }))
    const refusing = await failing(
      {
        listAt: async (resource) => {
          if (resource === 'pods') throw new Error('forbidden')
          return listAt(resource)
        },
      },
      async () => {},
    )
    await expect(refusing.watch).rejects.toThrow('forbidden')
    expect(refusing.completed()).toBe(0)
    const full = await failing({}, async () => {
      throw new Error('disk full')
    })
    await expect(full.watch).rejects.toThrow('disk full')
    expect(full.completed()).toBe(0)
  })

  it('tries again what could not be stored, in its order', async () => {
    const stored: string[] = []
    let broken = false
    const { watch: started, failed } = await failing({}, async (given) => {
      if (broken) throw new Error('the database is away')
      stored.push(...given.flatMap((record) => (record.kind === 'entity' && record.entity.kind === 'pod' ? [record.entity.name] : [])))
    })
    const other = await started
    broken = true
    const pod = (name: string): KubernetesJson => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop', uid: `uid-${name}` },
      spec: { containers: [] },
    })
    cluster.store.create('pods', pod('first'), false)
    await until(() => failed.includes('store'))
    cluster.store.create('pods', pod('second'), false)
    broken = false
    await until(() => stored.includes('second'))
    expect(stored.indexOf('first')).toBeGreaterThan(0)
    expect(stored.indexOf('second')).toBeGreaterThan(stored.indexOf('first'))
    await other.stop()
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
