/**
 * Every route asked with what nobody means: odd ids, queries, bodies, content types, sizes, methods. The answer may refuse;
 * it is never a fault of ours (500), and never comes without the security headers.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../apps/server/api/api.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import { type Asked, openSite, type Site } from '../support/site.ts'
import { cases, full, property, seed } from '../support/sizes.ts'

const oddParams = [
  '0',
  '-1',
  '99999999999999999999',
  '-'.repeat(36),
  'f'.repeat(36),
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '00000000-0000-0000-0000-000000000000',
  'inc-0000000000',
  'prp-zzzzzzzzzz',
  "'; drop table users; --",
  '..%2f..%2fetc%2fpasswd',
  '%E0%A4%A',
  '%00',
  'a%00b',
  '%F0%9F%92%A9',
  '␛0',
  '__proto__',
  'constructor',
  'x'.repeat(5_000),
  '{}',
  '%25s%25n',
  '\u202eadmin',
]
const oddValues = [
  ...oddParams,
  '',
  'NaN',
  'Infinity',
  '1e309',
  '9223372036854775808',
  '-9223372036854775809',
  '5_9999999999999999999_ffffffff-ffff-ffff-ffff-ffffffffffff',
  '1_1_------------------------------------',
  'true',
  '[]',
]
const queryNames = [
  'cursor',
  'limit',
  'before',
  'after',
  'kind',
  'scope',
  'state',
  'severity',
  'incident',
  'show',
  'verify',
  'seq',
  'hash',
  'subject',
  'namespace',
  'next',
  'path',
  'format',
]
const pageQueries = ['cursor', 'show', 'kind', 'after', 'before', 'verify', 'next']
const fieldNames = [
  '_csrf',
  'do',
  'reason',
  'from',
  'alert',
  'action',
  'entityId',
  'param:replicas',
  'param:__proto__',
  'planHash',
  'shown',
  'name',
  'role',
  'collector',
  'scope',
  'days',
  'id',
]

const oddJson = fc.oneof(
  fc.json({ maxDepth: 4, stringUnit: 'binary' }),
  fc.constantFrom(
    '',
    'null',
    '[]',
    '"x"',
    '0',
    '{',
    '{"__proto__":{"role":"administrator"}}',
    '{"response":{}}',
    '{"response":null}',
    '{"response":{"id":1}}',
    '{"response":{"id":"x","rawId":"x","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"","signature":"","attestationObject":""}}}',
    '{"name":"\\u0000"}',
    '[['.repeat(20_000),
  ),
  fc
    .record(
      {
        kind: fc.constantFrom('merge', 'split', 'state', 'verdict', 'note', 'x'),
        alerts: fc.array(fc.constantFrom(...oddValues), { maxLength: 3 }),
        from: fc.constantFrom(...oddValues),
        state: fc.constantFrom('open', 'closed', 'x'),
        verdict: fc.constantFrom('benign', 'x'),
        text: fc.string({ unit: 'binary', maxLength: 50 }),
        reason: fc.string({ unit: 'binary', maxLength: 50 }),
        name: fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom(...oddValues)),
        role: fc.constantFrom('viewer', 'administrator', 'root'),
        collector: fc.constantFrom('falco', 'kubernetes', '__proto__'),
        scope: fc.string({ unit: 'binary', maxLength: 120 }),
        days: fc.oneof(fc.double(), fc.integer()),
        action: fc.constantFrom('kubernetes.isolate_pod', 'kubernetes.scale_workload', 'constructor', '__proto__', ''),
        entityId: fc.constantFrom('1', '2', '3', '4', '5', '6', ...oddValues),
        params: fc.object({ maxDepth: 2 }),
        planHash: fc.constantFrom(...oddValues),
        incident: fc.constantFrom(...oddValues),
        user: fc.constantFrom(...oddValues),
        disabled: fc.anything(),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value) ?? ''),
)

const contentTypes = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/octet-stream',
  '',
  'garbage;;;',
]

describe('every route, asked oddly', () => {
  let site: Site
  let known: string[]
  beforeAll(async () => {
    site = await openSite({ shop: true })
    await site.ingest(JSON.stringify(alert))
    await site.settle()
    const incidents = (await listIncidents(site.db, {}, { limit: 5 })).incidents.map((one) => one.id)
    const proposals = (await listProposals(site.db, {}, 5)).map((one) => one.id)
    expect(incidents.length).toBe(1)
    known = [...incidents, ...proposals, '1', '5']
  })
  afterAll(async () => site.close())

  const routes = [
    ...operations.map(({ method, path, query }) => ({
      method: method as string,
      path: `/api/v1${path}`,
      query: Object.keys(query?.shape ?? {}),
    })),
    ...webRoutes.map(({ method, path }) => ({ method: method as string, path, query: method === 'GET' ? pageQueries : [] })),
    { method: 'POST', path: '/ingest/:collector/:secret', query: [] as string[] },
    { method: 'GET', path: '/assets/:version/:name', query: [] as string[] },
    { method: 'GET', path: '/nowhere/:at', query: [] as string[] },
  ].filter(({ path }) => path !== '/sign-out')
  const route = fc.constantFrom(...routes)
  const param = fc.oneof(
    fc.constantFrom(...oddParams),
    fc.nat().map((at) => known[at % known.length] ?? ''),
    fc.string({ unit: 'binary', maxLength: 40 }).map(encodeSafely),
  )
  const query = fc.dictionary(
    fc.constantFrom(...queryNames),
    fc.oneof(fc.constantFrom(...oddValues), fc.string({ unit: 'binary', maxLength: 20 }).map(encodeSafely)),
    { maxKeys: 4 },
  )
  const fields = fc.dictionary(
    fc.constantFrom(...fieldNames),
    fc.oneof(
      fc.constantFrom(...oddValues, 'approve', 'note', 'state:x', 'split', 'merge', 'kubernetes.isolate_pod', '1'),
      fc.string({ unit: 'binary', maxLength: 30 }),
    ),
    { maxKeys: 6 },
  )

  const checked = async (path: string, asked: Asked, told: string): Promise<void> => {
    const answer = await site.ask(path, asked)
    if (answer.status >= 500) expect.fail(`${told} answered ${answer.status}: ${await answer.text()}\n${site.logged.slice(-1).join('')}`)
    expect(answer.headers.get('content-security-policy'), told).toContain("default-src 'none'")
    expect(answer.headers.get('x-content-type-options'), told).toBe('nosniff')
    await answer.body?.cancel()
  }
  const placed = (path: string, given: readonly string[]): string => {
    let at = 0
    return path.replace(/:\w+/g, () => given[at++ % given.length] ?? 'x')
  }
  const as = fc.constantFrom('administrator', 'viewer', 'token', 'nobody')
  const holder = (who: string): Asked['as'] =>
    who === 'nobody' ? null : who === 'token' ? { token: site.people.administrator.token } : site.people[who as 'viewer']

  it(`answers every odd id in an address, and every odd value in a query${full ? '' : ' (each run another eighth)'}`, async () => {
    const sweep = routes.flatMap((one) => {
      const path = placed(one.path, ['x'])
      return [
        ...(one.path.includes(':') ? oddParams.map((odd) => ({ one, path: placed(one.path, [odd]) })) : []),
        ...one.query.flatMap((name) => oddValues.map((odd) => ({ one, path: `${path}?${name}=${odd}` }))),
      ]
    })
    expect(sweep.length).toBeGreaterThan(2_000)
    const administrator = site.people.administrator
    for (const { one, path } of sweep.filter((_one, at) => full || at % 8 === seed % 8)) {
      const change: Asked = { method: one.method, form: {}, headers: { 'x-csrf-token': administrator.csrf } }
      await checked(path, { as: administrator, ...(one.method === 'GET' ? {} : change) }, `${one.method} ${path}`)
    }
    expect(site.logged.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it(`answers, and never with a fault of ours (${cases(6_000)} requests)`, async () => {
    await fc.assert(
      fc.asyncProperty(
        route,
        fc.array(param, { minLength: 1, maxLength: 2 }),
        query,
        fields,
        oddJson,
        fc.constantFrom(...contentTypes),
        as,
        fc.nat(5),
        async (one, params, asks, form, json, type, who, shape) => {
          const path = `${placed(one.path, params)}?${Object.entries(asks)
            .map(([name, value]) => `${name}=${value}`)
            .join('&')}`
          if (/^\/people\/[^?]*\/(role|disable)/.test(path) && who === 'administrator') return // would sign the test's own people out
          const told = `${one.method} ${path} as ${who} ${shape} ${type} ${JSON.stringify(form)} ${json.slice(0, 300)}`
          const base: Asked = { as: holder(who) }
          if (one.method === 'GET') return checked(path, base, told)
          const csrf = site.people[who as 'administrator']?.csrf
          if (shape <= 2)
            return checked(path, { ...base, form: shape === 0 ? { ...form, _csrf: csrf ?? '' } : form, method: one.method }, told)
          return checked(
            path,
            {
              ...base,
              method: one.method,
              body: json,
              headers: { 'content-type': shape === 3 ? type : 'application/json', 'x-csrf-token': csrf ?? '' },
            },
            told,
          )
        },
      ),
      { ...(property(6_000) as object) },
    )
    expect(site.logged.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it.each([
    ['as a form', 'application/x-www-form-urlencoded'],
    ['as JSON', 'application/json'],
    ['as multipart', 'multipart/form-data; boundary=b'],
  ])('refuses two megabytes %s, announced or in chunks, before reading them', async (_how, type) => {
    const big = 'x'.repeat(2_097_152)
    for (const one of routes.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/ingest') && path !== '/api/v1/import')) {
      const path = placed(one.path, ['x'])
      const headers = { 'content-type': type, 'x-csrf-token': site.people.administrator.csrf }
      const base = { method: one.method, as: site.people.administrator }
      const announced = await site.ask(path, { ...base, body: big, headers: { ...headers, 'content-length': String(big.length) } })
      expect(announced.status, path).toBe(413)
      const chunks = new ReadableStream({
        start: (controller) => {
          for (let at = 0; at < 32; at += 1) controller.enqueue(new TextEncoder().encode(big.slice(0, 65_536)))
          controller.close()
        },
      })
      expect((await site.ask(path, { ...base, body: chunks, headers: { ...headers, 'transfer-encoding': 'chunked' } })).status, path).toBe(
        413,
      )
    }
  })

  it('tells which methods an address has, answers HEAD without a body, and knows no others', async () => {
    for (const one of routes.filter(({ path }) => !/^\/(assets|nowhere)/.test(path))) {
      const path = placed(one.path, ['x'])
      for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND']) {
        const answer = await site.ask(path, { method, as: site.people.administrator })
        expect(answer.status, `${method} ${path}`).toBe(405)
        expect(answer.headers.get('allow'), path).toContain(one.method)
      }
      if (one.method === 'GET')
        expect(await (await site.ask(path, { method: 'HEAD', as: site.people.administrator })).text(), path).toBe('')
    }
    expect((await site.ask('/nowhere', { method: 'PUT', as: site.people.administrator })).status).toBe(404)
    const standing = site.falconer.changes.listenerCount('change')
    expect((await site.ask('/events', { method: 'HEAD', as: site.people.viewer })).status).toBe(200)
    expect(site.falconer.changes.listenerCount('change')).toBe(standing)
  })
})

const encodeSafely = (text: string): string => encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '?'))
const alert = {
  time: '2026-11-23T11:59:00.000000001Z',
  rule: 'Terminal shell in container',
  priority: 'Critical',
  output: 'a shell',
  hostname: 'node-1',
  tags: ['T1059'],
  output_fields: { 'proc.cmdline': 'sh', 'container.id': 'abcdefabcdef', 'evt.time': 1 },
}
