/** The images of a place, from the workload, the pod and the container alike, and of nothing else. */
import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { eachDatabase } from '../test/support/database.ts'
import { recordInventory } from '../test/support/shop.ts'
import { imagesIn } from './findings-at.ts'
import { nodesNamed } from './graph-nodes.ts'

eachDatabase('images in a place', (database) => {
  it('are those its containers use', async () => {
    await recordInventory(database(), new FixedClock('2026-11-23T12:00:00Z'), 'lab')
    const of = async (name: string): Promise<string[]> => {
      const [node] = await nodesNamed(database(), name, { limit: 1 })
      return (await imagesIn(database(), node?.id ?? 0n, 10)).map((image) => image.name)
    }
    const [own] = await of('deployment/shop/checkout')
    expect(own).toContain('checkout')
    expect(await of('pod/shop/checkout-7d9f-aaaaa')).toEqual([own])
    expect(await of('node/node-1')).toEqual([])
    expect(await imagesIn(database(), 999_999n, 10)).toEqual([])
  })
})
