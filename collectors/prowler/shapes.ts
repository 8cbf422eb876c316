/**
 * One result of a check, whichever of Prowler’s outputs says it: OCSF (4, 5), its own JSON (3), a line of JSON (2), a row of a table.
 * Pure. What names the check, its result and its resource must be there; the rest may be missing.
 */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { instantOf } from '../cloud-findings.ts'
import { anything, part, parts, record, text, texts } from '../loose.ts'
import { cut } from '../words.ts'
import type { Result } from './result.ts'
import { fromLine, fromOldRow, Line, OldRow } from './version-2.ts'

type Element = Record<string, unknown>

export function resultOf(raw: Element): Result {
  const result = read(raw)
  if (result.check === '') throw new InputError('it does not say which check this is (event_code, CheckID, CHECK_ID or "[check11] …")')
  return result
}

function read(raw: Element): Result {
  if ('class_uid' in raw || 'finding_info' in raw) return fromOcsf(Ocsf.parse(raw))
  if ('CheckID' in raw) return fromNative(Native.parse(raw))
  if ('Control' in raw) return fromLine(Line.parse(raw))
  if ('CHECK_ID' in raw) return fromRow(Row.parse(raw))
  if ('TITLE_ID' in raw || 'TITLE_TEXT' in raw) return fromOldRow(OldRow.parse(raw))
  throw new InputError('it is no result of a check: it has none of class_uid, CheckID, Control, CHECK_ID and TITLE_ID')
}

const Ocsf = z.object({
  metadata: part({ event_code: text, profiles: texts, product: part({ name: text, version: text }) }),
  status: text,
  status_code: text,
  status_detail: text,
  message: text,
  severity: text,
  time: anything,
  time_dt: anything,
  event_time: anything,
  risk_details: text,
  finding_info: part({ title: text, desc: text, uid: text, created_time: anything }),
  resources: parts({ uid: text, name: text, type: text, region: text, namespace: text, group: part({ name: text }) }),
  cloud: part({ provider: text, region: text, account: part({ uid: text, name: text }) }),
  remediation: part({ desc: text, references: texts }),
  unmapped: part({ related_url: text, additional_urls: texts, compliance: record }),
})

function fromOcsf({ metadata, cloud, finding_info, resources, remediation, unmapped, ...event }: z.infer<typeof Ocsf>): Result {
  const [resource] = resources
  const product = metadata.product.name
  if (product !== '' && !/^prowler$/i.test(product))
    throw new InputError(`it is a finding of “${cut(product, 60)}”, not of Prowler; read the report with --format ocsf`)
  // Of Kubernetes it names no cloud.
  const provider =
    cloud.provider || (/^prowler-(\w+)-/.exec(finding_info.uid)?.[1] ?? (metadata.profiles.includes('container') ? 'kubernetes' : ''))
  const isLink = (one: string): boolean => /^https?:/.test(one)
  return {
    check: metadata.event_code,
    title: finding_info.title,
    status: event.status_code,
    muted: event.status === 'Suppressed',
    said: event.status_detail || event.message,
    severity: event.severity,
    provider,
    account: cloud.account.uid,
    accountName: cloud.account.name,
    region: resource?.region || cloud.region,
    service: resource?.group.name ?? '',
    resource: { id: resource?.uid ?? '', name: resource?.name ?? '', type: resource?.type ?? '', namespace: resource?.namespace ?? '' },
    description: finding_info.desc,
    risk: event.risk_details,
    remediation: [remediation.desc, ...remediation.references.filter((one) => !isLink(one))],
    links: [...remediation.references, unmapped.related_url, ...unmapped.additional_urls],
    requirements: requirementsOf(unmapped.compliance),
    findingId: finding_info.uid,
    atNs: [event.time, finding_info.created_time, event.time_dt, event.event_time].map(instantOf).find((at) => at !== null) ?? null,
    version: metadata.product.version,
  }
}

const Native = z.object({
  AssessmentStartTime: anything,
  FindingUniqueId: text,
  Provider: text,
  CheckID: text,
  CheckTitle: text,
  ServiceName: text,
  Status: text,
  StatusExtended: text,
  Severity: text,
  ResourceType: text,
  Description: text,
  Risk: text,
  RelatedUrl: text,
  Remediation: part({ Code: part({ CLI: text }), Recommendation: part({ Text: text, Url: text }) }),
  Compliance: record,
  AccountId: text,
  Subscription: text,
  ProjectId: text,
  Region: text,
  Location: text,
  Namespace: text,
  ResourceId: text,
  ResourceArn: text,
  ResourceName: text,
})

