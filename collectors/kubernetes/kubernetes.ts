/**
 * Kubernetes inventory from `kubectl get … -o json|yaml` and from manifests. Only what has a UID came from a cluster and may ever be a
 * target; a manifest is recorded as declared. Of Secrets only the names are kept, of environment no values. Content key: scope, kind, and
 * the UID (containers by full id, images by digest, nodes and namespaces by name, what is referred to by name as namespace/Kind/name,
 * manifests by kind, namespace and name); a later observation of the same object replaces what an earlier one said of it.
 */
import { z } from 'zod'
import { parseAllDocuments } from 'yaml'
import { InputError } from '../../domain/errors.ts'
import { parseExact } from '../../domain/exact-json.ts'
import type { Collector, Piece } from '../collector.ts'
import { findElements } from '../json-elements.ts'
import { normaliseObject } from './normalise.ts'

export const KubernetesObject = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional(), uid: z.string().optional() }).optional(),
})
export type KubernetesObject = z.infer<typeof KubernetesObject>

/** One object of a cluster is at most 1.5 MiB (etcd). */
const maxObjectBytes = 16 * 1024 * 1024
/** YAML must be read whole, its tree is many times its size, and a megabyte of it can hold everything else up for two seconds. */
const maxYamlBytes = 8 * 1024 * 1024

export const kubernetes: Collector<KubernetesObject> = {
  name: 'kubernetes',
  title: 'Kubernetes inventory',
  produces: ['entity', 'relation', 'alias'],
  inventory: true,
  withholds: 'it may hold environment values or Secrets',
  connect: `A dump, once or regularly:

\`\`\`sh
kubectl get nodes,namespaces,pods,deployments,replicasets,replicationcontrollers,statefulsets,daemonsets,jobs,cronjobs,services,ingresses,networkpolicies,serviceaccounts,roles,clusterroles,rolebindings,clusterrolebindings -A -o json | falconer import - --cluster {{scope}}
\`\`\`

The names of Secrets, if you want them known, without what is in them (it would not be kept either):

\`\`\`sh
kubectl get secrets -A -o json | jq 'del(.items[].data)' | falconer import - --cluster {{scope}}
\`\`\`

Or live: set \`FALCONER_KUBECONFIG\` (or \`FALCONER_IN_CLUSTER=true\`) and Falconer watches with list and watch rights only. It asks for no right to
read Secrets, not even their names: Kubernetes gives no one the names without the contents.`,
  detect: (sample) =>
    // White space of one line only: a sample of nothing else would be looked through once for each.
    /(?:^|[{,])[ \t\uFEFF]*"?apiVersion"?[ \t]*:/m.test(sample) &&
    /(?:^|[{,])[ \t\uFEFF]*"?kind"?[ \t]*:/m.test(sample) &&
    // Reports of Kubescape and Checkov repeat the objects they looked at.
    !/"(summaryDetails|customerGUID|clusterAPIServerInfo|check_type)"\s*:/.test(sample) &&
    !/"?apiVersion"?\s*:\s*"?(aquasecurity\.github|spdx\.softwarecomposition\.kubescape)\.io\/|"?kind"?\s*:\s*"?(Event|EventList)"?\s*,?\s*$|audit\.k8s\.io|"auditID"\s*:/m.test(
      sample.slice(0, 4_000),
    ),
  raw: KubernetesObject,
  split,
  normalise: normaliseObject,
}

async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const { first, all } = await firstByte(input)
  if (first === 0x7b || first === 0x5b) yield* fromJson(all)
  else yield* fromYaml(await wholeText(all))
}

/** `kubectl -o json` may be of any size: a list is taken apart while it is read. */
async function* fromJson(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  // Elements that do not say their kind wait for their list’s, which may stand behind them.
  let nameless: { object: object; bytes: Buffer; at: string }[] = []
  let number = 1
  let item = 0
  for await (const found of findElements(input, ['$.*', '$.items.*'], maxObjectBytes)) {
    const at = found.kind === 'rest' ? `document ${number}` : `document ${number}, item ${(item += 1)}`
    const parsed = found.kind === 'broken' ? { error: found.reason } : parse(found.bytes)
    if ('error' in parsed) yield { raw: null, bytes: found.bytes.subarray(0, 65_536), at, error: parsed.error }
    if (found.kind === 'broken' && !found.ends) continue
    if (found.kind === 'element') {
      if ('error' in parsed) continue
      const { value } = parsed
      const kind = isNameless(value) ? listedKind(parseBegun(found.before())) : null
      if (!isNameless(value)) yield { raw: value, bytes: found.bytes, at }
      else if (kind !== null) yield { raw: { kind, ...value }, bytes: found.bytes, at }
      else nameless.push({ object: value, bytes: found.bytes, at })
      continue
    }
    // Of a list that was taken apart nothing is left in it.
    if ('value' in parsed) yield* objectsOf(parsed.value, found.bytes, at)
    const kind = 'value' in parsed ? listedKind(parsed.value) : null
    for (const { object, bytes, at: place } of nameless) yield { raw: kind === null ? object : { kind, ...object }, bytes, at: place }
    nameless = []
    number += 1
    item = 0
  }
}

