/** From one OCSF finding to what it says: one finding a resource and, of vulnerabilities, a package. Pure. */
import { InputError } from '../../domain/errors.ts'
import type { NewFinding, NewScan, Outcome, ResourceRef } from '../../domain/finding.ts'
import { redactDeep } from '../../domain/redact.ts'
import { accountResource, objectOf, paragraphs, prowlerCheck, resourceOf } from '../cloud-findings.ts'
import { record } from '../loose.ts'
import { distinct, relayedPackage } from '../relayed-package.ts'
import { clusterResource, digestIn, imageResource, kubernetesResource } from '../resources.ts'
import type { Looked } from '../survey.ts'
import { severityOf, vulnerabilityId } from '../vulnerability.ts'
import { cut, referencesOf } from '../words.ts'
import { ownIdentity } from './own.ts'
import { type Ocsf, ocsfOf, type Resource, severityIn, timeIn } from './shape.ts'

type Said = Pick<NewFinding, 'check' | 'aliases' | 'package' | 'cvss' | 'references' | 'severity'>

/** Null: it is no finding, but something that happened, or of a class that is not taken. */
export function lookedAt(raw: unknown): Looked | null {
  const ocsf = ocsfOf(record.parse(raw))
  if (ocsf.class === null || ocsf.class === 'detection') return null
  const { producer, provider, account, cloud, metadata } = ocsf
  return {
    scanner: producer,
    version: metadata.product.version,
    provider,
    account,
    name: cloud.account.name,
    atNs: timeIn(ocsf),
    findings: ownIdentity(ocsf, '') === null ? resourcesOf(ocsf).length * saidOf(ocsf).length : 1,
  }
}

export const targetOf = ({ scanner, provider, account, name }: Looked, scope: string): ResourceRef =>
  scanner === 'falconer' ? clusterResource(scope) : accountResource(provider, account, name, scope)

export function* findingsOf(ocsf: Ocsf, document: Record<string, unknown>, raw: Uint8Array, scan: NewScan): Iterable<NewFinding> {
  if (ocsf.class === null || ocsf.class === 'detection') return
  const { info, compliance, remediation } = ocsf
  // Such a check quotes what it looked into, and that may be the secret itself.
  const quotes = /secret/i.test(ocsf.metadata.event_code)
  const shared = {
    scope: scan.scope,
    class: ocsf.class,
    title: cut(info.title || ocsf.message || compliance.control || ocsf.metadata.event_code, 500),
    description: paragraphs(compliance.status_detail || ocsf.status_detail, info.desc, ocsf.risk_details),
    remediation: paragraphs(remediation.desc || info.remediation.desc),
    ...outcomeOf(ocsf),
    properties: {
      product: ocsf.producer,
      account: ocsf.account,
      region: ocsf.cloud.region,
      types: info.types.slice(0, 20),
      findingId: cut(info.uid, 1_000),
      requirements: [...compliance.standards, ...compliance.requirements].slice(0, 50),
    },
    scan,
    document: redactDeep(quotes ? { ...document, resources: undefined, unmapped: undefined } : document),
    raw: quotes ? new Uint8Array() : raw,
  }
  const own = ownIdentity(ocsf, scan.scope)
  if (own !== null) return yield ownFinding(own, { ...shared, ...(saidOf(ocsf)[0] as Said) }, ocsf)
  for (const resource of resourcesOf(ocsf))
    for (const said of saidOf(ocsf)) yield { ...shared, ...said, resource: whatOf(resource, ocsf, scan.scope) }
}

function ownFinding(
  { packageKey, ...identity }: NonNullable<ReturnType<typeof ownIdentity>>,
  rest: Omit<NewFinding, 'resource'>,
  { resources }: Ocsf,
): NewFinding {
  if (packageKey === null) return { ...rest, ...identity, package: null }
  const beside = resources.find(({ type }) => type === 'package')
  const named = { name: cut(beside?.name || packageKey, 500), version: beside?.version || null, type: 'generic', fixedIn: [], paths: [] }
  return { ...rest, ...identity, package: { ...named, ...rest.package, key: packageKey } }
}

