/**
 * Custom resources, read as they are: which of a group the cluster serves, which objects there are and in which version (their contents
 * are not listed: some servers leave them out, and most are known already), and the text of one. Only get and list, and nothing is kept.
 */
import type { KubeConfig } from '@kubernetes/client-node'
import { z } from 'zod'
import { UpstreamError } from '../domain/errors.ts'
import { KubernetesApiError, segment } from './contract.ts'
import { parseAnswer, sendRequest } from './requests.ts'

export type CustomResource = { group: string; version: string; plural: string; namespaced: boolean }
export type ObjectVersion = { uid: string; version: string; namespace: string | null; name: string }

const Group = z.looseObject({ preferredVersion: z.looseObject({ version: z.string().min(1) }) })
const Served = z.looseObject({ resources: z.array(z.looseObject({ name: z.string(), namespaced: z.boolean() })) })
const Metadata = z.looseObject({
  name: z.string().min(1),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
})
const Page = z.looseObject({
  items: z.array(z.looseObject({ metadata: Metadata })).nullish(),
  metadata: z.looseObject({ continue: z.string().nullish() }).nullish(),
})

const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'
/** A list that is continued later than the server remembers begins anew; one that never ends within its time is given up. */
const mostBeginnings = 5

/** What the cluster serves of a group, in the version it prefers; nothing when it knows no such group. */
export async function servedResources(kubeConfig: KubeConfig, group: string): Promise<CustomResource[]> {
  const path = `/apis/${segment(group)}`
  const about = await textAt(kubeConfig, path)
  if (about === null) return []
  const { version } = fit(Group, parseAnswer(about)).preferredVersion
  const served = await textAt(kubeConfig, `${path}/${segment(version)}`)
  if (served === null) return []
  return fit(Served, parseAnswer(served)).resources.map(({ name, namespaced }) => ({ group, version, plural: name, namespaced }))
}

/** Every object there is, without its contents. */
export async function listVersions(kubeConfig: KubeConfig, resource: CustomResource, pageSize = 250): Promise<ObjectVersion[]> {
  for (let beginning = 1; ; beginning += 1)
    try {
      return await listPages(kubeConfig, resource, pageSize)
    } catch (error) {
      if (!(error instanceof KubernetesApiError) || error.status !== 410 || beginning === mostBeginnings) throw error
    }
}

async function listPages(kubeConfig: KubeConfig, resource: CustomResource, pageSize: number): Promise<ObjectVersion[]> {
  const objects: ObjectVersion[] = []
  let next = ''
  do {
    const query = { limit: String(pageSize), ...(next === '' ? {} : { continue: next }) }
    const { text } = await sendRequest(kubeConfig, { method: 'GET', path: pathOf(resource), query, accept: metadataOnly })
    const { items, metadata } = fit(Page, parseAnswer(text))
    objects.push(...(items ?? []).map((item) => versionOf(item.metadata)))
    next = metadata?.continue ?? ''
  } while (next !== '')
  return objects
}

/** The object as it is now, byte for byte, and which version that is; null when it has gone since. */
export async function readObject(
  kubeConfig: KubeConfig,
  resource: CustomResource,
  { namespace, name }: ObjectVersion,
): Promise<{ text: string; object: ObjectVersion } | null> {
  const place = namespace === null ? '' : `/namespaces/${segment(namespace)}`
  const { group, version, plural } = resource
  const text = await textAt(kubeConfig, `/apis/${group}/${version}${place}/${plural}/${segment(name)}`)
  return text === null ? null : { text, object: versionOf(fit(z.looseObject({ metadata: Metadata }), parseAnswer(text)).metadata) }
}

const pathOf = ({ group, version, plural }: CustomResource): string => `/apis/${group}/${version}/${plural}`

function versionOf({ name, namespace, uid, resourceVersion }: z.infer<typeof Metadata>): ObjectVersion {
  const inside = namespace ?? null
  // Aggregated servers may give no UID: then its name is who it is.
  return { uid: uid || `${inside ?? ''}/${name}`, version: resourceVersion ?? '', namespace: inside, name }
}

/** Null: there is no such thing. */
async function textAt(kubeConfig: KubeConfig, path: string): Promise<string | null> {
  try {
    return (await sendRequest(kubeConfig, { method: 'GET', path })).text
  } catch (error) {
    if (error instanceof KubernetesApiError && error.status === 404) return null
    throw error
  }
}

function fit<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UpstreamError(`The cluster’s answer does not fit: ${issue?.path.join('.') || 'document'}: ${issue?.message}`, {
    retryable: true,
  })
}