const isNameless = (value: unknown): value is object =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !('kind' in value)
/** `PodList` lists pods; `List` says nothing. */
function listedKind(list: unknown): string | null {
  const kind = list !== null && typeof list === 'object' ? (list as { kind?: unknown }).kind : undefined
  return typeof kind === 'string' && kind.endsWith('List') && kind !== 'List' ? kind.slice(0, -'List'.length) : null
}

function parse(bytes: Uint8Array): { value: unknown } | { error: string } {
  try {
    return { value: parseExact(new TextDecoder().decode(bytes)) }
  } catch (error) {
    return { error: `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}` }
  }
}
/** A list of which only the beginning was read, up to its elements. */
function parseBegun(bytes: Uint8Array): unknown {
  const parsed = parse(Buffer.concat([bytes, Buffer.from(']}')]))
  return 'value' in parsed ? parsed.value : null
}

/** The first byte that is no white space, and all of the input again, without a byte order mark. */
async function firstByte(input: AsyncIterable<Uint8Array>): Promise<{ first: number | undefined; all: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  const isBlank = (byte: number): boolean => [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte)
  let ended = false
  while (!ended && (head.length < 4 || head.every(isBlank))) {
    const next = await iterator.next()
    if (next.done === true) ended = true
    else head = Buffer.concat([head, next.value])
  }
  async function* all(): AsyncIterable<Uint8Array> {
    yield head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(3) : head
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  return { first: head.find((byte) => !isBlank(byte)), all: all() }
}

async function wholeText(input: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of input) {
    size += part.length
    if (size > maxYamlBytes)
      throw new InputError(`the YAML is larger than ${maxYamlBytes} bytes; dump it with -o json, which may be of any size`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function* fromYaml(text: string): Iterable<Piece> {
  const whole = parsedYaml(text)
  if ('error' in whole) return yield whole.error
  let number = 0
  for (const document of whole.documents) {
    number += 1
    const at = `document ${number}`
    try {
      if ('errors' in document && document.errors.length > 0) throw document.errors[0] as Error
      const value: unknown = document.toJS({ maxAliasCount: 100 })
      if (value !== null && value !== undefined) yield* objectsOf(value, Buffer.alloc(0), at)
    } catch (error) {
      yield notYaml(text.slice(document.range?.[0] ?? 0, document.range?.[2]), at, error)
    }
  }
}

type Documents = ReturnType<typeof parseAllDocuments>
/** What nests too deep exhausts the parser’s stack. */
function parsedYaml(text: string): { documents: Documents } | { error: Piece } {
  const lenient = { maxAliasCount: 100, strict: false, uniqueKeys: false, logLevel: 'silent' } as Parameters<typeof parseAllDocuments>[1]
  try {
    return { documents: parseAllDocuments(text, lenient) }
  } catch (error) {
    return { error: notYaml(text, 'document 1', error) }
  }
}

const notYaml = (text: string, at: string, error: unknown): Piece => ({
  raw: null,
  bytes: Buffer.from(text.slice(0, 65_536)),
  at,
  error: `not YAML: ${error instanceof Error ? error.message.split('\n')[0]?.slice(0, 200) : 'unreadable'}`,
})

/** What a list lists; undefined when it is none. Go writes an empty one as null. */
function itemsOf(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return undefined
  const { kind, items } = value as { kind?: unknown; items?: unknown }
  if (Array.isArray(items)) return items
  return typeof kind === 'string' && kind.endsWith('List') ? (items === null ? [] : items) : undefined
}

/** Lists are taken apart; every object is a piece of its own. */
function* objectsOf(value: unknown, bytes: Uint8Array, at: string): Iterable<Piece> {
  const items = Array.isArray(value) ? value : itemsOf(value)
  if (items === undefined) yield { raw: value, bytes, at }
  else if (!Array.isArray(items)) yield { raw: null, bytes, at, error: '"items" of the list is not an array' }
  else {
    const kind = listedKind(value)
    for (const [index, item] of items.entries())
      yield { raw: isNameless(item) && kind !== null ? { kind, ...item } : item, bytes: Buffer.alloc(0), at: `${at}, item ${index + 1}` }
  }
}
