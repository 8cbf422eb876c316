/**
 * Does the cluster show what a request asked for? Read back object by object, for undos and for runs whose end nobody saw:
 * what was accepted is not what is.
 */
import type { KubernetesJson, ReadClient } from '../clusters/contract.ts'
import type { PlannedRequest } from '../domain/proposal.ts'

/** Whether what this request asks for is so now. A deletion counts from when the API server has begun it. */
export async function inPlace(read: ReadClient, request: PlannedRequest): Promise<boolean> {
  if (request.verb === 'read') return true
  const object = await read.get(request.resource, request.namespace, request.name)
  const uid = uidIn(request)
  const theOne = object !== null && (uid === undefined || object.metadata.uid === uid)
  if (request.verb === 'delete') return !theOne || isGoing(object)
  return theOne ? shows(object, request.body) : request.verb === 'patch' && onlyRemoves(request.body)
}

export const isGoing = (object: KubernetesJson): boolean =>
  (object.metadata as { deletionTimestamp?: string }).deletionTimestamp !== undefined

function uidIn({ body }: PlannedRequest): string | undefined {
  const { metadata, preconditions } = (body ?? {}) as { metadata?: { uid?: string }; preconditions?: { uid?: string } }
  return preconditions?.uid ?? metadata?.uid
}

/** Everything `wanted` says stands in `found`; null says that there is nothing. What else stands there does not matter. */
export function shows(found: unknown, wanted: unknown): boolean {
  if (wanted === null || wanted === undefined) return found === null || found === undefined
  if (Array.isArray(wanted)) {
    // An empty list and none are the same to the API server.
    if (wanted.length === 0 && found === undefined) return true
    return Array.isArray(found) && found.length === wanted.length && wanted.every((one, index) => shows(found[index], one))
  }
  if (typeof wanted !== 'object') return found === wanted
  if (typeof found !== 'object' || found === null) return Object.values(wanted).every((one) => one === null)
  return Object.entries(wanted).every(([name, one]) => shows((found as Record<string, unknown>)[name], one))
}

/** A patch that takes away and sets nothing is done when the object itself is gone. */
function onlyRemoves(body: unknown): boolean {
  if (body === null) return true
  if (typeof body !== 'object') return false
  return Object.entries(body as object).every(([name, value]) => name === 'uid' || onlyRemoves(value))
}
