/** Every writing request there is to a Kubernetes API server, on every resource Falconer knows, sent with a given kubeconfig. */
import { type KubernetesJson, resourcePath, resources } from '../../clusters/contract.ts'

export type Tried = { what: string; status: number }
type Existing = (resource: string) => KubernetesJson | undefined

const patches = [
  'application/merge-patch+json',
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
]
const subresources = [
  'status',
  'scale',
  'exec',
  'attach',
  'portforward',
  'eviction',
  'binding',
  'ephemeralcontainers',
  'token',
  'proxy',
  'log',
]

/** Tries them all; `dryRun` for a control that must change nothing. `existing` gives an object of each resource to write to. */
export async function tryEveryWrite(kubeconfig: string, existing: Existing, dryRun = false): Promise<Tried[]> {
  const { clusters, users } = JSON.parse(kubeconfig) as {
    clusters: { cluster: { server: string } }[]
    users: { user: { token: string } }[]
  }
  const send = async (method: string, path: string, body?: unknown, type = 'application/json'): Promise<Tried> => {
    const url = `${clusters[0]?.cluster.server}${path}?fieldManager=falconer${dryRun ? '&dryRun=All' : ''}`
    const headers = { authorization: `Bearer ${users[0]?.user.token}`, 'content-type': type }
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    await response.body?.cancel()
    return { what: `${method} ${path} ${type}`, status: response.status }
  }
  const tried: Tried[] = []
  for (const [resource, { namespaced }] of Object.entries(resources)) {
    const namespace = namespaced ? 'shop' : null
    const object = existing(resource)
    const name = object?.metadata.name ?? 'some'
    const fresh = { metadata: { name: 'fresh', ...(namespaced ? { namespace: 'shop' } : {}) }, spec: {} }
    const one = resourcePath(resource, object?.metadata.namespace ?? namespace, name)
    tried.push(await send('POST', resourcePath(resource, namespace), fresh))
    for (const type of patches) tried.push(await send('PATCH', one, { metadata: { labels: { owned: 'yes' } } }, type))
    tried.push(
      await send(
        'PATCH',
        resourcePath(resource, namespace, 'fresh-by-apply'),
        { ...fresh, metadata: { ...fresh.metadata, name: 'fresh-by-apply' } },
        patches[1],
      ),
    )
    tried.push(
      await send('PUT', one, object ?? fresh),
      await send('DELETE', one),
      await send('DELETE', one, { preconditions: { uid: object?.metadata.uid } }),
    )
    tried.push(await send('DELETE', resourcePath(resource, namespace)))
    for (const sub of subresources)
      tried.push(await send('POST', `${one}/${sub}`, {}), await send('PATCH', `${one}/${sub}`, { spec: { replicas: 0 } }, patches[0]))
  }
  return tried
}
