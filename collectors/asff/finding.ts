/** From one finding of Security Hub to what it says: one finding a resource and, of vulnerabilities, a package. Pure. */
import { InputError } from '../../domain/errors.ts'
import type { NewFinding, NewScan, ResourceRef } from '../../domain/finding.ts'
import { redactDeep } from '../../domain/redact.ts'
import { accountResource, paragraphs, prowlerCheck, resourceOf } from '../cloud-findings.ts'
import { part, record, text } from '../loose.ts'
import { distinct, relayedPackage } from '../relayed-package.ts'
import { imageResource } from '../resources.ts'
import type { Looked } from '../survey.ts'
import { vulnerabilityId } from '../vulnerability.ts'
import { cut, referencesOf } from '../words.ts'
import { type Asff, asffOf, type Resource, severityIn, timeIn } from './shape.ts'

type Said = Pick<NewFinding, 'check' | 'aliases' | 'package' | 'cvss' | 'references'>

export function lookedAt(raw: unknown): Looked | null {
  const asff = asffOf(record.parse(raw))
  if (asff.class === 'detection') return null
  return {
    scanner: asff.producer,
    version: text.parse(asff.ProductFields.ProviderVersion),
    provider: 'aws',
    account: asff.AwsAccountId,
    name: asff.AwsAccountName,
    atNs: timeIn(asff),
    findings: Math.max(1, asff.Resources.length) * saidOf(asff).length,
  }
}

export const targetOf = ({ provider, account, name }: Looked, scope: string): ResourceRef => accountResource(provider, account, name, scope)

export function* findingsOf(asff: Asff, document: Record<string, unknown>, raw: Uint8Array, scan: NewScan): Iterable<NewFinding> {
  if (asff.class === 'detection') return
  const isSecret = asff.class === 'secret'
  const kept = redactDeep(
    isSecret ? { Id: document.Id, ProductArn: document.ProductArn, GeneratorId: document.GeneratorId, Types: asff.Types } : document,
  )
  const shared = {
    scope: scan.scope,
    class: asff.class,
    title: cut(isSecret ? asff.GeneratorId : asff.Title || asff.GeneratorId, 500),
    description: isSecret ? null : paragraphs(asff.Description, ...asff.Compliance.StatusReasons.map(({ Description }) => Description)),
    remediation: paragraphs(asff.Remediation.Recommendation.Text),
    severity: severityIn(asff),
    ...outcomeOf(asff),
    properties: {
      product: asff.producer,
      account: asff.AwsAccountId,
      region: asff.Region,
      types: asff.Types.slice(0, 20),
      findingId: cut(asff.Id, 1_000),
      workflow: asff.Workflow.Status,
      requirements: asff.Compliance.RelatedRequirements.slice(0, 50),
      exploitAvailable: asff.Vulnerabilities.some((one) => one.ExploitAvailable === 'YES'),
    },
    scan,
    document: kept,
    raw: isSecret ? new Uint8Array() : raw,
  }
  const resources: Resource[] =
    asff.Resources.length > 0 ? asff.Resources : [{ Type: 'AwsAccount', Id: '', Region: asff.Region, Details: {} }]
  for (const resource of resources)
    for (const said of saidOf(asff)) yield { ...shared, ...said, resource: whatOf(resource, asff, scan.scope) }
}

function saidOf(asff: Asff): Said[] {
  const links = [asff.Remediation.Recommendation.Url, asff.SourceUrl]
  if (asff.class !== 'vulnerability')
    return [{ check: checkOf(asff), aliases: [], package: null, cvss: null, references: referencesOf(links) }]
  if (asff.Vulnerabilities.length === 0) return [fromDetails(asff, links)]
  return asff.Vulnerabilities.flatMap((one): Said[] => {
    if (one.Id === '') throw new InputError('a vulnerability in it has no Id')
    const cvss = one.Cvss.filter(({ BaseScore }) => Number.isFinite(Number(BaseScore ?? Number.NaN))).toSorted(
      (a, b) => Number(b.Version) - Number(a.Version),
    )[0]
    const about = {
      ...vulnerabilityId(cut(one.Id, 200), one.RelatedVulnerabilities.slice(0, 20)),
      cvss: cvss === undefined ? null : { version: cvss.Version, score: Number(cvss.BaseScore), vector: cvss.BaseVector || null },
      references: referencesOf([...links, ...one.ReferenceUrls]),
    }
    const packages = distinct(
      one.VulnerablePackages.map((found) =>
        relayedPackage({
          manager: found.PackageManager,
          platform: platformOf(asff),
          name: found.Name,
          version: found.Version,
          release: found.Release,
          fixedIn: found.FixedInVersion,
          path: found.FilePath,
        }),
      ),
    )
    return packages.length === 0 ? [{ ...about, package: null }] : packages.map((found): Said => ({ ...about, package: found }))
  })
}

