/** From an entry of a report to its finding, and from a report’s end to its scan and the images it speaks of. Pure. */
import type { ZodType, z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import type { NewScan } from '../../domain/finding.ts'
import type { NewRecord, Piece, Report, SourceContext } from '../collector.ts'
import { packageOfImage } from '../image-packages.ts'
import { cut } from '../words.ts'
import { imageAliases, imageResource } from '../resources.ts'
import { observedAt, scanKey } from '../scan.ts'
import {
  control,
  licence,
  listedPackage,
  misconfiguration,
  operatorCheck,
  operatorSecret,
  operatorVulnerability,
  type Said,
  secret,
  vulnerability,
} from './findings.ts'
import { listName } from './layout.ts'
import { type ElementList, elements, isElementList } from './shapes.ts'
import { type Image, type Place, type Subject, subjectOf } from './subject.ts'

export function* normaliseTrivy(raw: unknown, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const subject = subjectOf(piece)
  if (piece.end === true) return yield* atEnd(subject, piece.report as Report, source)
  const list = listName(piece)
  // What Trivy’s modules add: counted, no finding.
  if (list !== 'Packages' && !isElementList(list)) return
  const place = subject.place(piece.path ?? [], source.scope)
  const scan = scanOf(subject, piece.report as Report, source)
  if (list === 'Packages') return yield* packageOfImage(place.resource, listedPackage(raw, place), scan.observedNs)
  const said = makers[list](raw as never, place)
  yield { kind: 'finding', finding: { scope: source.scope, raw: piece.bytes, ...said, scan } }
  yield* packageOfImage(said.resource, said.package, scan.observedNs)
}

type Element<List extends ElementList> = z.infer<(typeof elements)[List]>
const makers: { [List in ElementList]: (said: Element<List>, place: Place) => Said } = {
  Vulnerabilities: vulnerability,
  Misconfigurations: misconfiguration,
  Secrets: secret,
  Licenses: licence,
  ExperimentalModifiedFindings: modified,
  vulnerabilities: operatorVulnerability,
  checks: operatorCheck,
  secrets: operatorSecret,
  controlCheck: control,
  results: control,
}

/** What an ignore file or a VEX statement took out of the lists. */
function modified({ Type, Status, Statement, Source, Finding }: Element<'ExperimentalModifiedFindings'>, place: Place): Said {
  const reason = `${Status || 'ignored'}${Statement ? `: ${Statement}` : ''}${Source ? ` (${Source})` : ''}`
  const muted = { outcome: 'muted' as const, outcomeReason: cut(reason, 1_000) }
  switch (Type) {
    case 'vulnerability':
      return { ...vulnerability(fit(elements.Vulnerabilities, Finding), place), ...muted }
    case 'misconfiguration':
      return { ...misconfiguration(fit(elements.Misconfigurations, Finding), place), ...muted }
    case 'secret':
      return { ...secret(fit(elements.Secrets, Finding), place), ...muted }
    case 'license':
      return { ...licence(fit(elements.Licenses, Finding), place), ...muted }
    default:
      throw new InputError(`a modified finding of the type "${cut(Type, 100)}" is none this version reads`)
  }
}

function fit<T>(schema: ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new InputError(`the modified finding does not fit: ${issue?.path.join('.')}: ${issue?.message}`)
}

function scanOf(subject: Subject, report: Report, source: SourceContext): NewScan {
  const { scope } = source
  const target = subject.target(scope)
  return {
    scope,
    scanner: 'trivy',
    version: subject.version,
    target,
    covers: [...(subject.covers ?? [])],
    contentKey: scanKey(report.sha256, scope, target.key),
    ...observedAt(subject.at, source),
  }
}

function* atEnd(subject: Subject, report: Report, source: SourceContext): Iterable<NewRecord> {
  if (subject.covers === null) return
  const scan = scanOf(subject, report, source)
  yield* imageRecords(subject.images, scan)
  const findings = Object.entries(report.counts)
    .filter(([list]) => isElementList(list.includes('.') ? (list.split('.').at(-2) ?? '') : list))
    .reduce((sum, [, count]) => sum + count, 0)
  yield { kind: 'scan', scan, end: { findings, failed: subject.failed === null ? null : cut(subject.failed, 500) } }
}

/** Images whose digest is known, once each. By a reference alone an image is known only within its cluster, and that is inventory’s word. */
function* imageRecords(images: readonly Image[], { scope: own, observedNs }: NewScan): Iterable<NewRecord> {
  const done = new Set<string>()
  for (const image of images) {
    const { scope, key, name } = imageResource(image, own)
    if (scope !== 'global' || done.has(key)) continue
    done.add(key)
    const { tags, repoDigests, distribution } = image
    const properties = { reference: name, tags: tags.slice(0, 20), repoDigests: repoDigests.slice(0, 20), distribution, declaredOnly: true }
    const created = parseEventTime(image.created ?? '') ?? 0n
    const at = { observedNs, validFromNs: created > 0n && created < observedNs ? created : observedNs, deletedNs: null }
    yield { kind: 'entity', entity: { scope, kind: 'image', key, name: cut(name, 500), namespace: null, properties, ...at } }
    for (const alias of imageAliases({ ...image, repoDigests }, 'trivy: ImageID, RepoDigests', observedNs)) yield { kind: 'alias', alias }
  }
}
