/**
 * One entry of a report of Trivy as a finding. Pure. The value of a secret is in none of it: neither the match nor the lines around it are
 * kept, of a misconfiguration neither the lines of code.
 */
import { stringifyExact } from '../../domain/exact-json.ts'
import type { FindingPackage, NewFinding, ResourceRef } from '../../domain/finding.ts'
import { cut, proseOf, referencesOf, titleOf } from '../words.ts'
import { isOfSystem, packageFrom, packageKey, packageType, severityOf, trivyCheck, vulnerabilityId } from '../vulnerability.ts'
import {
  type Check,
  type Control,
  type FoundSecret,
  type Licence,
  ListedPackage,
  type Misconfiguration,
  type OperatorSecret,
  type OperatorVulnerability,
  type Vulnerability,
} from './shapes.ts'
import { fileAt, type Place } from './subject.ts'

/** A finding without what all of a report have in common. */
export type Said = Omit<NewFinding, 'scope' | 'scan' | 'raw'> & { raw?: Uint8Array }
const nothing = { aliases: [], remediation: null, references: [], outcomeReason: null, package: null, cvss: null }
const filled = (facts: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value != null && value !== ''))

export function vulnerability(said: Vulnerability, place: Place): Said {
  const { check, aliases } = vulnerabilityId(said.VulnerabilityID, said.VendorIDs ?? [])
  const unaffected = said.Status === 'not_affected'
  return {
    ...nothing,
    class: 'vulnerability',
    check,
    aliases: aliases.slice(0, 50),
    title: titleOf(said.Title || `${check} in ${said.PkgName}`),
    description: proseOf(said.Description),
    references: referencesOf([said.PrimaryURL, ...(said.References ?? [])]),
    severity: severityOf(said.Severity),
    outcome: unaffected ? 'not_applicable' : 'fail',
    outcomeReason: unaffected ? 'the vendor says it is not affected' : null,
    resource: place.resource,
    package: packageOf(said, place),
    cvss: cvssOf(said),
    properties: filled({
      ...place.properties,
      ...(isOfSystem(packageType(place.type)) ? place.base : {}),
      fixState: said.Status,
      severitySource: said.SeveritySource,
    }),
    document: said,
  }
}

type Named = Pick<Vulnerability, 'PkgName' | 'InstalledVersion' | 'PkgIdentifier' | 'PkgPath' | 'FixedVersion'>
function packageOf(said: Named, place: Place): FindingPackage {
  const version = said.InstalledVersion || null
  const known = packageKey(said.PkgIdentifier?.PURL)
  const type = packageType(place.type)
  const path = said.PkgPath || (isOfSystem(type) ? '' : place.target)
  return {
    ...(known === undefined
      ? packageFrom(type, said.PkgName, version, isOfSystem(type) ? (place.distribution ?? undefined) : undefined)
      : { ...known, name: said.PkgName, version }),
    fixedIn: (said.FixedVersion ?? '')
      .split(/,\s*/)
      .filter((one) => one !== '')
      .slice(0, 20),
    paths: path === '' ? [] : [cut(path, 1_000)],
  }
}

/** One of the packages that `--list-all-pkgs` lists, with the files it brought. Null: its shape is another, and it is told of by what is found in it. */
export function listedPackage(raw: unknown, place: Place): FindingPackage | null {
  const said = ListedPackage.safeParse(raw).data
  if (said === undefined) return null
  const { Name, Version, Identifier, FilePath, InstalledFiles } = said
  const found = packageOf({ PkgName: Name, InstalledVersion: Version, PkgIdentifier: Identifier, PkgPath: FilePath }, place)
  return { ...found, paths: [...new Set([...found.paths, ...(InstalledFiles ?? [])])].slice(0, 200).map((path) => cut(path, 1_000)) }
}

/** Of whoever’s severity it is, else of the national database, else of anybody. */
function cvssOf({ CVSS, SeveritySource }: Vulnerability): NewFinding['cvss'] {
  const by = [SeveritySource ?? '', 'nvd', 'ghsa', ...Object.keys(CVSS ?? {})].flatMap((vendor) =>
    CVSS != null && Object.hasOwn(CVSS, vendor) ? [CVSS[vendor]] : [],
  )
  for (const one of by) {
    if (one?.V3Score != null)
      return { version: /^CVSS:(\d\.\d)/.exec(one.V3Vector ?? '')?.[1] ?? '3.0', score: one.V3Score, vector: one.V3Vector ?? null }
    if (one?.V40Score != null) return { version: '4.0', score: one.V40Score, vector: one.V40Vector ?? null }
  }
  const old = by.find((one) => one?.V2Score != null)
  return old?.V2Score == null ? null : { version: '2.0', score: old.V2Score, vector: old.V2Vector ?? null }
}

const misconfigured = (ids: readonly (string | null | undefined)[]): { check: string; aliases: string[] } => {
  const given = ids.filter((id) => id != null && id !== '' && id !== 'N/A') as string[]
  const id = trivyCheck(given[0] ?? 'unnamed')
  return { check: `trivy/${id}`, aliases: [...new Set(given)].filter((one) => one !== id) }
}

