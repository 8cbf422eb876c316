import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PlannedRequest } from '../../domain/proposal.ts'
import { podUid, shopObjects } from '../../test/support/shop.ts'
import { connect, identify, readClient } from '../client.ts'
import { KubernetesApiError } from '../contract.ts'
import { dryRunClient, writeClient } from '../write-client.ts'
import { type SimulatedCluster, startSimulatedCluster } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'falconer-cluster-'))
const tokens = { admin: 'a', reader: 'r', executor: 'e' }
const label = (uid: string): PlannedRequest => ({
  verb: 'patch',
  resource: 'pods',
  namespace: 'shop',
  name: 'checkout-7d9f-aaaaa',
  body: { metadata: { uid, labels: { x: '1' } } },
})
const status = async (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => 200,
    (error: unknown) => (error as KubernetesApiError).status,
  )

describe('the simulated cluster under the real client', () => {
  let cluster: SimulatedCluster
  const start = () => startSimulatedCluster({ file: join(folder, 'cluster.sqlite'), seed: { objects: shopObjects() }, tokens })
  beforeAll(async () => {
    cluster = await start()
  })
  afterAll(async () => {
    await cluster.stop()
    rmSync(folder, { recursive: true })
  })
  const as = (who: 'admin' | 'reader' | 'executor') => connect({ kubeconfig: cluster.kubeconfig(who) })

  it('says that it is simulated, and which cluster it is', async () => {
    expect(await identify(as('reader'))).toEqual({ clusterId: 'cluster-uid-1', simulated: true, version: 'v1.34.0+simulated' })
  })

  it('keeps preconditions, conflicts, rights and dry runs', async () => {
    const write = writeClient(as('executor'))
    expect(await status(write.send(label('another')))).toBe(409)
    expect(await status(writeClient(as('reader')).send(label(podUid)))).toBe(403)
    expect(
      await status(writeClient(connect({ kubeconfig: cluster.kubeconfig('reader').replace('"r"', '"nobody"') })).send(label(podUid))),
    ).toBe(401)
    expect(await status(write.send({ verb: 'delete', resource: 'nodes', namespace: null, name: 'node-1', body: null }))).toBe(403)
    await dryRunClient(write).send(label(podUid))
    expect((await readClient(as('reader')).get('pods', 'shop', 'checkout-7d9f-aaaaa'))?.metadata.labels).toEqual({ app: 'checkout' })
    await write.send(label(podUid))
    expect((await readClient(as('reader')).get('pods', 'shop', 'checkout-7d9f-aaaaa'))?.metadata.labels).toEqual({
      app: 'checkout',
      x: '1',
    })
  })

  it('starts a new pod for a deleted one, and keeps everything over a restart', async () => {
    await writeClient(as('executor')).send({
      verb: 'delete',
      resource: 'pods',
      namespace: 'shop',
      name: 'checkout-7d9f-bbbbb',
      body: { preconditions: { uid: 'pod-uid-checkout-2' } },
    })
    const before = await readClient(as('reader')).list('pods', 'shop', { labelSelector: 'app=checkout' })
    expect(before).toHaveLength(2)
    await cluster.stop()
    cluster = await start()
    expect(
      (await readClient(as('reader')).list('pods', 'shop', { labelSelector: 'app=checkout' })).map((pod) => pod.metadata.uid).sort(),
    ).toEqual(before.map((pod) => pod.metadata.uid).sort())
  })

  it('names are only ever names: nothing in one reaches another path', async () => {
    for (const name of ['../../nodes/node-1', 'a?dryRun=All', 'a%2f..', '-rf', ';ls', 'a\nb'])
      expect(await readClient(as('admin')).get('pods', 'shop', name)).toBeNull()
  })
})
