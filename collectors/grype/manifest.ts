/**
 * A VulnerabilityManifest of the Kubescape operator holds a report of Grype. Where that does not say what was scanned, the object’s annotations
 * do; when it was written, the object does. One of what a workload really uses (“relevancy”) is a part of the image’s: it is none. Pure.
 */
type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value)
const inner = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined)

const isManifest = (value: unknown): value is Json => isObject(value) && value.kind === 'VulnerabilityManifest' && 'spec' in value

export const isPartOfManifest = (value: unknown): boolean =>
  isManifest(value) &&
  (inner(inner(value.spec, 'metadata'), 'withRelevancy') === true ||
    inner(inner(value.metadata, 'labels'), 'kubescape.io/context') === 'filtered')

/** The report in it; any other value as it is. */
export function reportIn(value: unknown): unknown {
  if (!isManifest(value)) return value
  const payload = inner(value.spec, 'payload') ?? {}
  if (!isObject(payload)) return payload
  const annotations = inner(value.metadata, 'annotations')
  const [id, tag] = ['image-id', 'image-tag'].map((name) => inner(annotations, `kubescape.io/${name}`))
  const named = { userInput: tag ?? id, manifestDigest: id, tags: [], repoDigests: [] }
  const descriptor = inner(payload, 'descriptor')
  const written = inner(inner(inner(value.spec, 'metadata'), 'report'), 'createdAt')
  return {
    ...payload,
    source: payload.source ?? (id === undefined && tag === undefined ? undefined : { type: 'image', target: named }),
    ...(isObject(descriptor) || descriptor == null
      ? { descriptor: { ...descriptor, timestamp: inner(descriptor, 'timestamp') ?? written } }
      : {}),
  }
}
