/**
 * A finding as OCSF Vulnerability Finding (2002), or Compliance Finding (2003) for every other class. Its identity (class, check, resource,
 * package) stands in attributes of the standard, so that reading it back (collectors/ocsf) gives the same finding. Pure.
 */
import { receivedAtOf } from '../../store/alerts.ts'
import type { Finding, FindingWitness } from '../../store/finding-search.ts'
import { caption, milliseconds, type OcsfEvent, ocsfEvent, resourceOf } from './event.ts'

/** `witness`: the newest word on it. */
export type FindingFacts = { finding: Finding; witness: FindingWitness | undefined; url: string }

const statuses = {
  open: [1, 'New'],
  manual: [1, 'New'],
  suppressed: [3, 'Suppressed'],
  fixed: [4, 'Resolved'],
  passed: [4, 'Resolved'],
} as const
const results = { open: [3, 'Fail'], manual: [2, 'Warning'], suppressed: [3, 'Fail'], fixed: [1, 'Pass'], passed: [1, 'Pass'] } as const

export function findingEvent(facts: FindingFacts): OcsfEvent {
  const { finding, witness, url } = facts
  const { status, scope, firstNs, lastNs, statusNs } = finding
  const ended = status === 'fixed' || status === 'passed'
  return ocsfEvent(
    {
      class: finding.class === 'vulnerability' ? 2002 : 2003,
      change: ended ? 'closed' : firstNs === lastNs && !finding.reopened ? 'created' : 'updated',
      severity: finding.severity,
      atNs: statusNs > lastNs ? statusNs : lastNs,
      status: statuses[status],
      scope,
      message: finding.title,
    },
    {
      status_detail: witness?.outcomeReason,
      finding_info: {
        uid: finding.id,
        title: finding.title,
        desc: witness?.data.description,
        types: [finding.class],
        analytic: { uid: finding.check, name: finding.check, type_id: 1, type: 'Rule' },
        created_time: receivedAtOf(finding.id),
        first_seen_time: milliseconds(firstNs),
        last_seen_time: milliseconds(lastNs),
        modified_time: milliseconds(statusNs),
        data_sources: finding.scanners,
        src_url: url,
      },
      resources: [resourceOf({ ...finding.resource, scope }), packageResource(facts)],
      ...(finding.class === 'vulnerability' ? { vulnerabilities: [vulnerabilityOf(facts)] } : complianceOf(facts)),
      unmapped: { reopened: finding.reopened, status_since: milliseconds(statusNs), paths: witness?.paths.slice(0, 50) },
    },
  )
}

function vulnerabilityOf({ finding, witness }: FindingFacts): object {
  const { check, aliases } = finding
  const data = witness?.data
  const isCve = check.startsWith('CVE-')
  const [advisory, ...others] = isCve ? aliases : [check, ...aliases]
  return {
    cve: isCve
      ? {
          uid: check,
          cvss: data?.cvss ? [{ version: data.cvss.version, base_score: data.cvss.score, vector_string: data.cvss.vector }] : null,
        }
      : null,
    advisory: advisory === undefined ? null : { uid: advisory },
    related_vulnerabilities: others,
    title: finding.title,
    desc: data?.description,
    severity: finding.severity === null ? null : caption(finding.severity),
    references: data?.references,
    remediation: data?.remediation == null ? null : { desc: data.remediation },
    first_seen_time: milliseconds(finding.firstNs),
    last_seen_time: milliseconds(finding.lastNs),
    affected_packages: finding.package === null ? [] : [packageOf(finding.package, witness)],
    is_fix_available: data?.package == null ? null : data.package.fixedIn.length > 0,
  }
}

const packageOf = ({ key, name }: NonNullable<Finding['package']>, witness: FindingWitness | undefined): object => ({
  name,
  version: witness?.data.package?.version ?? '',
  purl: key,
  package_manager: witness?.data.package?.type,
  fixed_in_version: witness?.data.package?.fixedIn.join(', ') || null,
  path: witness?.paths[0],
})

/** A Compliance Finding has no packages: what a licence is about stands beside the image it is in. */
const packageResource = ({ finding, witness }: FindingFacts): object | null =>
  finding.class === 'vulnerability' || finding.package === null
    ? null
    : { uid: finding.package.key, name: finding.package.name, type: 'package', version: witness?.data.package?.version }

function complianceOf({ finding, witness }: FindingFacts): object {
  const [id, result] = results[finding.status]
  const said = witness?.data.properties.requirements
  const standards = Array.isArray(said) ? said.filter((one) => typeof one === 'string').slice(0, 50) : []
  return {
    compliance: {
      control: finding.check,
      standards: standards.length > 0 ? standards : [finding.check.split('/')[0]],
      requirements: finding.aliases,
      status_id: id,
      status: result,
      status_detail: witness?.outcomeReason,
    },
    remediation: witness?.data.remediation == null ? null : { desc: witness.data.remediation, references: witness.data.references },
  }
}
