/**
 * A vulnerability of a document as findings, one for each component it affects; with what VEX says of it. Pure.
 */
import { InputError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import type { FindingPackage, NewFinding, ResourceRef } from '../../domain/finding.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import { unescaped } from '../words.ts'
import { packageFrom, packageKey, severityOf, vulnerabilityId } from '../vulnerability.ts'
import { packageOf, type Part, type Vulnerability } from './document.ts'
import { type Around, around, imageOf, scanOf, targetOf } from './normalise.ts'
import type { Pointing } from './split.ts'

/** One vulnerability of very many components must not become more than this. */
const mostBytes = 64 * 1024 * 1024

type About = { resource: ResourceRef; package: Omit<FindingPackage, 'fixedIn'> | null }

export function* findingsOf({ vulnerability, parts }: Pointing, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const said = around(piece)
  const affects = vulnerability.affects ?? []
  const shared = sharedOf(vulnerability, said, source)
  const narrow = affects.length > 1
  if (narrow && Buffer.byteLength(stringifyExact({ ...vulnerability, affects: [] })) * affects.length > mostBytes)
    throw new InputError(`written out for each of the ${affects.length} components it affects it is larger than ${mostBytes} bytes`)
  for (const one of narrow ? affects : [affects[0]]) {
    const about: About =
      one === undefined ? { resource: targetOf(said, source.scope), package: null } : aboutOf(one.ref, parts, said, source.scope)
    const document = narrow ? { ...vulnerability, affects: [one] } : vulnerability
    const fixedIn = (one?.versions ?? []).flatMap(({ status, version }) =>
      status === 'unaffected' && version ? [version.slice(0, 100)] : [],
    )
    yield {
      kind: 'finding',
      finding: {
        ...shared,
        resource: about.resource,
        package: about.package === null ? null : { ...about.package, fixedIn: fixedIn.slice(0, 20) },
        document,
        raw: narrow ? Buffer.from(stringifyExact(document)) : (piece.document?.bytes ?? piece.bytes),
      },
    }
  }
}

function sharedOf(
  vulnerability: Vulnerability,
  said: Around,
  source: SourceContext,
): Omit<NewFinding, 'resource' | 'package' | 'document' | 'raw'> {
  const related = (vulnerability.references ?? []).flatMap(({ id }) => (id ? [id] : []))
  const id = vulnerability.id || related[0]
  if (id === undefined) throw new InputError('the vulnerability has no id, and refers to none')
  const { check, aliases } = vulnerabilityId(id, related)
  const links = [
    vulnerability.source?.url,
    ...(vulnerability.advisories ?? []).map(({ url }) => url),
    ...(vulnerability.references ?? []).map((one) => one.source?.url),
  ].flatMap((url) => (url ? [cut(url, 2_000)] : []))
  const description = vulnerability.description || null
  return {
    scope: source.scope,
    class: 'vulnerability',
    check: cut(check, 200),
    aliases: aliases.slice(0, 50).map((alias) => cut(alias, 200)),
    title: cut(description?.trim().split('\n')[0] || check, 500),
    description: description === null ? null : cut(description, 4_000),
    remediation: vulnerability.recommendation ? cut(vulnerability.recommendation, 4_000) : null,
    references: [...new Set(links)].slice(0, 20),
    severity: severityOf(bestRating(vulnerability, ({ severity }) => severityOf(severity) !== null)?.severity),
    cvss: cvssOf(vulnerability),
    ...outcomeOf(vulnerability.analysis),
    properties: {},
    scan: scanOf(said, source),
  }
}

const cut = (text: string, longest: number): string => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text)

/** What VEX says. Of what is under triage, or in no known state, nobody has said yet that it does no harm. */
function outcomeOf(analysis: Vulnerability['analysis']): Pick<NewFinding, 'outcome' | 'outcomeReason'> {
  if (!analysis) return { outcome: 'fail', outcomeReason: null }
  const { state, justification, detail } = analysis
  const reason = [state, justification, detail].filter((part) => part).join(': ')
  return { outcome: outcomes.get(state ?? '') ?? 'fail', outcomeReason: reason === '' ? null : cut(reason, 1_000) }
}
const outcomes = new Map<string, NewFinding['outcome']>([
  ['not_affected', 'not_applicable'],
  ['false_positive', 'not_applicable'],
  ['resolved', 'pass'],
  ['resolved_with_pedigree', 'pass'],
])

