/**
 * The simulated cluster: a Kubernetes API server on loopback, under the same client as a real one. Lists, watches,
 * dry runs, merge and apply patches, preconditions, conflicts and per-token rights; every answer says it is simulated.
 * It runs no containers, and enforces network policies only when told. Never chosen silently.
 */
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubernetesApiError, type KubernetesJson, resources } from '../contract.ts'
import { enforcePolicies, reconcile } from './controllers.ts'
import { type Flow, ObjectStore, type StoredObject } from './objects.ts'

export type Rights = { verbs: readonly string[]; resources: readonly string[] }[]
export type SimulatedOptions = {
  /** SQLite file; ':memory:' for tests. */
  file: string
  /** Objects and connections to begin with, when the file is empty. */
  seed?: { objects: KubernetesJson[]; flows?: Flow[] }
  port?: number
  enforcePolicies?: boolean
  keepEstablished?: boolean
  /** Log lines a container answers, by `namespace/pod/container`. */
  logs?: Record<string, string>
  readonly tokens?: { admin: string; reader: string; executor: string }
}
export type SimulatedCluster = {
  url: string
  kubeconfig(as: 'admin' | 'reader' | 'executor'): string
  store: ObjectStore
  stop(): Promise<void>
}

const all: Rights = [{ verbs: ['*'], resources: ['*'] }]
const reading: Rights = [{ verbs: ['get', 'list', 'watch'], resources: ['*'] }]
const executing: Rights = [
  ...reading,
  { verbs: ['patch', 'delete'], resources: ['pods'] },
  { verbs: ['create', 'delete'], resources: ['networkpolicies.networking.k8s.io'] },
  { verbs: ['patch'], resources: ['deployments.apps', 'statefulsets.apps', 'replicasets.apps', 'nodes'] },
]

export async function startSimulatedCluster(options: SimulatedOptions): Promise<SimulatedCluster> {
  const store = new ObjectStore(options.file)
  if (store.empty && options.seed !== undefined) seed(store, options.seed)
  const tokens = options.tokens ?? { admin: secret(), reader: secret(), executor: secret() }
  const rights = new Map<string, Rights>([
    [tokens.admin, all],
    [tokens.reader, reading],
    [tokens.executor, executing],
  ])
  const settle = (): void => {
    reconcile(store)
    if (options.enforcePolicies === true) enforcePolicies(store, options.keepEstablished === true)
  }
  settle()
  const server = http.createServer((request, response) => {
    response.setHeader('X-Falconer-Simulated', 'true')
    handle(store, rights, options, settle, request, response).catch((error: unknown) => answerError(response, error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    store,
    kubeconfig: (as) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'simulated',
        // The client speaks plain HTTP, which never leaves loopback here, only with this.
        clusters: [{ name: 'simulated', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: as, user: { token: tokens[as] } }],
        contexts: [{ name: 'simulated', context: { cluster: 'simulated', user: as } }],
      }),
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
      store.close()
    },
  }
}

const secret = (): string => randomBytes(24).toString('base64url')

function seed(store: ObjectStore, given: NonNullable<SimulatedOptions['seed']>): void {
  for (const object of given.objects) {
    const resource = Object.entries(resources).find(([, known]) => known.kind === object.kind)?.[0]
    if (resource !== undefined) store.create(resource, object, false)
  }
  for (const name of ['kube-system', 'default'])
    if (store.get('namespaces', null, name) === undefined)
      store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, false)
  store.setFlows(given.flows ?? [])
}

type Target = { resource: string; namespace: string | null; name: string | null; subresource: string | null }

