/** A cluster to read: connection, the reading client, which cluster it is, and whether it is simulated. */
import { KubeConfig } from '@kubernetes/client-node'
import { ConfigError, UpstreamError } from '../domain/errors.ts'
import {
  type Flow,
  type FlowObserver,
  KubernetesApiError,
  type KubernetesJson,
  type ReadClient,
  resourcePath,
  resources,
} from './contract.ts'
import { parseAnswer, sendRequest } from './requests.ts'

/** How to reach a cluster; `kubeconfig` is the file's text, so that it can travel over a pipe. */
export type ConnectionConfig = { kubeconfig?: string; context?: string; inCluster?: boolean }
export type ClusterIdentity = { clusterId: string; simulated: boolean; version: string }

export function connect(config: ConnectionConfig): KubeConfig {
  const kubeConfig = new KubeConfig()
  try {
    if (config.inCluster === true) kubeConfig.loadFromCluster()
    else kubeConfig.loadFromString(config.kubeconfig ?? '')
    if (config.context !== undefined) kubeConfig.setCurrentContext(config.context)
  } catch (error) {
    throw new ConfigError(`The kubeconfig cannot be used: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (kubeConfig.getCurrentCluster() === null)
    throw new ConfigError(`The kubeconfig has no cluster for context ${config.context ?? kubeConfig.getCurrentContext()}`)
  return kubeConfig
}

/** Which cluster answers: the UID of kube-system, and whether it says it is simulated. Throws UpstreamError when it cannot be told. */
export async function identify(kubeConfig: KubeConfig): Promise<ClusterIdentity> {
  const { text, simulated } = await sendRequest(kubeConfig, { method: 'GET', path: '/version' })
  const version = String((parseAnswer(text) as { gitVersion?: unknown }).gitVersion ?? 'unknown')
  const system = await readClient(kubeConfig).get('namespaces', null, 'kube-system')
  // Two clusters that cannot be told apart must never pass for the same one.
  if (system?.metadata.uid === undefined)
    throw new UpstreamError('The cluster cannot be told from others: its namespace kube-system has no UID.', { retryable: false })
  return { clusterId: system.metadata.uid, simulated, version }
}

export function readClient(kubeConfig: KubeConfig): ReadClient {
  return {
    async get(resource, namespace, name) {
      try {
        return typed(
          resource,
          parseAnswer((await sendRequest(kubeConfig, { method: 'GET', path: resourcePath(resource, namespace, name) })).text),
        )
      } catch (error) {
        if (error instanceof KubernetesApiError && error.status === 404) return null
        throw error
      }
    },
    list: async (resource, namespace, options = {}) => (await listPages(kubeConfig, resource, namespace, options)).items,
    listAt: (resource) => listPages(kubeConfig, resource, null, {}),
    async podLog(namespace, name, container, { tailLines, limitBytes }) {
      const query = { container, tailLines: String(tailLines), limitBytes: String(limitBytes), timestamps: 'true' }
      return (await sendRequest(kubeConfig, { method: 'GET', path: `${resourcePath('pods', namespace, name)}/log`, query })).text
    },
  }
}

async function listPages(
  kubeConfig: KubeConfig,
  resource: string,
  namespace: string | null,
  options: Record<string, string>,
): Promise<{ items: KubernetesJson[]; resourceVersion: string }> {
  const items: KubernetesJson[] = []
  let next = ''
  let resourceVersion = ''
  do {
    const query = { limit: '500', ...options, ...(next === '' ? {} : { continue: next }) }
    const page = parseAnswer((await sendRequest(kubeConfig, { method: 'GET', path: resourcePath(resource, namespace), query })).text) as {
      items?: KubernetesJson[]
      metadata?: { continue?: string; resourceVersion?: string }
    }
    items.push(...(page.items ?? []).map((item) => typed(resource, item)))
    next = page.metadata?.continue ?? ''
    resourceVersion = page.metadata?.resourceVersion ?? resourceVersion
  } while (next !== '')
  return { items, resourceVersion }
}

/** Items of a list come without their kind. */
const typed = (resource: string, value: unknown): KubernetesJson => {
  const known = resources[resource]
  return {
    ...(known === undefined
      ? {}
      : { apiVersion: known.group === '' ? known.version : `${known.group}/${known.version}`, kind: known.kind }),
    ...(value as KubernetesJson),
  }
}

/** The simulated cluster tells its connections; for real ones nobody does yet. */
export function flowObserver(kubeConfig: KubeConfig, simulated: boolean): FlowObserver {
  if (!simulated) return { connections: async () => 'not_observed' }
  return {
    connections: async (podUid) =>
      (
        parseAnswer((await sendRequest(kubeConfig, { method: 'GET', path: '/simulated/v1/connections', query: { podUid } })).text) as {
          items: Flow[]
        }
      ).items,
  }
}
