/**
 * Guarantee 2: the analyst's path holds no write credential. What it can import, what it is handed, what its kubeconfig may do,
 * and what the executor's process was given: looked at in the source and in a running Falconer.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCase } from '../../incidents/read-case.ts'
import { listIncidents } from '../../store/incidents.ts'
import { embeddedDatabase } from '../support/database.ts'
import { play } from '../support/hostile-episode.ts'
import { closureOf, root, sourcesOf } from '../support/hostile-imports.ts'
import { type Channel, channels, type Payload, payloads } from '../support/hostile-payloads.ts'
import { type Tried, tryEveryWrite } from '../support/hostile-requests.ts'
import { openWorld } from '../support/hostile-world.ts'
import { run, type Running } from '../support/process.ts'

/** Where a model works, or will. */
const rooms = ['agent', 'tools', 'prompts', 'apps/mcp']
const forbiddenFiles = [
  'clusters/write-client.ts',
  'clusters/requests.ts',
  'clusters/client.ts',
  'responses/approve.ts',
  'responses/claim.ts',
  'responses/execute.ts',
  'responses/revert.ts',
  'apps/executor/',
  'apps/server/keys.ts',
  'auth/',
  'config/',
]
const forbiddenModules =
  /^(@kubernetes\/|undici|(node:)?(child_process|cluster|dgram|http|https|http2|net|tls|vm|worker_threads|module|process)$)/
/** Functions that decide, sign, or move a proposal on: nothing in reach of a model takes them, wherever they stand. */
const forbiddenNames =
  /^(\*|insertApproval|moveProposal|signTicket|admitTicket|newApprovalKeys|approve|reject|claim|claimRevert|executeProposal|revertProposal|writeClient|sendRequest)$/
const guardedFiles = ['store/proposals.ts', 'responses/approved.ts', 'store/people.ts', 'clusters/contract.ts']

function violations(from: readonly string[], overlay: Record<string, string> = {}): string[] {
  const { files, outside, computed, names, chain } = closureOf(from, overlay)
  return [
    ...[...files].filter((file) => forbiddenFiles.some((one) => file === one || (one.endsWith('/') && file.startsWith(one)))).map(chain),
    ...[...outside].filter((name) => forbiddenModules.test(name)),
    ...[...computed].map((file) => `${file} imports by a computed name`),
    ...guardedFiles.flatMap((file) =>
      [...(names.get(file) ?? [])].filter((name) => forbiddenNames.test(name)).map((name) => `${name} of ${file}`),
    ),
  ]
}

describe('what the analyst’s code can reach', () => {
  const roots = sourcesOf(...rooms)

  it('guarantee 2: no client that can write, nothing that approves, claims, executes or reverts', () => {
    expect(violations(roots)).toEqual([])
    const { files } = closureOf(roots)
    expect([...files]).toEqual(
      expect.arrayContaining([
        'agent/suggest.ts',
        'responses/propose.ts',
        'responses/catalog/kubernetes/delete-pod.ts',
        'store/proposals.ts',
      ]),
    )
  })

  it('guarantee 2: and the check sees what is there, however it is imported', () => {
    expect(violations(['apps/executor/main.ts'])).toEqual(expect.arrayContaining([expect.stringMatching(/^clusters\/write-client\.ts ← /)]))
    const plant = (source: string): string[] =>
      violations([...roots, 'agent/evil.ts'], { 'agent/evil.ts': source, 'agent/step.ts': "export * from '../clusters/write-client.ts'" })
    for (const source of [
      "import { writeClient } from '../clusters/write-client.ts'",
      "import type { Policy } from '../responses/approve.ts'",
      "export { claim } from '../responses/claim.ts'",
      "import './step.ts'",
      "const { executeProposal } = await import('../responses/execute.ts')",
      "const made = await import('../responses/' + 'execute.ts')",
      "const made = require('node:child_process')",
      "const { spawn } = process.getBuiltinModule('child_process')",
      "import http from 'node:http'",
      "import { KubeConfig } from '@kubernetes/client-node'",
      "import { insertApproval } from '../store/proposals.ts'",
      "import * as proposals from '../store/proposals.ts'",
      "import { signTicket as harmless } from '../responses/approved.ts'",
    ])
      expect(plant(source), source).not.toEqual([])
  })

  it('guarantee 2: and nothing of it is loaded when the analyst’s code runs', () => {
    const entry = roots.map((file) => `await import(${JSON.stringify(join(root, file))})`).join('\n')
    const hooks = `import { registerHooks } from 'node:module'; const seen = []; registerHooks({ load(url, context, next) { seen.push(url); return next(url, context) } });\n${entry}\nconsole.log(JSON.stringify(seen))`
    const loaded = JSON.parse(
      execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', hooks], {
        cwd: root,
        encoding: 'utf8',
      }),
    ) as string[]
    expect(loaded.some((url) => url.endsWith('/agent/suggest.ts'))).toBe(true)
    // Packages have folders of such names too.
    const ours = (url: string): string => (url.includes('/node_modules/') ? '' : url)
    expect(loaded.filter((url) => forbiddenFiles.some((file) => ours(url).includes(`/${file}`)) || url.includes('/@kubernetes/'))).toEqual(
      [],
    )
  })
})

