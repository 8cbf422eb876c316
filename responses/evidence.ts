/**
 * Evidence of a pod before it may be lost: its manifest without environment values, and the log of each container, each stored
 * and hashed by the server before the action goes on. What cannot be read stops what would destroy it.
 */
import { KubernetesApiError, type KubernetesJson } from '../clusters/contract.ts'
import type { Artifact, Outcome } from '../domain/proposal.ts'
import type { WriteContext } from './action.ts'
import { containerNames } from './describe.ts'

export type EvidenceLimits = { tailLines: number; limitBytes: number }
type Piece = { artifact: Artifact; unreadable: string | null }

/** Stores all of it; answers how many files, and which logs could not be read. */
export async function storeEvidence(
  { read, keep }: Pick<WriteContext, 'read' | 'keep'>,
  pod: KubernetesJson,
  limits: EvidenceLimits,
): Promise<{ files: number; unreadable: string[] }> {
  const unreadable: string[] = []
  let files = 0
  for await (const piece of evidenceOf(read, pod, limits)) {
    await keep(piece.artifact)
    files += 1
    if (piece.unreadable !== null) unreadable.push(piece.unreadable)
  }
  return { files, unreadable }
}

/** Stores the evidence of these pods, or answers the outcome of an action that may not go on without it. */
export async function evidenceFirst(
  context: WriteContext,
  pods: readonly KubernetesJson[],
  limits: EvidenceLimits,
): Promise<Outcome | null> {
  try {
    for (const pod of pods) {
      const { unreadable } = await storeEvidence(context, pod, limits)
      if (unreadable.length > 0) return withoutEvidence(unreadable.join('; '))
    }
    return null
  } catch (error) {
    return withoutEvidence(error instanceof Error ? error.message : String(error))
  }
}

const withoutEvidence = (why: string): Outcome => ({
  status: 'failed',
  text: `Nothing was changed: it would destroy evidence that could not be stored first: ${why}.`,
  undo: [],
})

async function* evidenceOf(read: WriteContext['read'], pod: KubernetesJson, limits: EvidenceLimits): AsyncIterable<Piece> {
  const namespace = pod.metadata.namespace ?? 'default'
  const { name } = pod.metadata
  const manifest = JSON.stringify(withoutEnvironment(pod), null, 2)
  yield { artifact: { name: `${name}.manifest.json`, mediaType: 'application/json', content: manifest }, unreadable: null }
  for (const container of containerNames(pod)) {
    const { content, unreadable } = await logOf(read, namespace, name, container, limits)
    yield { artifact: { name: `${name}.${container}.log`, mediaType: 'text/plain', content }, unreadable }
  }
}

async function logOf(
  read: WriteContext['read'],
  namespace: string,
  name: string,
  container: string,
  limits: EvidenceLimits,
): Promise<{ content: string; unreadable: string | null }> {
  try {
    const log = await read.podLog(namespace, name, container, limits)
    const cut = Buffer.byteLength(log) >= limits.limitBytes ? `\n[Falconer: cut at ${limits.limitBytes} bytes]\n` : ''
    return { content: log + cut, unreadable: null }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    // So the API server says of a container that never started: there is no log to lose.
    const none = error instanceof KubernetesApiError && error.status === 400
    return { content: `[Falconer could not read this log: ${why}]`, unreadable: none ? null : `the log of ${container}: ${why}` }
  }
}

/** Environment values often hold secrets; their names are enough for an investigation. */
function withoutEnvironment(pod: KubernetesJson): unknown {
  return JSON.parse(
    JSON.stringify(pod, (key, value: unknown) =>
      key === 'env' && Array.isArray(value)
        ? value.map((entry: { name?: unknown }) => ({ name: entry.name, value: '[not kept]' }))
        : key === 'kubectl.kubernetes.io/last-applied-configuration'
          ? '[not kept]'
          : value,
    ),
  )
}