type Rating = NonNullable<Vulnerability['ratings']>[number]
/** The word of whom the vulnerability comes from, else of NVD, else of whoever says something; of each the newest method first. */
function bestRating({ ratings, source }: Vulnerability, says: (rating: Rating) => boolean): Rating | undefined {
  const trust = (rating: Rating): number => {
    const by = rating.source?.name?.toLowerCase()
    return by !== undefined && by === source?.name?.toLowerCase() ? 0 : by === 'nvd' ? 1 : 2
  }
  return (ratings ?? []).filter(says).sort((a, b) => trust(a) - trust(b) || Number(versionOf(b) ?? 0) - Number(versionOf(a) ?? 0))[0]
}

function cvssOf(vulnerability: Vulnerability): NewFinding['cvss'] {
  const rating = bestRating(
    vulnerability,
    (one) => versionOf(one) !== null && typeof one.score === 'number' && one.score >= 0 && one.score <= 10,
  )
  if (rating === undefined) return null
  return { version: versionOf(rating) ?? '', score: rating.score ?? 0, vector: rating.vector ? cut(rating.vector, 300) : null }
}

function versionOf({ method, vector }: Rating): string | null {
  return /^CVSS:(\d\.\d)\//.exec(vector ?? '')?.[1] ?? methods.get(method?.toLowerCase() ?? '') ?? null
}
const methods = new Map([
  ['cvssv2', '2.0'],
  ['cvssv3', '3.0'],
  ['cvssv31', '3.1'],
  ['cvssv4', '4.0'],
])

const linkPattern = /^urn:cdx:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/\d+)?(?:#(.*))?$/is
/** Whom a vulnerability concerns: a component of this document, of another that is linked to, or a package URL by itself. */
function aboutOf(ref: string, parts: Pointing['parts'], said: Around, scope: string): About {
  const [, serial, fragment] = linkPattern.exec(ref) ?? []
  const elsewhere = serial !== undefined && serial.toLowerCase() !== said.serialNumber
  const name = fragment === undefined ? ref : unescaped(fragment)
  const part = elsewhere ? undefined : parts.get(name)
  if (part !== undefined) return aboutPart(part, said, scope)
  const found = packageKey(name)
  const key = elsewhere ? `urn:cdx:${serial.toLowerCase()}` : null
  const own = (suffix: string): ResourceRef =>
    key === null
      ? targetOf(said, scope)
      : { kind: 'sbom', scope, key: cut(`${key}${suffix}`, 1_000), name: cut(fragment === undefined ? key : name, 500), namespace: null }
  if (found !== undefined) return { resource: own(''), package: { ...found, ...named(found.key), paths: [] } }
  // In another document it is whatever that calls so; in this one it should have been there.
  if (key !== null) return { resource: own(fragment === undefined ? '' : `#${name}`), package: null }
  return { resource: own(''), package: { ...packageFrom('generic', cut(name, 500), null), paths: [] } }
}

function aboutPart(part: Part, said: Around, scope: string): About {
  if (part.image !== null) return { resource: imageOf(part.image, scope), package: null }
  const resource = part.within?.image ? imageOf(part.within.image, scope) : targetOf(said, scope)
  if (part.ref !== null && part.ref === said.subject?.ref) return { resource, package: null }
  return { resource, package: { ...(packageOf(part) ?? packageFrom('generic', part.name, part.version)), paths: part.paths } }
}

/** Name and version as they stand in a package URL’s key. */
function named(key: string): { name: string; version: string | null } {
  const [, path = key, version] = /^pkg:[^/]+\/(.*?)(?:@([^@]*))?$/.exec(key) ?? []
  return { name: unescaped(path), version: version === undefined ? null : unescaped(version) }
}
