/** What lasts on a connection: watching resources, sessions of clients of 2025, asking the person, stopping a question. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { sessionLimits } from '../../apps/server/mcp-sessions.ts'
import { McpServing } from '../../apps/server/mcp-serving.ts'
import { decide } from '../../incidents/decide.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { shortId } from '../../domain/ids.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import { clientOf2025, clientOf2026, type Served, serveSite } from '../support/mcp.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site } from '../support/site.ts'

const waited = async (what: () => boolean, ms = 8_000): Promise<boolean> => {
  for (const end = Date.now() + ms; Date.now() < end && !what();) await new Promise((resolve) => setTimeout(resolve, 25))
  return what()
}

describe('MCP connections that last', () => {
  let site: Site
  let served: Served
  let ids: string[]
  const token = () => site.people.viewer.token
  const note = async (id: string, text: string): Promise<void> => {
    await decide(
      site.db,
      site.clock,
      operatorPrincipal,
      'cli',
      { kind: 'state', incident: id, state: text === 'open' ? 'open' : 'contained' },
      '',
    )
    site.falconer.changed('incidents')
  }
  const address = (id: string) => `falconer://incident/${shortId('incident', id)}`

  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z', shop: true })
    for (const pod of ['a', 'b']) {
      const alert = { rule: 'Terminal shell in container', tags: ['T1059'], hostname: `node-${pod}` }
      const fields = {
        'container.id': pod.repeat(12),
        'k8s.pod.name': `checkout-${pod}`,
        'k8s.ns.name': 'shop',
        'proc.name': 'sh',
        'fd.sip': null,
      }
      await site.ingest(JSON.stringify(alertOfShop(alert, fields)))
    }
    await site.settle()
    ids = (await listIncidents(site.db, {}, { limit: 5 })).incidents.map(({ id }) => id)
    served = await serveSite(site)
  })
  afterAll(async () => {
    await served.close()
    await site.close()
  })

  it('tells a client of 2026 which watched resource changed, and of no other', async () => {
    const client = await clientOf2026(served.url, token())
    const told: string[] = []
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri))
    const [first = '', second = ''] = ids
    const listening = await client.listen({ resourceSubscriptions: [address(first), 'falconer://nothing/x'] })
    await note(second, 'contained')
    await note(first, 'contained')
    expect(await waited(() => told.length > 0)).toBe(true)
    expect(told).toEqual([address(first)])
    await listening.close()
    await client.close()
  })

  it('keeps as many streams of one token as it says, however many are asked for at once, and gives a place again', async () => {
    const client = await clientOf2026(served.url, token())
    const open = () => client.listen({ resourceSubscriptions: [address(ids[0] ?? '')] })
    const opened = (await Promise.allSettled(Array.from({ length: 40 }, open))).flatMap((one) =>
      one.status === 'fulfilled' ? [one.value] : [],
    )
    expect(opened).toHaveLength(16)
    await expect(open()).rejects.toThrow(/too many open subscriptions/i)
    await opened[0]?.close()
    let again: Awaited<ReturnType<typeof open>> | undefined
    for (let tries = 0; tries < 100 && again === undefined; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25))
      again = await open().catch(() => undefined)
    }
    expect(again).toBeDefined()
    await client.close()
  })

  it('tells a client of 2025 in its session, until it unsubscribes', async () => {
    const { client } = await clientOf2025(served.url, token())
    const told: string[] = []
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void told.push(params.uri))
    const [first = ''] = ids
    await client.subscribeResource({ uri: address(first) })
    await note(first, 'open')
    expect(await waited(() => told.length > 0)).toBe(true)
    expect(told).toEqual([address(first)])
    await client.unsubscribeResource({ uri: address(first) })
    await note(first, 'contained')
    expect(await waited(() => told.length > 1, 800)).toBe(false)
    await expect(client.subscribeResource({ uri: 'falconer://nothing/x' })).rejects.toThrow(/nothing to watch/)
    await client.close()
  })

  it('watches nothing of toolsets that were not chosen', async () => {
    const url = new URL(`${served.url.href}?toolsets=posture`)
    const { client } = await clientOf2025(url, token())
    await expect(client.subscribeResource({ uri: address(ids[0] ?? '') })).rejects.toThrow(/nothing to watch/)
    await client.close()
    const other = await clientOf2026(url, token())
    const told: string[] = []
    other.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri))
    await other.listen({ resourceSubscriptions: [address(ids[0] ?? '')] }).catch(() => undefined)
    await note(ids[0] ?? '', 'open')
    expect(await waited(() => told.length > 0, 800)).toBe(false)
    await other.close()
  })

  it('gives a session to nobody but the token that opened it', async () => {
    const { client, transport } = await clientOf2025(served.url, token())
    const ask = (bearer: string, session: string) =>
      fetch(served.url, {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${bearer}`,
          'mcp-session-id': session,
        },
      })
    const session = transport.sessionId ?? ''
    expect((await ask(token(), session)).status).toBe(200)
    expect((await ask(site.people.administrator.token, session)).status).toBe(404)
    expect((await ask(token(), crypto.randomUUID())).status).toBe(404)
    await transport.terminateSession()
    expect((await ask(token(), session)).status).toBe(404)
    await client.close()
  })

  /** Requests to a serving of its own, as the viewer's; each ends its answer's stream. */
  function servingAlone(): {
    serving: McpServing
    post(message: object, session?: string | null): Promise<Response>
    begin(): Promise<string | null>
  } {
    const serving = new McpServing(site.falconer)
    const { viewer } = site.people
    const reader = { principal: viewer.actor.principal, channel: 'mcp', choice: {} }
    const auth = { token: '', clientId: viewer.id, scopes: [], extra: { reader } }
    const post = async (message: object, session?: string | null): Promise<Response> => {
      const body = { jsonrpc: '2.0', id: 1, ...message }
      const request = new Request('http://localhost/mcp', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(session == null ? {} : { 'mcp-session-id': session }),
        },
      })
      const answer = await serving.answer({ request, body, auth, mayStill: async () => true })
      await answer.text()
      return answer
    }
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    return { serving, post, begin: async () => (await post({ method: 'initialize', params })).headers.get('mcp-session-id') }
  }

  it('holds once what a session asks for twice at once', async () => {
    const { serving, post, begin } = servingAlone()
    const hold = serving.watched.hold.bind(serving.watched)
    let [asked, held] = [0, 0]
    serving.watched.hold = async (...what) => {
      asked += 1
      const letGo = await hold(...what)
      held += 1
      return () => {
        held -= 1
        letGo?.()
      }
    }
    const session = await begin()
    const params = { uri: address(ids[0] ?? '') }
    await Promise.all([1, 2].map((id) => post({ id, method: 'resources/subscribe', params }, session)))
    expect([asked, held]).toEqual([2, 1])
    await post({ id: 3, method: 'resources/unsubscribe', params }, session)
    expect(held).toBe(0)
    await serving.close()
  })

  it('keeps few sessions, and none that nobody uses', async () => {
    const { serving, begin } = servingAlone()
    expect(await begin()).toMatch(/^[0-9a-f-]{36}$/)
    for (let at = 0; at < sessionLimits.each + 5; at += 1) await begin()
    expect(serving.sessions.size).toBe(sessionLimits.each)
    await serving.sessions.sweep()
    expect(serving.sessions.size).toBe(sessionLimits.each)
    site.clock.advance(sessionLimits.idleMs + 1)
    await serving.sessions.sweep()
    expect(serving.sessions.size).toBe(0)
    await serving.close()
  })

  const named = { name: 'find_similar_incidents', arguments: { incident: 'shell' } }
  const url = () => new URL(`${served.url.href}?toolsets=incidents`)
  const chosen = () => shortId('incident', ids[1] ?? '')

  it('asks the person which incident is meant, at clients of both generations', async () => {
    const modern = await clientOf2026(url(), token(), { elicitation: {} })
    const asked: string[] = []
    modern.setRequestHandler('elicitation/create', async ({ params }) => {
      asked.push(params.message)
      return { action: 'accept', content: { incident: chosen() } }
    })
    expect((await modern.callTool(named)).structuredContent).toMatchObject({ incident: chosen() })
    await modern.close()
    const { client } = await clientOf2025(url(), token(), { elicitation: {} })
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      asked.push(params.message)
      return { action: 'accept', content: { incident: chosen() } }
    })
    expect((await client.callTool(named)).structuredContent).toMatchObject({ incident: chosen() })
    await client.close()
    expect(asked).toHaveLength(2)
    for (const message of asked) expect(message).toMatch(/Several incidents.*⟪/s)
  })

  it('says what fits where the client cannot ask, and where the person would not say', async () => {
    const plain = await clientOf2026(url(), token())
    const { client: old } = await clientOf2025(url(), token())
    const declining = await clientOf2026(url(), token(), { elicitation: {} })
    declining.setRequestHandler('elicitation/create', async () => ({ action: 'decline' }))
    for (const client of [plain, old as never as typeof plain, declining]) {
      const answer = await client.callTool(named)
      expect(answer.isError).toBe(true)
      for (const id of ids) expect(JSON.stringify(answer.content)).toContain(shortId('incident', id))
      await client.close()
    }
  })

  it('asks for the reason of a proposal that has none, and writes nothing without', async () => {
    const entity = String((await site.db.query(sql<{ id: bigint }>`select id from entities where kind = 'pod' order by id limit 1`))[0]?.id)
    const call = { name: 'propose_action', arguments: { action: 'kubernetes.isolate_pod', entity } }
    const { token: able } = site.people.investigator
    const plain = await clientOf2026(served.url, able)
    expect(JSON.stringify((await plain.callTool(call)).content)).toContain('Give a reason')
    await plain.close()
    const { client } = await clientOf2025(served.url, able, { elicitation: {} })
    const before = (await listProposals(site.db, {}, 100)).length
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { reason: '  ' } }))
    expect((await client.callTool(call)).isError).toBe(true)
    expect((await listProposals(site.db, {}, 100)).length).toBe(before)
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { reason: 'Seen by a person.' } }))
    await client.callTool(call)
    const made = await listProposals(site.db, {}, 100)
    expect(made.map(({ reason, action }) => [action, reason])).toContainEqual(['kubernetes.isolate_pod', 'Seen by a person.'])
    await client.close()
  })

  it('finds what is alike, says what is shared, and how far it is', async () => {
    const client = await clientOf2026(url(), token())
    const steps: number[] = []
    const answer = await client.callTool(
      { name: 'find_similar_incidents', arguments: { incident: shortId('incident', ids[0] ?? '') } },
      { onprogress: ({ progress }) => void steps.push(progress) },
    )
    expect(answer.structuredContent).toMatchObject({
      compared: ids.length - 1,
      similar: [{ id: chosen(), shared: { rules: ['⟪Terminal shell in container⟫'], techniques: ['T1059'], processes: ['⟪sh⟫'] } }],
    })
    expect(steps).toEqual([0, 1])
    await client.close()
  })
})
