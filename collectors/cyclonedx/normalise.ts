/**
 * What a document describes (an image, a folder, an application), the packages in it, and the scan it was said in. Pure.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { EntityRef, NewEntity } from '../../domain/entity.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import type { NewScan, ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, Report, SourceContext } from '../collector.ts'
import { aroundOf } from '../report.ts'
import { imageAliases, type ImageNames, imageResource } from '../resources.ts'
import { packageKey } from '../vulnerability.ts'
import { Bom, packageOf, type Part, partsOf, subjectOf, toolOf } from './document.ts'
import { type End, lists } from './split.ts'

export type Around = {
  subject: Part | null
  tool: { name: string; version: string | null }
  serialNumber: string | null
  timeNs: bigint | null
  covers: NewScan['covers']
  sha256: string
}

const longestName = 500
const longestKey = 1_000
/** Tools that always look for vulnerabilities: that they list none is an answer. */
const scanners = new Set(['grype'])

export const around = aroundOf(Bom, (bom: Bom, report: Report): Around => {
  const described = subjectOf(bom)
  const [subject = null] = described === undefined ? [] : partsOf(described, null)
  const tool = toolOf(bom.metadata?.tools)
  const timeNs = parseEventTime(bom.metadata?.timestamp ?? '') ?? 0n
  const has = (list: string): boolean => (report.counts[list] ?? 0) > 0
  // A VEX document speaks of what it names, an SBOM of what is there: neither looked for vulnerabilities.
  const looked = (has(lists.components) && has(lists.vulnerabilities)) || scanners.has(tool?.name ?? '')
  return {
    subject,
    tool: tool ?? { name: 'cyclonedx', version: null },
    serialNumber: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(bom.serialNumber ?? '')?.[0].toLowerCase() ?? null,
    timeNs: timeNs > 0n ? timeNs : null,
    covers: looked ? ['vulnerability'] : [],
    sha256: report.sha256,
  }
})

export function scanOf(said: Around, source: SourceContext): NewScan {
  const target = targetOf(said, source.scope)
  return {
    scope: source.scope,
    scanner: said.tool.name,
    version: said.tool.version,
    target,
    covers: said.covers,
    contentKey: createHash('sha256')
      .update(canonicalJson([said.sha256, source.scope, target.key]))
      .digest('hex'),
    observedNs: said.timeNs ?? source.receivedNs,
    observedFrom: said.timeNs === null ? 'received' : 'report',
  }
}

/** What the document is about: the image; a file; else what it describes, by its package URL or name; else the document itself. */
export function targetOf({ subject, serialNumber, sha256 }: Around, scope: string): ResourceRef {
  if (subject?.image) return imageOf(subject.image, scope)
  if (subject !== null && subject.name !== '') {
    const { type, name, version, purl } = subject
    if (type === 'file') return { kind: 'file', scope, key: name.slice(0, longestKey), name: name.slice(0, longestName), namespace: null }
    const key = packageKey(purl)?.key ?? (version === null ? name : `${name}@${version}`)
    return { kind: 'sbom', scope, key: key.slice(0, longestKey), name: name.slice(0, longestName), namespace: null }
  }
  const key = serialNumber === null ? `sha256:${sha256}` : `urn:cdx:${serialNumber}`
  return { kind: 'sbom', scope, key, name: key, namespace: null }
}

export function imageOf(image: ImageNames, scope: string): ResourceRef {
  const resource = imageResource(image, scope)
  return { ...resource, name: resource.name.slice(0, longestName) }
}

/** Of a component and of those nested in it: images, packages, and which image has which package. */
export function* inventoryOf(raw: unknown, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const said = around(piece)
  const { observedNs } = scanOf(said, source)
  const within = piece.list === lists.subject || !said.subject?.image ? null : said.subject
  for (const [index, part] of [...partsOf(raw, within)].entries()) {
    if (part.image !== null) yield* imageRecords(part, part.image, said, source, observedNs)
    // What a document describes contains packages and is none.
    else if (piece.list !== lists.subject || index > 0) yield* packageRecords(part, source, observedNs)
  }
}

function* imageRecords(part: Part, image: ImageNames, said: Around, source: SourceContext, observedNs: bigint): Iterable<NewRecord> {
  const { scope, key, name } = imageOf(image, source.scope)
  const properties = { reference: image.reference.slice(0, longestName), declaredOnly: true }
  yield { kind: 'entity', entity: entity({ scope, kind: 'image', key }, name, properties, observedNs) }
  for (const alias of imageAliases({ ...image, repoDigests: part.repoDigests }, `${said.tool.name}: CycloneDX`, observedNs))
    yield { kind: 'alias', alias }
}

function* packageRecords(part: Part, source: SourceContext, observedNs: bigint): Iterable<NewRecord> {
  const found = packageOf(part)
  if (found === null) return
  const to: EntityRef = { scope: 'global', kind: 'package', key: found.key }
  const properties = { version: found.version, type: found.type, declaredOnly: true }
  yield { kind: 'entity', entity: entity(to, found.name.slice(0, longestName), properties, observedNs) }
  if (!part.within?.image) return
  const { scope, key } = imageOf(part.within.image, source.scope)
  const from: EntityRef = { scope, kind: 'image', key }
  const where = part.paths.length > 0 ? { properties: { paths: part.paths } } : {}
  yield { kind: 'relation', relation: { from, type: 'HAS_PACKAGE', to, observedNs, ...where } }
}

const entity = (ref: EntityRef, name: string, properties: NewEntity['properties'], observedNs: bigint): NewEntity => ({
  ...ref,
  name,
  namespace: null,
  properties,
  observedNs,
  validFromNs: observedNs,
  deletedNs: null,
})

export function* endOf({ findings }: End, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  yield { kind: 'scan', scan: scanOf(around(piece), source), end: { findings, failed: null } }
}