const outcomes: Readonly<Record<string, NewFinding['outcome']>> = { PASS: 'pass', EXCEPTION: 'muted' }
export function misconfiguration(said: Misconfiguration, place: Place): Said {
  const { CauseMetadata: cause, ...rest } = said
  const { Code: _lines, ...where } = (cause ?? {}) as Record<string, unknown>
  const document = { ...rest, CauseMetadata: where }
  const outcome = outcomes[said.Status ?? ''] ?? 'fail'
  return {
    ...nothing,
    class: 'misconfiguration',
    ...misconfigured([said.AVDID, said.ID, said.Namespace]),
    title: titleOf(said.Title || said.Message || said.ID),
    description: proseOf(said.Description),
    remediation: proseOf(said.Resolution),
    references: referencesOf([said.PrimaryURL, ...(said.References ?? [])]),
    severity: severityOf(said.Severity),
    outcome,
    outcomeReason: outcome === 'muted' ? 'an exception of Trivy’s own policies' : null,
    resource: place.object ?? fileAt(place, null),
    properties: filled({
      ...place.properties,
      message: proseOf(said.Message),
      startLine: cause?.StartLine,
      endLine: cause?.EndLine,
      within: cause?.Resource,
    }),
    document,
    raw: Buffer.from(stringifyExact(document)),
  }
}

export function secret(
  { RuleID, Category, Severity, Title, StartLine, EndLine }: FoundSecret,
  place: Place,
  file: string | null = null,
): Said {
  return {
    ...nothing,
    class: 'secret',
    check: `trivy/${RuleID}`,
    title: titleOf(Title || RuleID),
    description: null,
    severity: severityOf(Severity),
    outcome: 'fail',
    resource: fileAt(place, file),
    properties: filled({ ...place.properties, category: Category, startLine: StartLine, endLine: EndLine }),
    document: filled({ RuleID, Category, Severity, Title, StartLine, EndLine, Target: file ?? place.target }),
    raw: Buffer.alloc(0),
  }
}

export function licence(said: Licence, place: Place): Said {
  const type = packageType(place.type)
  const path = said.FilePath || ''
  const resource: ResourceRef = said.PkgName || path === '' ? place.resource : fileAt(place, path)
  return {
    ...nothing,
    class: 'licence',
    check: `trivy/licence/${cut(said.Name, 200)}`,
    title: titleOf(`${said.Name}${said.PkgName ? ` in ${said.PkgName}` : ''}`),
    description: null,
    references: referencesOf([said.Link]),
    severity: severityOf(said.Severity),
    outcome: 'fail',
    resource,
    package: said.PkgName
      ? { ...packageFrom(type, said.PkgName, null, place.distribution ?? undefined), fixedIn: [], paths: path === '' ? [] : [path] }
      : null,
    properties: filled({ ...place.properties, category: said.Category }),
    document: filled({ ...said, Text: null }),
  }
}

/** The operator writes less of a vulnerability, and in other letters. */
export const operatorVulnerability = (said: OperatorVulnerability, place: Place): Said => ({
  ...vulnerability(
    {
      VulnerabilityID: said.vulnerabilityID,
      PkgName: said.resource,
      PkgPath: said.pkgPath || said.target,
      PkgIdentifier: { PURL: said.packagePURL },
      InstalledVersion: said.installedVersion,
      FixedVersion: said.fixedVersion,
      PrimaryURL: said.primaryLink,
      Title: said.title,
      Description: said.description,
      Severity: said.severity,
      CVSS: said.cvss,
      References: said.links,
    },
    said.packageType ? { ...place, type: said.packageType } : place,
  ),
  ...(said.cvss == null && said.score != null ? { cvss: { version: '3.x', score: said.score, vector: null } } : {}),
  document: said,
})

export const operatorSecret = ({ ruleID, category, severity, title, target }: OperatorSecret, place: Place): Said =>
  secret({ RuleID: ruleID, Category: category, Severity: severity, Title: title }, place, target ?? null)

export const operatorCheck = (said: Check, place: Place): Said => ({
  ...nothing,
  class: 'misconfiguration',
  ...misconfigured([said.checkID]),
  title: titleOf(said.title || said.checkID),
  description: proseOf(said.description),
  remediation: proseOf(said.remediation),
  severity: severityOf(said.severity),
  outcome: said.success ? 'pass' : 'fail',
  resource: place.resource,
  properties: filled({ ...place.properties, message: proseOf(said.messages?.join('\n')) }),
  document: said,
})

/** A control of a benchmark: without a number of failures, and without checks, a person has to look. */
export function control(said: Control, place: Place): Said {
  const benchmark = typeof place.properties.benchmark === 'string' ? place.properties.benchmark : 'benchmark'
  const checks = said.checks ?? []
  const failing = said.totalFail ?? (checks.length > 0 ? checks.filter(({ success }) => success === false).length : null)
  return {
    ...nothing,
    class: 'compliance',
    check: `trivy/${benchmark}/${said.id}`,
    aliases: benchmark.includes('cis') ? [`CIS ${said.id}`] : [],
    title: titleOf(said.name || said.id),
    description: proseOf(said.description),
    severity: severityOf(said.severity),
    outcome: failing === null ? 'manual' : failing > 0 ? 'fail' : 'pass',
    resource: place.resource,
    properties: filled({
      ...place.properties,
      failing,
      targets: checks.slice(0, 20).flatMap(({ target, success }) => (success === false && target ? [target] : [])),
    }),
    document: said,
  }
}