const fromNative = (one: z.infer<typeof Native>): Result => ({
  check: one.CheckID,
  title: one.CheckTitle,
  status: one.Status,
  muted: false,
  said: one.StatusExtended,
  severity: one.Severity,
  provider: one.Provider,
  account: one.AccountId || one.Subscription || one.ProjectId,
  accountName: '',
  region: one.Region || one.Location,
  service: one.ServiceName,
  resource: {
    id: one.ResourceArn || one.ResourceId,
    name: one.ResourceName || one.ResourceId,
    type: one.ResourceType,
    namespace: one.Namespace,
  },
  description: one.Description,
  risk: one.Risk,
  remediation: [one.Remediation.Recommendation.Text, one.Remediation.Code.CLI],
  links: [one.Remediation.Recommendation.Url, one.RelatedUrl],
  requirements: requirementsOf(one.Compliance),
  findingId: one.FindingUniqueId,
  atNs: instantOf(one.AssessmentStartTime),
  version: '',
})

const Row = z.object({
  TIMESTAMP: anything,
  ASSESSMENT_START_TIME: anything,
  ACCOUNT_UID: text,
  ACCOUNT_ID: text,
  SUBSCRIPTION: text,
  PROJECT_ID: text,
  ACCOUNT_NAME: text,
  FINDING_UID: text,
  FINDING_UNIQUE_ID: text,
  PROVIDER: text,
  CHECK_ID: text,
  CHECK_TITLE: text,
  STATUS: text,
  STATUS_EXTENDED: text,
  MUTED: text,
  SERVICE_NAME: text,
  SEVERITY: text,
  RESOURCE_TYPE: text,
  RESOURCE_UID: text,
  RESOURCE_ARN: text,
  RESOURCE_ID: text,
  RESOURCE_NAME: text,
  REGION: text,
  LOCATION: text,
  DESCRIPTION: text,
  RISK: text,
  RELATED_URL: text,
  REMEDIATION_RECOMMENDATION_TEXT: text,
  REMEDIATION_RECOMMENDATION_URL: text,
  REMEDIATION_RECOMMENDATION_CODE_CLI: text,
  REMEDIATION_CODE_CLI: text,
  COMPLIANCE: text,
  ADDITIONAL_URLS: text,
  PROWLER_VERSION: text,
})

function fromRow(row: z.infer<typeof Row>): Result {
  const region = row.REGION || row.LOCATION
  return {
    check: row.CHECK_ID,
    title: row.CHECK_TITLE,
    status: row.STATUS,
    muted: /^true$/i.test(row.MUTED),
    said: row.STATUS_EXTENDED,
    severity: row.SEVERITY,
    provider: row.PROVIDER,
    account: row.ACCOUNT_UID || row.ACCOUNT_ID || row.SUBSCRIPTION || row.PROJECT_ID,
    accountName: row.ACCOUNT_NAME,
    region,
    service: row.SERVICE_NAME,
    resource: {
      id: row.RESOURCE_UID || row.RESOURCE_ARN || row.RESOURCE_ID,
      name: row.RESOURCE_NAME || row.RESOURCE_ID,
      type: row.RESOURCE_TYPE,
      namespace: /^namespace: (.*)$/.exec(region)?.[1] ?? '',
    },
    description: row.DESCRIPTION,
    risk: row.RISK,
    remediation: [row.REMEDIATION_RECOMMENDATION_TEXT, row.REMEDIATION_CODE_CLI || row.REMEDIATION_RECOMMENDATION_CODE_CLI],
    links: [row.REMEDIATION_RECOMMENDATION_URL, row.RELATED_URL, ...row.ADDITIONAL_URLS.split(' | ')],
    requirements: row.COMPLIANCE.split(' | ').flatMap((one) => {
      const [, framework = '', ids = ''] = /^(.+?): (.+)$/.exec(one.trim()) ?? []
      return ids.split(', ').flatMap((id) => (id === '' ? [] : [`${framework} ${id}`]))
    }),
    findingId: row.FINDING_UID || row.FINDING_UNIQUE_ID,
    atNs: instantOf(row.TIMESTAMP) ?? instantOf(row.ASSESSMENT_START_TIME),
    version: row.PROWLER_VERSION,
  }
}

const requirementsOf = (compliance: Record<string, unknown>): string[] =>
  Object.entries(compliance).flatMap(([framework, ids]) => texts.parse(ids).map((id) => `${framework} ${id}`))
