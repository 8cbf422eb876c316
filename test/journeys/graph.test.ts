/** Inventory from its arrival to the questions: what stands around a thing, what could be taken from it, how it could be reached. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addSource } from '../../apps/server/sources.ts'
import { GraphView } from '../../domain/graph-view.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { operator, openSite, type Site, type Visitor } from '../support/site.ts'

type Node = { id: string; title: string; depth: number }

describe('the graph', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-20T12:00:00Z', shop: true })
  })
  afterAll(async () => site.close())

  const read = async (path: string, status = 200): Promise<Record<string, unknown>> => {
    const answer = await site.ask(`/api/v1/graph${path}`, { as: { token: site.people.viewer.token } })
    expect(answer.status, path).toBe(status)
    return (await answer.json()) as Record<string, unknown>
  }
  const titles = (answer: Record<string, unknown>): string[] => (answer.nodes as Node[]).map(({ title }) => title)

  it('finds a node by the names people use, and says who else may be meant', async () => {
    for (const name of ['deployment/shop/checkout', 'deploy/checkout', 'workload/shop/checkout'])
      expect(titles(await read(`/neighbours?node=${name}`))[0], name).toBe('Deployment shop/checkout')
    expect(JSON.stringify(await read('/neighbours?node=shop/nobody', 404))).toMatch(/kind\/namespace\/name/)
    expect(JSON.stringify(await read('/neighbours?node=checkout', 400))).toMatch(/may be \d+ \(/)
  })

  it('tells relations with their witnesses and since when they are known', async () => {
    const around = await read('/neighbours?node=deployment/shop/checkout&depth=3')
    expect(titles(around)).toEqual(expect.arrayContaining(['Node node-1', 'Namespace shop']))
    expect(around.relations).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'OWNS', witnesses: [expect.any(String)] })]))
    expect(around.freshness).toMatch(/Inventory: .* as last observed at/)
    expect(titles(await read('/neighbours?node=deployment/shop/checkout&depth=3&asOf=2020-01-01'))).toEqual(['Deployment shop/checkout'])
  })

  it('tells how a place is exposed and what it may do, with the fields that show it', async () => {
    const told = await read('/facts?node=deployment/shop/checkout')
    expect(told.place).toMatchObject({ title: 'Deployment shop/checkout' })
    expect(told.facts).toContainEqual(
      expect.objectContaining({ code: 'not_scanned', evidence: [expect.objectContaining({ path: expect.any(String) })] }),
    )
    expect(JSON.stringify(await read('/facts?node=namespace/shop', 400))).toMatch(/told of pods/)
  })

  it('is drawn around a node, and around an incident with what its alerts saw', async () => {
    const around = await read('/view?node=deployment/shop/checkout')
    expect(around).toMatchObject({ title: 'Around Deployment shop/checkout', asOf: null, more: 0 })
    await site.ingest(JSON.stringify(alertOfShop({ time: '2026-11-20T11:59:00Z' })))
    await site.settle()
    const [incident] = ((await (await site.ask('/api/v1/incidents', { as: site.people.viewer })).json()) as { incidents: { id: string }[] })
      .incidents
    const view = GraphView.parse(await read(`/view?incident=${incident?.id}`))
    expect(view.nodes.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['process', 'endpoint', 'pod', 'container']))
    expect(view.edges).toContainEqual(expect.objectContaining({ type: 'EXECUTED', kind: 'alert', title: 'executed' }))
    expect(await read('/view', 400)).toMatchObject({ detail: expect.stringMatching(/either a node or an incident/) })
  })

  it('forgets what a source said, and only that, when an administrator says so', async () => {
    const manifest = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: mistaken}\n'
    const { secret } = await addSource(site.falconer, operator, { name: 'wrong', collector: 'kubernetes', scope: 'lab' })
    expect((await site.ask(`/ingest/kubernetes/${secret}`, { method: 'POST', body: manifest })).status).toBe(200)
    expect(titles(await read('/neighbours?node=namespace/mistaken'))).toEqual(['Namespace mistaken'])
    const forget = (as: Visitor) => site.ask('/api/v1/sources/wrong/forget', { method: 'POST', as: { token: as.token }, json: {} })
    expect((await forget(site.people.responder)).status).toBe(403)
    expect(await (await forget(site.people.administrator)).json()).toMatchObject({ entities: 1, relations: 0 })
    await read('/neighbours?node=namespace/mistaken', 404)
    expect(titles(await read('/neighbours?node=namespace/shop'))[0]).toBe('Namespace shop')
  })

  it('knows no path in a cluster of which nothing was reported, and refuses a goal that is none', async () => {
    expect(await read('/paths?cluster=elsewhere&goal=cloud')).toMatchObject({ paths: [] })
    expect(JSON.stringify(await read('/paths?goal=moon', 400))).toMatch(/goal/)
  })
})
