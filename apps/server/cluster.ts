/** The cluster of this configuration: how it is read here, and the executor, a process of its own, that alone may write to it. */
import { readFile } from 'node:fs/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import { clusterEnvironment, type Config } from '../../config/config.ts'
import { DeniedError } from '../../domain/errors.ts'
import type { Executor } from '../../responses/executor.ts'
import type { Policy } from '../../responses/policy.ts'
import { launchExecutor } from '../executor/launch.ts'

export const hasCluster = (config: Config): boolean => config.FALCONER_KUBECONFIG !== undefined || config.FALCONER_IN_CLUSTER

/** With the server's own credentials, which read. Loaded only where there is a cluster: the client is the largest part of the program. */
export async function readingConfig(config: Config): Promise<KubeConfig> {
  const { connect } = await import('../../clusters/client.ts')
  const path = config.FALCONER_KUBECONFIG
  return connect({
    kubeconfig: path === undefined ? undefined : await readFile(path, 'utf8'),
    context: config.FALCONER_KUBE_CONTEXT,
    inCluster: config.FALCONER_IN_CLUSTER,
  })
}

export function startExecutor(config: Config, policy: Policy, publicKey: string): Promise<Executor> {
  const kubeconfigPath = config.FALCONER_EXECUTOR_KUBECONFIG ?? config.FALCONER_KUBECONFIG ?? null
  return launchExecutor({
    kubeconfigPath,
    context: config.FALCONER_EXECUTOR_KUBECONFIG === undefined ? (config.FALCONER_KUBE_CONTEXT ?? null) : null,
    inCluster: config.FALCONER_IN_CLUSTER && kubeconfigPath === null,
    publicKey,
    policy,
    actionsEnabled: config.FALCONER_ACTIONS,
    scope: config.FALCONER_SCOPE,
    environment: clusterEnvironment(),
  })
}

const noCluster = (): never => {
  throw new DeniedError(
    'unplannable',
    'No cluster is connected, so nothing can be planned or done. Set FALCONER_KUBECONFIG or FALCONER_IN_CLUSTER, then propose it again.',
  )
}
/** Refuses everything: nothing is planned or done without a cluster. */
export const noExecutor: Executor = {
  plan: async () => noCluster(),
  execute: async () => noCluster(),
  revert: async () => noCluster(),
  verify: async () => noCluster(),
  standing: async () => noCluster(),
  status: async () => ({ reachable: false, clusterId: null, simulated: false, version: null, detail: 'no cluster is configured' }),
  close: async () => {},
}
