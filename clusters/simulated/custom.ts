/**
 * Custom resources of the simulated cluster: discovery, lists in pages (of metadata alone where that is asked for, or where the server never
 * gives more), and single objects. Read-only over HTTP: the store is written to directly. Continue tokens hold no snapshot.
 */
import type http from 'node:http'
import { KubernetesApiError } from '../contract.ts'
import type { CustomResource } from '../custom-resources.ts'
import type { ObjectStore, StoredObject } from './objects.ts'

export type SimulatedCustom = {
  resources: readonly (CustomResource & { kind: string; /** Its lists never hold contents. */ bare?: boolean })[]
  /** Asked before each answer: what to refuse with, or nothing. */
  refuse?: (request: { path: string; continued: boolean }) => { status: number; message: string } | undefined
}
type Asked = { url: URL; metadataOnly: boolean }

/** The answer; undefined: it is about no custom resource. */
export function answerCustom({ resources, refuse }: SimulatedCustom, store: ObjectStore, request: http.IncomingMessage): unknown {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const [, group, version, rest] = /^\/apis\/([^/]+\.[^/]+)(?:\/([^/]+)(?:\/(.+))?)?$/.exec(url.pathname) ?? []
  const ofGroup = resources.filter((one) => one.group === group)
  if (request.method !== 'GET' || group === undefined || ofGroup.length === 0) return undefined
  const refused = refuse?.({ path: url.pathname, continued: url.searchParams.has('continue') })
  if (refused !== undefined) throw new KubernetesApiError(refused.status, refused.message)
  if (version === undefined) {
    const served = { groupVersion: `${group}/${ofGroup[0]?.version}`, version: ofGroup[0]?.version }
    return { kind: 'APIGroup', name: group, versions: [served], preferredVersion: served }
  }
  const own = ofGroup.filter((one) => one.version === version)
  if (rest === undefined)
    return { kind: 'APIResourceList', resources: own.map(({ plural: name, kind, namespaced }) => ({ name, kind, namespaced })) }
  return objects(own, store, rest, { url, metadataOnly: request.headers.accept?.includes('as=PartialObjectMetadataList') === true })
}

function objects(own: SimulatedCustom['resources'], store: ObjectStore, rest: string, { url, metadataOnly }: Asked): unknown {
  const [, namespace = null, plural, name] = /^(?:namespaces\/([^/]+)\/)?([a-z]+)(?:\/([^/]+))?$/.exec(rest) ?? []
  const resource = own.find((one) => one.plural === plural)
  if (resource === undefined) throw new KubernetesApiError(404, 'the server could not find the requested resource')
  const key = `${resource.plural}.${resource.group}`
  if (name !== undefined) {
    const object = store.get(key, namespace === null ? null : decodeURIComponent(namespace), decodeURIComponent(name))
    if (object === undefined) throw new KubernetesApiError(404, `${key} "${name}" not found`)
    return object
  }
  const all = store.list(key, namespace)
  const from = Number(url.searchParams.get('continue') ?? '0')
  const upTo = from + Number(url.searchParams.get('limit') ?? all.length)
  const bare = (object: StoredObject): unknown => (metadataOnly || resource.bare === true ? { metadata: object.metadata } : object)
  const metadata = { resourceVersion: String(store.version), ...(upTo < all.length ? { continue: String(upTo) } : {}) }
  return {
    kind: `${resource.kind}List`,
    apiVersion: `${resource.group}/${resource.version}`,
    metadata,
    items: all.slice(from, upTo).map(bare),
  }
}
