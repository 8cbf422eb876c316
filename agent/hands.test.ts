/** An analyst has the very tools an IDE has, over a transport within this process. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contextOf } from '../apps/server/mcp-reader.ts'
import { agentPrincipal } from '../domain/principal.ts'
import { openSite, type Site } from '../test/support/site.ts'
import { tools as catalog } from '../tools/catalog/registry.generated.ts'
import { connectHands, type Hands } from './hands.ts'

let site: Site
let hands: Hands
beforeAll(async () => {
  site = await openSite()
  hands = await connectHands({
    context: contextOf(site.falconer, { principal: agentPrincipal, channel: 'system' }),
    choice: {},
    version: '0',
    failed: (_tool, error) => {
      throw error
    },
  })
}, 60_000)
afterAll(async () => {
  await hands.close()
  await site.close()
})

test('it lists those that are listed to an IDE', async () => {
  const { tools } = await hands.client.listTools()
  expect(tools.map(({ name }) => name).toSorted()).toEqual(
    catalog
      .filter(({ listed }) => listed)
      .map(({ name }) => name)
      .toSorted(),
  )
})

test('it answers, and refuses in words of ours', async () => {
  const answered = await hands.call('list_incidents', {})
  expect(answered.isError).toBe(false)
  expect(answered.structured).toMatchObject({ incidents: [] })
  expect(await hands.call('get_incident', { incident: 'inc-0000000000' })).toMatchObject({ isError: true })
})
