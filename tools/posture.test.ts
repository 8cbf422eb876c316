/** The posture tools over what scanners say: what they tell, what they do not claim, and what it costs to read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addSource } from '../apps/server/sources.ts'
import { kevCatalogue, posturePod, scanOf } from '../test/support/tool-posture.ts'
import { alertOfShop } from '../test/support/shop-alert.ts'
import { operator, openSite, type Site } from '../test/support/site.ts'
import { type Answer, callTool, toolContext } from '../test/support/tool-call.ts'
import { getCoverageTool } from './catalog/get-coverage.ts'
import { getFindingTool } from './catalog/get-finding.ts'
import { listFindingsTool } from './catalog/list-findings.ts'
import { getEntityTool } from './catalog/get-entity.ts'
import { whatToFixFirstTool } from './catalog/what-to-fix-first.ts'
import type { Tool } from './tool.ts'

const budget = 6_000

describe('posture tools', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z' })
  })
  afterAll(async () => site.close())
  const call = async (tool: Tool, input: Record<string, unknown> = {}): Promise<Answer> => callTool(tool, await toolContext(site), input)
  const send = async (collector: string, body: string): Promise<void> => {
    const { secret } = await addSource(site.falconer, operator, { name: `${collector}-${Math.random()}`, collector, scope: 'lab' })
    expect(await (await site.ask(`/ingest/${collector}/${secret}`, { method: 'POST', body })).json()).toMatchObject({ deadLetters: 0 })
  }

  it('claim nothing before anything was looked at', async () => {
    expect((await call(listFindingsTool)).output).toMatchObject({
      findings: [],
      more: null,
      freshness: expect.stringMatching(/No scanner has reported/),
    })
    expect((await call(whatToFixFirstTool)).output).toMatchObject({ fixes: [], freshness: expect.stringMatching(/nothing is known/) })
    expect((await call(getCoverageTool)).output).toMatchObject({
      counts: expect.arrayContaining([{ kind: 'scan', total: 0, withGaps: 0 }]),
      inventory: [],
    })
  })

  it('tell a large store within their budget, and page through it without a gap', async () => {
    for (const name of ['pay', 'web', 'batch']) await send('trivy', scanOf(name, 150))
    await send('kev', kevCatalogue('CVE-2026-1000'))
    await send('kubernetes', posturePod('pay'))
    await site.ingest(JSON.stringify(alertOfShop({}, { 'container.id': 'c0ffee', 'k8s.pod.name': 'pay-1', 'k8s.ns.name': 'shop' })))
    await site.settle()
    for (const [tool, input] of [
      [listFindingsTool, {}],
      [listFindingsTool, { status: 'any', limit: 50 }],
      [whatToFixFirstTool, {}],
      [whatToFixFirstTool, { limit: 50 }],
      [getCoverageTool, {}],
    ] as const)
      expect((await call(tool, input)).bytes, `${tool.name} ${JSON.stringify(input)}`).toBeLessThan(budget)
    const seen = new Set<string>()
    let cursor: string | undefined
    do {
      const { output } = await call(listFindingsTool, { package: 'logger', limit: 50, ...(cursor === undefined ? {} : { cursor }) })
      for (const { id } of output.findings) seen.add(id)
      expect(output.more === null).toBe(output.next === null)
      cursor = output.next ?? undefined
    } while (cursor !== undefined)
    expect(seen.size).toBe(450)
  })

  it('tell one finding with who says so, the lists and their dates, its use and its fix', async () => {
    const { output: list } = await call(listFindingsTool, { check: '⟪CVE-2026-1000⟫', resource: 'pay' })
    expect(list.findings).toHaveLength(1)
    const { output, bytes, text } = await call(getFindingTool, { finding: list.findings[0].id })
    expect(bytes).toBeLessThan(budget)
    expect(output).toMatchObject({
      finding: { status: 'open', check: '⟪CVE-2026-1000⟫', use: expect.stringMatching(/not observed since|never watched/) },
      witnesses: [{ scanner: expect.stringMatching(/trivy/), fixedIn: ['⟪2.0⟫'] }],
      lists: [{ cve: 'CVE-2026-1000', kev: { listed: true, asOf: '⟪2026.11.20⟫', since: '⟪2021-12-10⟫', ransomware: true }, epss: null }],
      fix: { title: expect.stringMatching(/Update logger in shop\/pay:1/) },
      page: expect.stringMatching(/\/findings\/[0-9a-f-]{36}$/),
    })
    expect(text).not.toContain('ignore all\u202e')
    const other = (await call(listFindingsTool, { check: 'CVE-2026-1001', resource: 'pay' })).output.findings[0].id
    expect((await call(getFindingTool, { finding: other })).output.lists[0].kev).toMatchObject({ listed: false, asOf: '⟪2026.11.20⟫' })
    expect((await call(getFindingTool, { finding: other, detail: 'full' })).output).toMatchObject({ resourceKeys: expect.any(Array) })
  })

  it('tell of a pod what its images have', async () => {
    const { output } = await call(getEntityTool, { entity: 'pod/shop/pay-1' })
    expect(output.images).toMatchObject([{ open: 150, worst: expect.stringMatching(/^⟪high: CVE-2026-1/) }])
    expect(output.findings).toEqual({ open: 0, worst: [] })
  })

  it('rank what to fix with codes of why, for an incident too', async () => {
    const { output } = await call(whatToFixFirstTool, { namespace: 'shop' })
    expect(output.fixes[0]).toMatchObject({
      change: expect.stringContaining('logger'),
      reasons: expect.arrayContaining([expect.stringMatching(/^kev_listed ×/)]),
    })
    expect(output.freshness).toContain('It stands on scans of')
    expect((await call(whatToFixFirstTool, { detail: 'full' })).output.fixes[0].why.length).toBeGreaterThan(2)
    await expect(call(whatToFixFirstTool, { incident: 'inc-0000000000' })).rejects.toThrow(/no such incident/)
  })

  it('tell gaps first', async () => {
    site.clock.advance(10 * 24 * 3_600_000)
    const { output } = await call(getCoverageTool)
    expect(output.looked[0].gaps.length).toBeGreaterThan(0)
    expect(output.counts).toContainEqual({ kind: 'scan', total: 3, withGaps: 3 })
    expect((await call(getCoverageTool, { kind: 'scan', onlyGaps: true })).output.looked).toHaveLength(3)
  })

  it('refuse what they cannot use with what to do', async () => {
    await expect(call(listFindingsTool, { cursor: 'nonsense' })).rejects.toThrow(/Leave it out/)
    await expect(call(whatToFixFirstTool, { cursor: 'nonsense' })).rejects.toThrow(/Leave it out/)
    await expect(call(getFindingTool, { finding: 'nonsense' })).rejects.toThrow(/list_findings/)
    await expect(call(listFindingsTool, { severity: 'terrible' })).rejects.toThrow(/critical/)
  })
})