/** A path, a home for sign-in programs, where the cluster and its certificates are, and Node's own pipe: nothing that is secret. */
const handed = new Set([
  'PATH',
  'HOME',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
  'NODE_EXTRA_CA_CERTS',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
])

/** What is not plain data, by its path: functions, clients, anything with behaviour of ours. */
function* behaviour(value: unknown, path: string, seen = new Set<unknown>()): Iterable<string> {
  if (typeof value === 'function' || typeof value === 'symbol') yield path
  if (value === null || typeof value !== 'object' || seen.has(value)) return
  seen.add(value)
  if (value instanceof Date) return
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) yield `${path} is a ${value.constructor.name}`
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key)
    if (descriptor?.get !== undefined || descriptor?.set !== undefined) yield `${path}.${String(key)} is computed`
    yield* behaviour(descriptor?.value, `${path}.${String(key)}`, seen)
  }
}

it('guarantee 2: an analyst is handed plain data: no function, client or secret at any depth', async () => {
  const db = await embeddedDatabase()
  const world = await openWorld(db, 'case')
  await play(world, { index: 7, payload: payloads[2] as Payload, channel: channels[4] as Channel, doors: 0 })
  const [incident] = (await listIncidents(db, { scope: 'case' }, { limit: 1 })).incidents
  const file = await readCase(db, new Date(), incident?.id ?? '', { cluster: () => ({ simulated: true }) })
  expect(file.alerts).toHaveLength(2)
  expect(file.entities.length).toBeGreaterThanOrEqual(4)
  expect([...behaviour(file, 'file')]).toEqual([])
  expect([...behaviour({ a: [{ send: () => {} }], db }, 'planted')].length).toBeGreaterThanOrEqual(2)
  expect(structuredClone(file)).toEqual(file)
  const text = JSON.stringify(file, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  for (const secret of [...world.canaries, 'hunter2hunter2', 'Bearer ', 'PRIVATE KEY']) expect(text.includes(secret), secret).toBe(false)
  await world.close()
  await db.close()
})

describe('a kubeconfig that may read', () => {
  it('guarantee 2: is refused every writing verb on every resource, and each request was a good one', async () => {
    const db = await embeddedDatabase()
    const { shop, state, close } = await openWorld(db, 'reader')
    const { cluster } = shop
    const existing = (resource: string) => cluster.store.list(resource, null)[0]
    const before = state()
    const refused = await tryEveryWrite(cluster.kubeconfig('reader'), existing)
    expect(allowed(refused)).toEqual([])
    expect(refused.filter((one) => one.status === 403).length).toBeGreaterThanOrEqual(12 * 5)
    expect(state()).toBe(before)
    // The same requests as an administrator, as dry runs: at least create, patch, apply and delete go through.
    const control = await tryEveryWrite(cluster.kubeconfig('admin'), existing, true)
    expect(new Set(allowed(control).map((what) => what.split(' ')[0]))).toEqual(new Set(['POST', 'PATCH', 'DELETE']))
    expect(allowed(control).length).toBeGreaterThanOrEqual(12 * 3)
    expect(state()).toBe(before)
    await close()
    await db.close()
  })
})
const allowed = (tried: readonly Tried[]): string[] => tried.filter((one) => one.status < 400).map((one) => one.what)

describe.skipIf(!existsSync('/proc/self/environ'))('a running Falconer', () => {
  const canary = 'canary7f3a9'
  const secrets = { FALCONER_TOKEN: `flc_${canary}`, AWS_SECRET_ACCESS_KEY: canary, ANTHROPIC_API_KEY: canary, SECRET_THING: canary }
  let folder: string
  let demo: Running
  let executor: number
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'falconer-guarantee-'))
    demo = run(['demo', '--port', '0', '--data', folder], secrets)
    await demo.says(/\/sign-in\/\S+/, 100_000)
    executor = Number(processesBelow(demo.child.pid ?? 0).find((pid) => read(pid, 'cmdline').includes('apps/executor/main.ts')))
  })
  afterAll(async () => {
    demo.child.kill('SIGINT')
    await demo.ended
    rmSync(folder, { recursive: true, force: true })
  })
  const read = (pid: string | number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8')

  it('guarantee 2: the executor is a process of its own, with an empty environment and no argument that tells anything', () => {
    expect(read(demo.child.pid ?? 0, 'environ'), 'the server has the secrets: the look is a good one').toContain(canary)
    expect(executor).not.toBe(demo.child.pid)
    const environ = read(executor, 'environ')
    const names = environ
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => line.split('=')[0] ?? '')
    expect(names.filter((name) => !handed.has(name))).toEqual([])
    for (const text of [environ, read(executor, 'cmdline')])
      expect(text).not.toMatch(/canary|flc_|postgres|DATABASE|kubeconfig|token|PRIVATE/i)
  })

  it('guarantee 2: the executor has no file of the database or of the keys open', () => {
    const open = readdirSync(`/proc/${executor}/fd`).map((fd) => readlinkOf(`/proc/${executor}/fd/${fd}`))
    expect(open.filter((path) => path.startsWith(folder) || path.includes('.pem'))).toEqual([])
    const serverOpen = readdirSync(`/proc/${demo.child.pid}/fd`).map((fd) => readlinkOf(`/proc/${demo.child.pid}/fd/${fd}`))
    expect(
      serverOpen.some((path) => path.startsWith(folder)),
      'the server has some: the look is a good one',
    ).toBe(true)
  })

  it('guarantee 2: the server’s own kubeconfig is refused every write by the running cluster; the executor’s is another', async () => {
    const [reader, own] = ['reader', 'executor'].map((as) => readFileSync(join(folder, `${as}.kubeconfig`), 'utf8')) as [string, string]
    const tried = await tryEveryWrite(reader, () => undefined)
    expect(allowed(tried)).toEqual([])
    expect(tried.some((one) => one.status === 403)).toBe(true)
    expect(own).not.toBe(reader)
    for (const path of globSync('*.kubeconfig', { cwd: folder }))
      expect(demo.output()).not.toContain(readFileSync(join(folder, path), 'utf8'))
  })
})

const readlinkOf = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function processesBelow(pid: number): string[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [{ name, parent: Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]) }]
      } catch {
        return []
      }
    })
  const children = parents.filter((one) => one.parent === pid).map((one) => one.name)
  return [...children, ...children.flatMap((child) => processesBelow(Number(child)))]
}