const platformOf = ({ ProductFields }: Asff): string =>
  text.parse(Object.entries(ProductFields).find(([name]) => name.endsWith('/platform'))?.[1])

const Other = part({
  'CVE ID': text,
  PkgName: text,
  'Installed Package': text,
  'Patched Package': text,
  NvdCvssScoreV3: text,
  NvdCvssVectorV3: text,
})

/** Trivy tells of package and score beside the resource. */
function fromDetails(asff: Asff, links: string[]): Said {
  const [resource] = asff.Resources
  const other = Other.parse(resource?.Details.Other)
  const score = Number(other.NvdCvssScoreV3)
  return {
    ...vulnerabilityId(other['CVE ID'] || (asff.GeneratorId.split('/').at(-1) ?? ''), []),
    package: relayedPackage({
      manager: '',
      platform: /\(([^()]*)\)$/.exec(resource?.Id ?? '')?.[1] ?? '',
      name: other.PkgName,
      version: other['Installed Package'],
      fixedIn: other['Patched Package'],
      path: '',
    }),
    cvss:
      score > 0
        ? { version: /^CVSS:([\d.]+)/.exec(other.NvdCvssVectorV3)?.[1] ?? '3', score, vector: other.NvdCvssVectorV3 || null }
        : null,
    references: referencesOf(links),
  }
}

/** Security Hub’s controls have one id in every standard (S3.2); rules of CIS carry their standard with them. */
function checkOf({ producer, GeneratorId, Title, Compliance }: Asff): string {
  if (producer === 'prowler') {
    const id = /^prowler-(.+)$/.exec(GeneratorId)?.[1]
    if (id === undefined) throw new InputError(`its GeneratorId is “${cut(GeneratorId, 100)}”; Prowler’s begins with “prowler-”`)
    return prowlerCheck(cut(id, 200))
  }
  const own = GeneratorId.replace(/^arn:aws[\w-]*:securityhub:[^/]*ruleset\//, '').replace('/rule/', '/')
  const control = Compliance.SecurityControlId || /(?:^|\/)([A-Z][A-Za-z0-9]*\.\d+)$/.exec(own)?.[1]
  const isDetector = own.startsWith('arn:aws') || own.toLowerCase() === producer
  const id = control || (isDetector ? '' : own.replace(new RegExp(`^${producer}/`, 'i'), '')) || Title || GeneratorId
  return `${producer}/${cut(id, 300)}`
}

function outcomeOf(asff: Asff): Pick<NewFinding, 'outcome' | 'outcomeReason'> {
  const { Compliance, RecordState, Workflow, Note, producer } = asff
  const reasons = Compliance.StatusReasons.map(({ ReasonCode }) => ReasonCode)
  const because = cut([`Compliance.Status ${Compliance.Status}`, ...reasons].join(', '), 1_000)
  if (Compliance.Status === 'PASSED') return { outcome: 'pass', outcomeReason: null }
  if (RecordState === 'ARCHIVED') return { outcome: 'muted', outcomeReason: said('RecordState ARCHIVED', Note.Text) }
  if (Workflow.Status === 'SUPPRESSED') return { outcome: 'muted', outcomeReason: said('Workflow.Status SUPPRESSED', Note.Text) }
  switch (Compliance.Status) {
    case '':
    case 'FAILED':
      return { outcome: 'fail', outcomeReason: null }
    case 'WARNING':
      // It has no other word for what is muted.
      return { outcome: producer === 'prowler' ? 'muted' : 'manual', outcomeReason: because }
    case 'NOT_AVAILABLE':
      return { outcome: reasons.some((reason) => reason.includes('NOT_APPLICABLE')) ? 'not_applicable' : 'manual', outcomeReason: because }
    default:
      throw new InputError(`its Compliance.Status is “${cut(Compliance.Status, 60)}”; expected PASSED, FAILED, WARNING or NOT_AVAILABLE`)
  }
}

const said = (state: string, note: string): string => cut(note === '' ? state : `${state}: ${note}`, 1_000)

function whatOf({ Type, Id, Region, Details }: Resource, { AwsAccountId, Region: other }: Asff, scope: string): ResourceRef {
  const id = cut(Id, 2_000)
  if (Type === 'Container') {
    const names = part({ ImageName: text, ImageId: text }).parse(Details.Container)
    const reference = (names.ImageName || id).replace(/ \([^()]*\)$/, '')
    return imageResource({ manifestDigest: names.ImageId, reference: cut(reference, 1_000) }, scope)
  }
  return resourceOf({ provider: 'aws', account: AwsAccountId, region: Region || other, id: id, name: nameIn(id) }, scope)
}

/** The end of an ARN: what people call it. */
const nameIn = (id: string): string => (id.startsWith('arn:') ? (id.split(/[:/]/).at(-1) ?? id) : id)
