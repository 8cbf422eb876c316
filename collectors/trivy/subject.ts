/**
 * What a report of Trivy is about: its scan, its images, and for each result the resource its findings belong to. Pure. What was looked for
 * is read off the results that are listed, for Trivy does not say it: a report without results covers nothing.
 */
import { type ZodType, z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import type { FindingClass, ResourceRef } from '../../domain/finding.ts'
import type { Report } from '../collector.ts'
import type { Path } from '../json-elements.ts'
import { aroundOf } from '../report.ts'
import { clusterResource, fileResource, type ImageNames, imageResource, kubernetesResource } from '../resources.ts'
import { packageType } from '../vulnerability.ts'
import { isLegacy } from './layout.ts'
import { operatorSubject } from './operator-subject.ts'
import { ClusterReport, type ClusterPart, type Metadata, OperatorReport, Result, ScanReport } from './shapes.ts'

export type Image = ImageNames & {
  tags: readonly string[]
  repoDigests: readonly string[]
  distribution: string | null
  /** Its lowest layer: what all images built on the same base have in common. */ baseLayer: string | null
  created: string | null
}
/** Where a finding stands. */
export type Place = {
  /** The image, repository or folder; of a check of a cluster its object. */ resource: ResourceRef
  /** The object of the cluster, where it is known. */ object: ResourceRef | null
  target: string
  type: string | null
  distribution: string | null
  /** What packages of the system came with. */ base: { baseLayer: string | null; distribution: string | null } | null
  properties: Record<string, unknown>
}
export type Subject = {
  version: string | null
  /** As the report writes it. */ at: string | null
  /** Null: it is no scan. */ covers: readonly FindingClass[] | null
  failed: string | null
  images: readonly Image[]
  target: (scope: string) => ResourceRef
  place: (path: Path, scope: string) => Place
}

export const subjectOf = aroundOf(z.unknown(), (value: unknown, report: Report): Subject => {
  if (isLegacy(value)) return legacySubject(fit(z.array(Result), value), report)
  const keys = new Set(value !== null && typeof value === 'object' ? Object.keys(value) : [])
  if (keys.has('apiVersion')) return operatorSubject(fit(OperatorReport, value))
  if (keys.has('ClusterName')) return clusterSubject(fit(ClusterReport, value), report)
  if (!keys.has('ArtifactName') && !keys.has('SchemaVersion'))
    throw new InputError(
      'it is no report of Trivy: write it with --format json (tables, SARIF, SPDX and CycloneDX are read elsewhere or not at all)',
    )
  return scanSubject(fit(ScanReport, value), report)
})

function fit<T>(schema: ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new InputError(`the report around it does not fit: ${issue?.path.join('.') || 'document'}: ${issue?.message}`)
}

const ofClass: Readonly<Record<string, FindingClass>> = {
  'os-pkgs': 'vulnerability',
  'lang-pkgs': 'vulnerability',
  config: 'misconfiguration',
  secret: 'secret',
  license: 'licence',
  'license-file': 'licence',
}
const ofList: Readonly<Record<string, FindingClass>> = {
  Vulnerabilities: 'vulnerability',
  Misconfigurations: 'misconfiguration',
  Secrets: 'secret',
  Licenses: 'licence',
}
function coveredBy(results: readonly Result[], { counts }: Report): FindingClass[] {
  const found = Object.keys(counts).map((list) => ofList[list.split('.').at(-2) ?? ''])
  return [...new Set([...results.map(classOf), ...found])].filter((one) => one !== undefined)
}
/** Before there were classes, a kind of package was looked through for vulnerabilities. */
const classOf = ({ Class, Type }: Result): FindingClass | undefined =>
  Class == null || Class === '' ? (packageType(Type) === 'generic' ? undefined : 'vulnerability') : ofClass[Class]

function imageOf(metadata: Metadata | null | undefined, name: string): Image {
  const tags = (metadata?.RepoTags ?? []).filter((tag) => tag !== '')
  const repoDigests = (metadata?.RepoDigests ?? []).filter((one) => one !== '')
  const { Family, Name } = metadata?.OS ?? {}
  return {
    configDigest: metadata?.ImageID,
    manifestDigest: repoDigests[0],
    reference: tags[0] ?? name,
    tags,
    repoDigests,
    distribution: Family == null || Family === '' ? null : `${Family} ${Name ?? ''}`.trim(),
    baseLayer: (metadata?.DiffIDs ?? metadata?.ImageConfig?.rootfs?.diff_ids)?.find((layer) => layer !== '') ?? null,
    created: metadata?.ImageConfig?.created ?? null,
  }
}

const placeIn = (
  result: Result | undefined,
  resource: ResourceRef,
  object: ResourceRef | null,
  family: string | null | undefined,
  image: Image | undefined,
): Place => {
  if (result === undefined) throw new InputError('it stands in no result of the report')
  const base = image === undefined ? null : { baseLayer: image.baseLayer, distribution: image.distribution }
  return { resource, object, target: result.Target ?? '', type: result.Type ?? null, distribution: family ?? null, base, properties: {} }
}

function scanSubject(report: ScanReport, whole: Report): Subject {
  const isImage = report.ArtifactType === 'container_image'
  const image = imageOf(report.Metadata, report.ArtifactName)
  const target = (scope: string): ResourceRef => (isImage ? imageResource(image, scope) : artifact(report, scope))
  const results = report.Results ?? []
  return {
    version: report.Trivy?.Version ?? null,
    at: report.CreatedAt ?? null,
    covers: coveredBy(results, whole),
    failed: null,
    images: isImage ? [image] : [],
    target,
    place: (path, scope) =>
      placeIn(results[Number(path[1])], target(scope), null, report.Metadata?.OS?.Family, isImage ? image : undefined),
  }
}

/** What is no image: a folder or a machine’s disk are files, an inventory is one. */
function artifact({ ArtifactName: name, ArtifactType: type }: ScanReport, scope: string): ResourceRef {
  const key = name === '' ? '.' : name
  const kind =
    type === 'repository'
      ? 'repository'
      : type === 'cyclonedx' || type === 'spdx'
        ? 'sbom'
        : type === 'aws_account'
          ? 'cloud_account'
          : 'file'
  return { kind, scope, key, name: key, namespace: null }
}

function legacySubject(results: readonly Result[], whole: Report): Subject {
  const [first] = results
  const system = results.find(({ Type }) => ['apk', 'deb', 'rpm'].includes(packageType(Type)))
  const name = (system ?? first)?.Target?.replace(/ \([^()]*\)$/, '') ?? ''
  if (name === '') throw new InputError('the report does not say what was scanned ("Target")')
  const image = { ...imageOf(null, name), distribution: system?.Type ?? null }
  const target = (scope: string): ResourceRef =>
    system === undefined ? { kind: 'file', scope, key: name, name, namespace: null } : imageResource(image, scope)
  return {
    version: null,
    at: null,
    covers: coveredBy(results, whole),
    failed: null,
    images: system === undefined ? [] : [image],
    target,
    place: (path, scope) => placeIn(results[Number(path[0])], target(scope), null, system?.Type, undefined),
  }
}

const clusterLists = ['Resources', 'Findings', 'Vulnerabilities', 'Misconfigurations'] as const
function clusterSubject(report: ClusterReport, whole: Report): Subject {
  const parts = clusterLists.flatMap((list) => report[list] ?? [])
  const failed = parts.flatMap(({ Error: error, Kind, Name }) => (error ? [`${Kind}/${Name}: ${error}`] : []))
  return {
    version: null,
    at: null,
    covers: coveredBy(
      parts.flatMap(({ Results }) => Results ?? []),
      whole,
    ),
    failed: failed.length === 0 ? null : `${failed.length} of ${parts.length} objects could not be scanned: ${failed[0]}`,
    images: parts.flatMap(imagesOf),
    target: (scope) => clusterResource(scope, report.ClusterName),
    place: (path, scope) => {
      const part = report[path[0] as (typeof clusterLists)[number]]?.[Number(path[1])]
      const result = part?.Results?.[Number(path[3])]
      if (part === undefined) throw new InputError('it stands in no object of the report')
      const object = kubernetesResource({ kind: kindOf(part.Kind), namespace: part.Namespace ?? null, name: part.Name }, scope)
      const image = imageIn(part, result)
      return placeIn(result, image === undefined ? object : imageResource(image, scope), object, image?.distribution?.split(' ')[0], image)
    },
  }
}

const kindOf = (kind: string): string => (kind === 'NodeInfo' ? 'Node' : kind)
const imagesOf = ({ Metadata: metadata }: ClusterPart): Image[] =>
  (metadata ?? []).filter(({ ImageID }) => ImageID != null && ImageID !== '').map((one) => imageOf(one, ''))
/** A workload may have several images; which one a result is of, only its target says. */
function imageIn(part: ClusterPart, result: Result | undefined): Image | undefined {
  const images = imagesOf(part)
  return images.length === 1 ? images[0] : images.find(({ tags }) => tags.some((tag) => result?.Target?.startsWith(tag) === true))
}

/** A file of what was scanned; without a name it is that itself. */
export const fileAt = (place: Place, path: string | null | undefined): ResourceRef => fileResource(path ?? place.target, place.resource)
