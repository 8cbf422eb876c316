/**
 * Kubernetes inventory from `kubectl get … -o json|yaml` and from manifests. Only what has a UID came from a cluster
 * and may ever be a target; a manifest is recorded as declared. Environment values and Secrets are never stored.
 * Content key: scope, kind, and the UID (containers by full id, images by digest, nodes and namespaces by name, manifests by
 * kind, namespace and name); a later observation of the same object replaces what an earlier one said of it.
 */
import { z } from 'zod'
import { parseAllDocuments } from 'yaml'
import { InputError } from '../../domain/errors.ts'
import { parseExact } from '../../domain/exact-json.ts'
import type { Collector, Piece } from '../collector.ts'
import { normaliseObject } from './normalise.ts'

export const KubernetesObject = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional(), uid: z.string().optional() }).optional(),
})
export type KubernetesObject = z.infer<typeof KubernetesObject>

const maxBytes = 256 * 1024 * 1024

export const kubernetes: Collector<KubernetesObject> = {
  name: 'kubernetes',
  title: 'Kubernetes inventory',
  produces: ['entity', 'relation'],
  connect: `A dump, once or regularly:

\`\`\`sh
kubectl get nodes,namespaces,pods,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs,services,serviceaccounts,networkpolicies -A -o json | falconer import - --cluster {{scope}}
\`\`\`

Or live: set \`FALCONER_KUBECONFIG\` (or \`FALCONER_IN_CLUSTER=true\`) and Falconer watches with list and watch rights only.`,
  detect: (sample) =>
    /(?:^|[{,])\s*"?apiVersion"?\s*:/m.test(sample) &&
    /(?:^|[{,])\s*"?kind"?\s*:/m.test(sample) &&
    !/aquasecurity\.github\.io|"?kind"?\s*:\s*"?(Event|EventList)"?\s*,?\s*$|audit\.k8s\.io/m.test(sample.slice(0, 4_000)),
  raw: KubernetesObject,
  split,
  normalise: normaliseObject,
}

async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of input) {
    size += part.length
    if (size > maxBytes) throw new InputError(`the dump is larger than ${maxBytes} bytes; dump one kind of object at a time`)
    parts.push(part)
  }
  const bytes = Buffer.concat(parts)
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  if (/^\s*[{[]/.test(text)) yield* fromJson(text, bytes)
  else yield* fromYaml(text)
}

function* fromJson(text: string, bytes: Uint8Array): Iterable<Piece> {
  let parsed: unknown
  try {
    parsed = parseExact(text)
  } catch (error) {
    yield {
      raw: null,
      bytes: bytes.subarray(0, 65_536),
      at: 'line 1',
      error: `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`,
    }
    return
  }
  yield* objectsOf(parsed, 'document 1')
}

function* fromYaml(text: string): Iterable<Piece> {
  let number = 0
  for (const document of parseAllDocuments(text, { maxAliasCount: 100, strict: false, uniqueKeys: false, logLevel: 'silent' } as Parameters<
    typeof parseAllDocuments
  >[1])) {
    number += 1
    const at = `document ${number}`
    try {
      if ('errors' in document && document.errors.length > 0) throw document.errors[0] as Error
      const value: unknown = document.toJS({ maxAliasCount: 100 })
      if (value !== null && value !== undefined) yield* objectsOf(value, at)
    } catch (error) {
      yield {
        raw: null,
        bytes: Buffer.from(text.slice(document.range?.[0] ?? 0, document.range?.[2]).slice(0, 65_536)),
        at,
        error: `not YAML: ${error instanceof Error ? error.message.split('\n')[0]?.slice(0, 200) : 'unreadable'}`,
      }
    }
  }
}

/** Lists are taken apart; every object is a piece of its own. */
function* objectsOf(value: unknown, at: string): Iterable<Piece> {
  const items = Array.isArray(value)
    ? value
    : value !== null && typeof value === 'object' && String((value as { kind?: unknown }).kind).endsWith('List')
      ? ((value as { items?: unknown }).items ?? [])
      : null
  if (items === null) {
    yield { raw: value, bytes: Buffer.alloc(0), at }
    return
  }
  if (!Array.isArray(items)) {
    yield { raw: null, bytes: Buffer.alloc(0), at, error: '"items" of the list is not an array' }
    return
  }
  const kind = String((value as { kind?: unknown }).kind ?? '').replace(/List$/, '')
  for (const [index, item] of items.entries()) {
    const object = item !== null && typeof item === 'object' && !('kind' in item) && kind !== '' ? { kind, ...item } : item
    yield { raw: object, bytes: Buffer.alloc(0), at: `${at}, item ${index + 1}` }
  }
}
