/** The writing client. Only apps/executor may import this file (the architecture check sees to it). */
import type { KubeConfig } from '@kubernetes/client-node'
import type { PlannedRequest } from '../domain/proposal.ts'
import { InvariantError } from '../domain/errors.ts'
import { type KubernetesJson, resourcePath, type WriteClient } from './contract.ts'
import { type ApiRequest, parseAnswer, sendRequest } from './requests.ts'

export function writeClient(kubeConfig: KubeConfig): WriteClient {
  return {
    async send(request, options = {}) {
      const query: Record<string, string> = options.dryRun === true ? { dryRun: 'All' } : {}
      return parseAnswer((await sendRequest(kubeConfig, toApiRequest(request, query))).text) as KubernetesJson
    },
  }
}

/** A client whose every request is a dry run: what planning is given. */
export const dryRunClient = (client: WriteClient): WriteClient => ({ send: (request) => client.send(request, { dryRun: true }) })

function toApiRequest(request: PlannedRequest, query: Record<string, string>): ApiRequest {
  const { resource, namespace, name, body } = request
  const manager = { ...query, fieldManager: 'falconer' }
  switch (request.verb) {
    case 'create':
      return { method: 'POST', path: resourcePath(resource, namespace), query: manager, body }
    case 'patch':
      return {
        method: 'PATCH',
        path: resourcePath(resource, namespace, name),
        query: manager,
        body,
        contentType: 'application/merge-patch+json',
      }
    case 'apply':
      return {
        method: 'PATCH',
        path: resourcePath(resource, namespace, name),
        query: manager,
        body,
        contentType: 'application/apply-patch+yaml',
      }
    case 'delete':
      return { method: 'DELETE', path: resourcePath(resource, namespace, name), query, body: body ?? {} }
    case 'read':
      throw new InvariantError('a read is not sent by the writing client')
  }
}