function saidOf(ocsf: Ocsf): Said[] {
  const links = referencesOf([...ocsf.remediation.references, ocsf.info.src_url])
  const severity = severityIn(ocsf)
  if (ocsf.class !== 'vulnerability') return [{ check: checkOf(ocsf), aliases: [], package: null, cvss: null, references: links, severity }]
  if (ocsf.vulnerabilities.length === 0) throw new InputError('it is a vulnerability finding, and "vulnerabilities" is empty')
  return ocsf.vulnerabilities.flatMap((one): Said[] => {
    const known = [one.cve.uid, one.advisory.uid, one.uid].filter((id) => id !== '').map((id) => cut(id, 200))
    const id = known[0] ?? `${ocsf.producer}/${cut(one.title || ocsf.info.title, 300)}`
    if (id.endsWith('/')) throw new InputError('a vulnerability in it has neither an id nor a title')
    const cvss = one.cve.cvss
      .filter(({ base_score }) => Number(base_score) > 0)
      .toSorted((a, b) => Number(b.version) - Number(a.version))[0]
    const about = {
      ...vulnerabilityId(id, known.slice(1)),
      cvss: cvss === undefined ? null : { version: cvss.version, score: Number(cvss.base_score), vector: cvss.vector_string || null },
      references: referencesOf([...links, ...one.references]),
      severity: severity ?? severityOf(one.severity),
    }
    const packages = distinct(
      [...one.affected_packages, ...one.packages].map((found) =>
        relayedPackage({ ...found, manager: found.package_manager, platform: '', fixedIn: found.fixed_in_version }),
      ),
    )
    return packages.length === 0 ? [{ ...about, package: null }] : packages.map((found): Said => ({ ...about, package: found }))
  })
}

function checkOf({ producer, compliance, metadata, info }: Ocsf): string {
  if (producer === 'prowler' && metadata.event_code !== '') return prowlerCheck(cut(metadata.event_code, 200))
  const id = compliance.control || metadata.event_code || info.analytic.uid || info.analytic.name || info.title
  if (id === '')
    throw new InputError('it does not say which check this is (compliance.control, metadata.event_code, finding_info.analytic)')
  return `${producer}/${cut(id, 300)}`
}

function outcomeOf(ocsf: Ocsf): Pick<NewFinding, 'outcome' | 'outcomeReason'> {
  const { compliance } = ocsf
  const state = ocsf.status || ocsf.state || ({ '3': 'Suppressed', '5': 'Archived' }[ocsf.status_id] ?? '')
  const ids: Record<string, string> = { '1': 'pass', '2': 'warning', '3': 'fail' }
  const result = (
    compliance.status ||
    ids[compliance.status_id] ||
    (ocsf.class === 'misconfiguration' ? ocsf.status_code : '')
  ).toLowerCase()
  const outcomes: Record<string, Outcome> = {
    pass: 'pass',
    passed: 'pass',
    fail: 'fail',
    failed: 'fail',
    manual: 'manual',
    'not applicable': 'not_applicable',
  }
  const outcome = ocsf.class === 'vulnerability' ? (/^(?:resolved|closed)$/i.test(state) ? 'pass' : 'fail') : outcomes[result]
  if (outcome === 'pass') return { outcome, outcomeReason: null }
  if (/^(?:suppressed|archived)$/i.test(state)) return { outcome: 'muted', outcomeReason: `its status is ${state}` }
  if (outcome === 'fail') return { outcome, outcomeReason: null }
  if (ocsf.class === 'compliance' && result === '') throw new InputError('it is a result of a check, and has no compliance.status')
  // Of what was not checked to its end, a person has to say what it means.
  if (result === '') return { outcome: 'fail', outcomeReason: null }
  return {
    outcome: outcome ?? 'manual',
    outcomeReason: cut([result, compliance.status_detail || ocsf.status_detail].filter((one) => one !== '').join(': '), 1_000),
  }
}

const nothing: Resource = { uid: '', uid_alt: '', name: '', type: '', region: '', namespace: '', version: '', labels: [] }
const resourcesOf = (ocsf: Ocsf): Resource[] => {
  const all = [...ocsf.resources, ...ocsf.resource]
  return all.length > 0 ? all : [nothing]
}

function whatOf(resource: Resource, { provider, account, cloud, device, producer }: Ocsf, scope: string): ResourceRef {
  const id = cut(
    [resource.uid, resource.uid_alt].find((one) => one.startsWith('arn:')) || resource.uid || resource.uid_alt || resource.name,
    2_000,
  )
  const name = cut(resource.name || (id.startsWith('arn:') ? (id.split(/[:/]/).at(-1) ?? id) : id), 500)
  if (id !== '' && (provider === 'kubernetes' || (provider === '' && (resource.namespace !== '' || producer === 'prowler'))))
    return objectOf({ ...resource, id }, scope)
  if (/image/i.test(resource.type) && digestIn(id) !== null && !id.startsWith('arn:'))
    return imageResource({ reference: resource.name || id, manifestDigest: id }, scope)
  if (id !== '') return resourceOf({ provider, account, region: resource.region || cloud.region, id, name }, scope)
  const host = device.hostname || device.name || device.uid
  if (host !== '') return kubernetesResource({ kind: 'Node', namespace: null, name: cut(host, 500) }, scope)
  if (account === '') throw new InputError('it names neither a resource nor a device nor an account')
  return accountResource(provider, account, cloud.account.name, scope, cloud.region)
}
