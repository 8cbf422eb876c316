/**
 * The Model Context Protocol's own conformance suite, offline: against `/mcp` as it is, and against a test build that adds the examples which the suite
 * asks for. docs/mcp-conformance.md says which scenario passes where, and is held to it.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorPrincipal } from '../../domain/principal.ts'
import { buildServer, type ServerParts } from '../../tools/server.ts'
import { asVisitor, type Listening, listening } from '../support/listening.ts'
import { type Check, failures, runSuite, scenarioNames, warnings } from '../support/mcp-conformance.ts'
import { addFixtures } from '../support/mcp-fixtures.ts'
import { sessions } from '../support/mcp-sessions.ts'
import { openSite, type Site } from '../support/site.ts'

type Row = { scenario: string; where: string; why: string }
const rows: Row[] = [...readFileSync('docs/mcp-conformance.md', 'utf8').matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]*) \|$/gm)].map(
  ([, scenario = '', where = '', why = '']) => ({ scenario, where: where.trim(), why: why.trim() }),
)

const testBuild = (): ReturnType<typeof buildServer> => {
  const context = { principal: operatorPrincipal, channel: 'mcp' } as unknown as ServerParts['context']
  const server = buildServer({ context, choice: {}, version: '0', failed: () => {} })
  addFixtures(server)
  return server
}

describe('the conformance suite of MCP', () => {
  let site: Site
  let servers: Listening[]
  let real: Map<string, Check[]>
  let built: Map<string, Check[]>
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z' })
    servers = await Promise.all([listening(asVisitor(site, site.people.viewer)), listening(sessions(testBuild))])
    const [one, other] = servers.map(({ port }) => runSuite(`http://localhost:${port}/mcp`))
    real = (await one) ?? new Map()
    built = (await other) ?? new Map()
  })
  afterAll(async () => {
    await Promise.all(servers.map(async (server) => server.close()))
    await site.close()
  })

  it('has the scenarios that the page lists, all run', async () => {
    expect(rows.map(({ scenario }) => scenario)).toEqual(await scenarioNames())
    expect([...real.keys()].sort()).toEqual(rows.map(({ scenario }) => scenario).sort())
    expect([...built.keys()].sort()).toEqual([...real.keys()].sort())
  })

  it.each(rows.filter(({ where }) => where === '/mcp').map((row) => [row.scenario, row] as const))('%s passes on /mcp', (scenario) => {
    expect(failures(real.get(scenario))).toEqual([])
    expect(warnings(real.get(scenario))).toEqual([])
  })

  it.each(rows.filter(({ where }) => where !== '/mcp').map((row) => [row.scenario, row] as const))(
    '%s passes on the test build, and needs it',
    (scenario, { where, why }) => {
      expect(where).toMatch(/^test build(?:, with warnings)?$/)
      expect(why.length).toBeGreaterThan(10)
      expect(failures(built.get(scenario))).toEqual([])
      expect(warnings(built.get(scenario)).length > 0).toBe(where.endsWith('with warnings'))
      // One that passes on /mcp as it is belongs there.
      expect([...failures(real.get(scenario)), ...warnings(real.get(scenario))]).not.toEqual([])
    },
  )
})