async function handle(
  store: ObjectStore,
  rights: ReadonlyMap<string, Rights>,
  options: SimulatedOptions,
  settle: () => void,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const mine = rights.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
  if (mine === undefined) throw new KubernetesApiError(401, 'Unauthorized')
  if (url.pathname === '/version') return answer(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.0+simulated' })
  if (url.pathname === '/simulated/v1/connections') {
    const podUid = url.searchParams.get('podUid')
    return answer(response, 200, { items: store.flows.filter((flow) => podUid === null || flow.podUid === podUid) })
  }
  const target = parsePath(url.pathname)
  const dryRun = url.searchParams.get('dryRun') === 'All'
  const verb = verbOf(request.method ?? 'GET', target, url)
  if (
    !mine.some(
      (right) =>
        (right.verbs.includes('*') || right.verbs.includes(verb)) &&
        (right.resources.includes('*') || right.resources.includes(target.resource)),
    )
  )
    throw new KubernetesApiError(403, `${target.resource} is forbidden: User cannot ${verb} resource "${target.resource}"`)
  const body = request.method === 'GET' ? undefined : await readBody(request)
  switch (verb) {
    case 'watch':
      return watch(store, target, url, response)
    case 'list':
      return answer(response, 200, listOf(store, target, url))
    case 'get':
      return get(store, target, options, response, url)
    case 'create': {
      const created = store.create(
        target.resource,
        {
          ...(body as KubernetesJson),
          metadata: { ...(body as KubernetesJson).metadata, ...(target.namespace === null ? {} : { namespace: target.namespace }) },
        },
        dryRun,
      )
      if (!dryRun) settle()
      return answer(response, 201, created)
    }
    case 'patch': {
      const patched = patch(store, target, body as KubernetesJson, request.headers['content-type'] ?? '', dryRun)
      if (!dryRun) settle()
      return answer(response, 200, patched)
    }
    default: {
      const removed = store.remove(
        target.resource,
        target.namespace,
        target.name ?? '',
        (body as { preconditions?: { uid?: string } } | undefined)?.preconditions ?? {},
        dryRun,
      )
      if (!dryRun) settle()
      return answer(response, 200, removed)
    }
  }
}

function parsePath(path: string): Target {
  const match = /^\/(?:api\/v1|apis\/([^/]+)\/v1)(?:\/namespaces\/([^/]+)(?=\/.))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(path)
  const plural = match?.[3]
  const resource = plural === undefined ? undefined : match?.[1] === undefined ? plural : `${plural}.${match[1]}`
  if (resource === undefined || resources[resource] === undefined)
    throw new KubernetesApiError(404, 'the server could not find the requested resource')
  const part = (index: number): string | null => (match?.[index] === undefined ? null : decodeURIComponent(match[index]))
  return { resource, namespace: part(2), name: part(4), subresource: part(5) }
}

function verbOf(method: string, target: Target, url: URL): string {
  if (method === 'GET') return url.searchParams.get('watch') === null ? (target.name === null ? 'list' : 'get') : 'watch'
  const verb = ({ POST: 'create', PATCH: 'patch', DELETE: 'delete' } as Record<string, string>)[method]
  if (verb === undefined || target.subresource !== null) throw new KubernetesApiError(405, 'the simulated cluster does not offer this')
  return verb
}

function get(store: ObjectStore, target: Target, options: SimulatedOptions, response: http.ServerResponse, url: URL): void {
  const object = store.get(target.resource, target.namespace, target.name ?? '')
  if (object === undefined) throw new KubernetesApiError(404, `${target.resource} "${target.name}" not found`)
  if (target.subresource === null) return answer(response, 200, object)
  if (target.subresource !== 'log') throw new KubernetesApiError(404, 'the simulated cluster does not offer this')
  const container = url.searchParams.get('container') ?? ''
  const lines = (options.logs?.[`${target.namespace}/${target.name}/${container}`] ?? `simulated log of ${container}\n`)
    .split('\n')
    .slice(-Number(url.searchParams.get('tailLines') ?? '1000') - 1)
  response
    .writeHead(200, { 'content-type': 'text/plain' })
    .end(lines.join('\n').slice(-Number(url.searchParams.get('limitBytes') ?? '1048576')))
}

function listOf(store: ObjectStore, target: Target, url: URL): unknown {
  const items = store.list(target.resource, target.namespace).filter(selected(url))
  return { kind: `${resources[target.resource]?.kind}List`, apiVersion: 'v1', metadata: { resourceVersion: String(store.version) }, items }
}

function selected(url: URL): (object: StoredObject) => boolean {
  const pairs = (url.searchParams.get('labelSelector') ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => part.split('='))
  const fields = (url.searchParams.get('fieldSelector') ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => part.split('='))
  return (object) =>
    pairs.every(([name, value]) =>
      value === undefined ? object.metadata.labels?.[name ?? ''] !== undefined : object.metadata.labels?.[name ?? ''] === value,
    ) &&
    fields.every(([name, value]) =>
      name === 'metadata.name' ? object.metadata.name === value : name === 'spec.nodeName' ? object.spec?.nodeName === value : false,
    )
}

function watch(store: ObjectStore, target: Target, url: URL, response: http.ServerResponse): void {
  const since = Number(url.searchParams.get('resourceVersion') ?? store.version)
  const missed = store.eventsAfter(since)
  response.writeHead(200, { 'content-type': 'application/json' })
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`)
  }
  if (missed === undefined) {
    send('ERROR', {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version',
    })
    response.end()
    return
  }
  const wanted = selected(url)
  const forward = (event: { type: string; resource: string; object: StoredObject }): void => {
    if (
      event.resource === target.resource &&
      (target.namespace === null || event.object.metadata.namespace === target.namespace) &&
      wanted(event.object)
    )
      send(event.type, event.object)
  }
  for (const event of missed) forward(event)
  store.watchers.add(forward)
  response.flushHeaders()
  response.on('close', () => store.watchers.delete(forward))
}

function patch(store: ObjectStore, target: Target, body: KubernetesJson, contentType: string, dryRun: boolean): StoredObject {
  const before = store.get(target.resource, target.namespace, target.name ?? '')
  if (/apply-patch/.test(contentType) && before === undefined) return store.create(target.resource, body, dryRun)
  if (before === undefined) throw new KubernetesApiError(404, `${target.resource} "${target.name}" not found`)
  if (!/merge-patch|apply-patch/.test(contentType)) throw new KubernetesApiError(415, 'the simulated cluster takes merge and apply patches')
  const merged = mergePatch(before, body) as KubernetesJson
  // A precondition is what the patch itself says, not what is stored.
  const { resourceVersion: _stored, ...metadata } = merged.metadata
  const version = body.metadata?.resourceVersion
  return store.update(
    target.resource,
    { ...merged, metadata: { ...metadata, ...(version === undefined ? {} : { resourceVersion: version }) } },
    dryRun,
  )
}

/** RFC 7386. */
function mergePatch(before: unknown, change: unknown): unknown {
  if (change === null || typeof change !== 'object' || Array.isArray(change)) return change
  const merged: Record<string, unknown> = before !== null && typeof before === 'object' && !Array.isArray(before) ? { ...before } : {}
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

async function readBody(request: http.IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  try {
    return parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch (error) {
    throw new KubernetesApiError(400, 'the body is not JSON', { cause: error })
  }
}

function answer(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function answerError(response: http.ServerResponse, error: unknown): void {
  const status = error instanceof KubernetesApiError ? error.status : 500
  if (response.headersSent) response.end()
  else
    answer(response, status, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: status,
      message: error instanceof Error ? error.message : String(error),
    })
}
