/**
 * How the simulated cluster answers one request: who asks, may they, and then the verb. Objects are the store's; what a
 * change brings about (controllers, network policies) is `settle`, called after every change that was really made.
 */
import type http from 'node:http'
import { KubernetesApiError, type KubernetesJson, resources } from '../contract.ts'
import { answerCustom, type SimulatedCustom } from './custom.ts'
import type { ObjectStore, StoredObject } from './objects.ts'
import { selected, watch } from './watch.ts'

export type Rights = { verbs: readonly string[]; resources: readonly string[] }[]
export type Answering = {
  store: ObjectStore
  /** By bearer token. */
  rights: ReadonlyMap<string, Rights>
  /** Log lines a container answers, by `namespace/pod/container`. */
  logs: Readonly<Record<string, string>>
  custom: SimulatedCustom
  settle(): void
}
type Target = { resource: string; namespace: string | null; name: string | null; subresource: string | null }

/** Answers it, or throws what `answerError` tells the client. */
export async function answerRequest(answering: Answering, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { store, rights, logs } = answering
  const url = new URL(request.url ?? '/', 'http://localhost')
  const mine = rights.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
  if (mine === undefined) throw new KubernetesApiError(401, 'Unauthorized')
  if (url.pathname === '/version') return answer(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.0+simulated' })
  if (url.pathname === '/simulated/v1/connections') {
    const podUid = url.searchParams.get('podUid')
    return answer(response, 200, { items: store.flows.filter((flow) => podUid === null || flow.podUid === podUid) })
  }
  const custom = answerCustom(answering.custom, store, request)
  if (custom !== undefined) return answer(response, 200, custom)
  const target = parsePath(url.pathname)
  const verb = verbOf(request.method ?? 'GET', target, url)
  if (!mine.some((right) => covers(right.verbs, verb) && covers(right.resources, target.resource)))
    throw new KubernetesApiError(403, `${target.resource} is forbidden: User cannot ${verb} resource "${target.resource}"`)
  if (verb === 'watch') return watch(store, target, url, response)
  if (verb === 'list') return answer(response, 200, listOf(store, target, url))
  if (verb === 'get') return get(store, target, logs, response, url)
  const dryRun = url.searchParams.get('dryRun') === 'All'
  const changed = change(store, verb, target, (await readBody(request)) as KubernetesJson, request.headers['content-type'] ?? '', dryRun)
  if (!dryRun) answering.settle()
  answer(response, verb === 'create' ? 201 : 200, changed)
}

const covers = (allowed: readonly string[], one: string): boolean => allowed.includes('*') || allowed.includes(one)

function change(
  store: ObjectStore,
  verb: string,
  target: Target,
  body: KubernetesJson,
  contentType: string,
  dryRun: boolean,
): StoredObject {
  if (verb === 'patch') return patch(store, target, body, contentType, dryRun)
  if (verb === 'create')
    return store.create(
      target.resource,
      { ...body, metadata: { ...body.metadata, ...(target.namespace === null ? {} : { namespace: target.namespace }) } },
      dryRun,
    )
  const { preconditions } = body as { preconditions?: { uid?: string } }
  return store.remove(target.resource, target.namespace, target.name ?? '', preconditions ?? {}, dryRun)
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

function get(store: ObjectStore, target: Target, logs: Answering['logs'], response: http.ServerResponse, url: URL): void {
  const object = store.get(target.resource, target.namespace, target.name ?? '')
  if (object === undefined) throw new KubernetesApiError(404, `${target.resource} "${target.name}" not found`)
  if (target.subresource === null) return answer(response, 200, object)
  if (target.subresource !== 'log') throw new KubernetesApiError(404, 'the simulated cluster does not offer this')
  const container = url.searchParams.get('container') ?? ''
  const lines = (logs[`${target.namespace}/${target.name}/${container}`] ?? `simulated log of ${container}\n`)
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

/** In Kubernetes' own form, unless the answer has begun. */
export function answerError(response: http.ServerResponse, error: unknown): void {
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
