/**
 * What a CycloneDX document says, as far as it is read: the document around its lists, a component with those nested in it, a
 * vulnerability. Checked, and named alike in every version of the format. Pure.
 */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { digestIn, type ImageNames } from '../resources.ts'
import { packageFrom, packageKey } from '../vulnerability.ts'

const text = z.string().nullish()
export const Bom = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().regex(/^1\.\d+$/, 'is no version 1.x of CycloneDX'),
  serialNumber: text,
  metadata: z.looseObject({ timestamp: text, tools: z.unknown().optional(), component: z.unknown().optional() }).nullish(),
})
export type Bom = z.infer<typeof Bom>

export const Component = z.looseObject({
  type: text,
  name: z.string(),
  group: text,
  version: text,
  purl: text,
  'bom-ref': text,
  properties: z.array(z.looseObject({ name: text, value: z.unknown().optional() })).nullish(),
  components: z.array(z.unknown()).nullish(),
})

export const Vulnerability = z.looseObject({
  id: text,
  source: z.looseObject({ name: text, url: text }).nullish(),
  references: z.array(z.looseObject({ id: text, source: z.looseObject({ url: text }).nullish() })).nullish(),
  ratings: z
    .array(
      z.looseObject({
        source: z.looseObject({ name: text }).nullish(),
        score: z.number().nullish(),
        severity: text,
        method: text,
        vector: text,
      }),
    )
    .nullish(),
  description: text,
  recommendation: text,
  advisories: z.array(z.looseObject({ url: text })).nullish(),
  analysis: z.looseObject({ state: text, justification: text, detail: text }).nullish(),
  affects: z
    .array(
      z.looseObject({ ref: z.string().min(1), versions: z.array(z.looseObject({ version: text, range: text, status: text })).nullish() }),
    )
    .nullish(),
})
export type Vulnerability = z.infer<typeof Vulnerability>

/** What the document describes as a whole: `metadata.component`, as written. Undefined: nothing, as a VEX document does. */
export function subjectOf(bom: unknown): unknown {
  const { metadata } = (bom ?? {}) as { metadata?: unknown }
  return ((metadata ?? {}) as { component?: unknown }).component ?? undefined
}

/** One component: what is needed of it, and the image it lies in. */
export type Part = {
  type: string
  name: string
  version: string | null
  purl: string | null
  ref: string | null
  paths: string[]
  image: ImageNames | null
  repoDigests: string[]
  within: Part | null
}

const deepest = 32
/** The component and all that are nested in it. Throws InputError. */
export function* partsOf(value: unknown, within: Part | null, depth = 0): Iterable<Part> {
  if (depth > deepest) throw new InputError(`its components are nested deeper than ${deepest} levels`)
  const parsed = Component.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new InputError(`a component nested in it does not fit: ${issue?.path.join('.') || 'component'}: ${issue?.message}`)
  }
  const part = partOf(parsed.data, within)
  yield part
  const around = part.image === null ? within : part
  for (const inner of parsed.data.components ?? []) yield* partsOf(inner, around, depth + 1)
}

function partOf(component: z.infer<typeof Component>, within: Part | null): Part {
  const { name, type, group, version, purl } = component
  const said = (pattern: RegExp): string[] =>
    (component.properties ?? []).flatMap(({ name: key, value }) => (pattern.test(key ?? '') && typeof value === 'string' ? [value] : []))
  const part = {
    type: (type ?? '').toLowerCase(),
    name: group ? `${group}${purl?.startsWith('pkg:maven/') ? ':' : '/'}${name}` : name,
    version: version || null,
    purl: purl || null,
    ref: component['bom-ref'] || null,
    paths: [...new Set(said(/^(?:syft:location:\d+:path|aquasecurity:trivy:FilePath)$/))].slice(0, 100),
    image: null,
    repoDigests: said(/^aquasecurity:trivy:RepoDigest$/),
    within,
  }
  return part.type === 'container' ? { ...part, image: imageNames(part, said(/^aquasecurity:trivy:ImageID$/)[0]) } : part
}

/** Syft and Grype write the manifest’s digest where the version belongs, Trivy into properties and the package URL. */
function imageNames({ name, version, purl, repoDigests }: Omit<Part, 'image'>, imageId: string | undefined): ImageNames {
  const tagged = /[:@][^/]*$/.test(name) || version === null || digestIn(version) !== null
  return {
    configDigest: digestIn(imageId),
    manifestDigest: digestIn(repoDigests[0]) ?? digestIn(version) ?? digestIn(purl === null ? null : unescaped(purl)),
    reference: (tagged ? name : `${name}:${version}`).slice(0, longestKey),
  }
}
const unescaped = (purl: string): string => purl.replaceAll(/%3a/gi, ':')

/** As what other scanners know it too. Null: it is a file, an operating system, a lock file: nothing that is installed under a name of its own. */
export function packageOf({ type, name, version, purl }: Part): { key: string; name: string; version: string | null; type: string } | null {
  const known = packageKey(purl)
  const named = name !== '' && (purl !== null || type === 'library' || type === 'framework')
  const found = known !== undefined ? { ...known, name, version } : named ? packageFrom('generic', name, version) : null
  if (found !== null && found.key.length > longestKey) throw new InputError(`its package URL is longer than ${longestKey} characters`)
  return found
}
/** What a row can be found by. */
const longestKey = 1_000

/** Who made the document: a list of tools (to 1.4), an object of components and services (from 1.5), or nobody says. */
export function toolOf(tools: unknown): { name: string; version: string | null } | null {
  const grouped = tools !== null && typeof tools === 'object' && !Array.isArray(tools) ? (tools as Record<string, unknown>) : {}
  const all = [tools, grouped.components, grouped.services].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
  const named = all.map((one) => Tool.safeParse(one)).find((one) => one.success && one.data.name !== '')
  return named?.data === undefined
    ? null
    : { name: named.data.name.toLowerCase().slice(0, 100), version: named.data.version?.slice(0, 100) || null }
}
const Tool = z.looseObject({ name: z.string(), version: text })
