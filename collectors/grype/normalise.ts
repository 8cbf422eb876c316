/**
 * A match of Grype as a finding, and what it scanned. Pure. An advisory (GHSA-…) that stands for exactly one CVE is that CVE,
 * so that it is the same finding as another scanner’s.
 */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import type { FindingPackage, NewFinding, NewScan, ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import { packageOfImage } from '../image-packages.ts'
import { cut, proseOf, referencesOf, titleOf } from '../words.ts'
import { aroundOf, versionDigest } from '../report.ts'
import { imageAliases, imageResource } from '../resources.ts'
import { observedAt, scanKey } from '../scan.ts'
import { isOfSystem, packageFrom, packageKey, packageType, severityOf, vulnerabilityId } from '../vulnerability.ts'
import { isPartOfManifest, reportIn } from './manifest.ts'
import { Around, type IgnoreRule, type Match, type Vulnerability } from './shapes.ts'

const around = aroundOf(z.preprocess(reportIn, Around))

export function* normaliseGrype(raw: unknown, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  if (isPartOfManifest(piece.report?.value)) return
  const said = around(piece)
  const scan = scanOf(said, piece, source)
  if (piece.end === true) return yield* atEnd(said, scan, piece)
  const finding = findingOf(raw as Match, piece, scan, said)
  yield { kind: 'finding', finding }
  yield* packageOfImage(finding.resource, finding.package, scan.observedNs)
}

function scanOf(said: Around, { report }: Piece, source: SourceContext): NewScan {
  const { scope } = source
  const target = targetOf(said, scope)
  return {
    scope,
    scanner: 'grype',
    version: said.descriptor?.version ?? null,
    target,
    covers: ['vulnerability'],
    contentKey: scanKey(versionDigest(report?.value) ?? report?.sha256 ?? '', scope, target.key),
    ...observedAt(said.descriptor?.timestamp, source),
  }
}

function targetOf({ source }: Around, scope: string): ResourceRef {
  const target = source?.target ?? null
  if (target !== null && typeof target === 'object') return imageResource(namesOf(target), scope)
  if (target === null || target === '')
    throw new InputError('the report does not say what was scanned ("source"); write it with grype -o json')
  const kind = source?.type === 'directory' || source?.type === 'file' ? 'file' : source?.type === 'image' ? 'image' : 'sbom'
  return { kind, scope, key: target, name: target, namespace: null }
}

type Image = Exclude<NonNullable<NonNullable<Around['source']>['target']>, string>
const namesOf = (image: Image): Parameters<typeof imageResource>[0] => ({
  configDigest: image.imageID,
  manifestDigest: image.manifestDigest,
  reference: image.tags?.find((tag) => tag !== '') ?? image.userInput ?? '',
})

function* atEnd(said: Around, scan: NewScan, { report }: Piece): Iterable<NewRecord> {
  const target = said.source?.target
  const { db } = said.descriptor ?? {}
  if (target != null && typeof target === 'object' && scan.target.scope === 'global') {
    const { scope, key, name } = scan.target
    const properties = {
      reference: name,
      tags: (target.tags ?? []).slice(0, 20),
      repoDigests: (target.repoDigests ?? []).slice(0, 20),
      distribution: distributionOf(said),
      declaredOnly: true,
    }
    const at = { observedNs: scan.observedNs, validFromNs: scan.observedNs, deletedNs: null }
    yield { kind: 'entity', entity: { scope, kind: 'image', key, name: cut(name, 500), namespace: null, properties, ...at } }
    for (const alias of imageAliases(
      { ...namesOf(target), repoDigests: target.repoDigests ?? [] },
      'grype: imageID, manifestDigest, repoDigests',
      scan.observedNs,
    ))
      yield { kind: 'alias', alias }
  }
  const broken = db?.error ?? db?.status?.error ?? null
  const failed = broken === null || broken === '' ? null : cut(`its vulnerability database was not usable: ${broken}`, 500)
  const findings = Object.values(report?.counts ?? {}).reduce((sum, count) => sum + count, 0)
  yield { kind: 'scan', scan, end: { findings, failed } }
}

const distributionOf = ({ distro }: Around): string | null =>
  [distro?.name, distro?.version].filter((part) => part != null && part !== '').join(' ') || null

/** What packages of the system came with: all images built on the same base have their lowest layer in common. */
function baseOf(said: Around, type: string): Record<string, unknown> {
  const target = said.source?.target
  if (target == null || typeof target !== 'object' || !isOfSystem(type)) return {}
  return { baseLayer: target.layers?.[0]?.digest, distribution: distributionOf(said) }
}

function findingOf(raw: Match, piece: Piece, scan: NewScan, said: Around): NewFinding {
  const { vulnerability, artifact, relatedVulnerabilities } = raw
  const related = relatedVulnerabilities ?? []
  const { check, aliases } = vulnerabilityId(
    vulnerability.id,
    related.map(({ id }) => id),
  )
  const described = vulnerability.description ?? related.find(({ description }) => description != null)?.description
  const muted = raw.appliedIgnoreRules ?? []
  const isMuted = piece.list === '$.ignoredMatches.*'
  return {
    scope: scan.scope,
    class: 'vulnerability',
    check,
    aliases: [...aliases, ...(vulnerability.advisories ?? []).flatMap(({ id }) => (id ? [id] : []))],
    title: titleOf(described != null && described !== '' ? described : `${check} in ${artifact.name}`),
    description: proseOf(described),
    remediation: null,
    references: referencesOf([
      vulnerability.dataSource,
      ...(vulnerability.urls ?? vulnerability.links ?? []),
      ...related.map(({ dataSource }) => dataSource),
    ]),
    severity: severityOf(vulnerability.severity),
    outcome: isMuted ? 'muted' : 'fail',
    outcomeReason: isMuted ? cut(muted.map(reasonOf).join('; ') || 'ignored by a rule', 1_000) : null,
    resource: scan.target,
    package: packageOf(raw),
    cvss: [vulnerability, ...related].map(cvssOf).find((one) => one !== null) ?? null,
    properties: propertiesOf(vulnerability, baseOf(said, packageType(artifact.type))),
    scan,
    document: raw,
    raw: piece.bytes,
  }
}

function packageOf({ artifact, vulnerability }: Match): FindingPackage {
  const { name, version = null } = artifact
  const known = packageKey(artifact.purl)
  const type = packageType(artifact.type)
  return {
    ...(known === undefined ? packageFrom(type, name, version) : { ...known, name, version }),
    fixedIn: (vulnerability.fix?.versions ?? [vulnerability.fixedInVersion])
      .filter((one) => one != null && one !== '')
      .slice(0, 20) as string[],
    paths: [...new Set((artifact.locations ?? []).flatMap(({ path }) => (path ? [cut(path, 1_000)] : [])))].slice(0, 50),
  }
}

/** The newest version of CVSS that is given. */
function cvssOf({ cvss, cvssV3, cvssV2 }: Vulnerability): NewFinding['cvss'] {
  const given = [
    ...(cvss ?? []).map(({ version, vector, metrics }) => ({ version: version ?? '', vector, score: metrics?.baseScore })),
    ...(cvssV3 == null
      ? []
      : [{ version: /^CVSS:(\d\.\d)/.exec(cvssV3.vector ?? '')?.[1] ?? '3.0', vector: cvssV3.vector, score: cvssV3.baseScore }]),
    ...(cvssV2 == null ? [] : [{ version: '2.0', vector: cvssV2.vector, score: cvssV2.baseScore }]),
  ].filter(({ score, version }) => score != null && version !== '')
  const [best] = given.sort((a, b) => b.version.localeCompare(a.version))
  return best === undefined ? null : { version: best.version, score: best.score as number, vector: best.vector ?? null }
}

function propertiesOf({ fix, epss, risk, knownExploited }: Vulnerability, base: Record<string, unknown>): Record<string, unknown> {
  const properties = {
    ...base,
    fixState: fix?.state,
    epss: epss?.[0]?.epss,
    epssPercentile: epss?.[0]?.percentile,
    risk,
    knownExploited: (knownExploited?.length ?? 0) > 0 ? true : undefined,
  }
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value != null && value !== ''))
}

/** In the rule’s own words, else what it asks for. */
function reasonOf(rule: IgnoreRule): string {
  if (rule.reason != null && rule.reason !== '') return rule.reason
  const asks = Object.entries({
    ...rule,
    ...Object.fromEntries(Object.entries(rule.package ?? {}).map(([key, value]) => [`package ${key}`, value])),
  })
    .filter(([key, value]) => key !== 'package' && key !== 'include-aliases' && typeof value === 'string' && value !== '')
    .map(([key, value]) => `${key} ${value as string}`)
  return `rule: ${asks.join(', ') || 'any match'}`
}
