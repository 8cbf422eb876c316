/** An OCSF finding, as far as it is read: versions 1.0 to 1.8, with 1.0’s Security Finding. Who made it, what kind of thing it says. Pure. */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import type { FindingClass } from '../../domain/finding.ts'
import { severities, type Severity } from '../../domain/severity.ts'
import { instantOf, producerOf } from '../cloud-findings.ts'
import { anything, part, parts, text, texts } from '../loose.ts'
import { severityOf } from '../vulnerability.ts'

const named = part({ uid: text, name: text })
const user = part({ uid: text, uid_alt: text, uuid: text, name: text, email_addr: text })
const actor = part({ user })
const endpoint = part({ ip: text, port: text, hostname: text })
const process = part({
  name: text,
  pid: text,
  cmd_line: text,
  file: part({ path: text }),
  user: part({ name: text, uid: text }),
  parent_process: part({ name: text, pid: text, cmd_line: text }),
})
const container = part({ uid: text, name: text, image: part({ name: text, uid: text }) })
const connection = part({ protocol_name: text })
const api = part({ operation: text, service: part({ name: text }) })
const attacks = parts({ tactic: named, tactics: parts({ uid: text, name: text }), technique: named, sub_technique: named })
const about = part({
  uid: text,
  title: text,
  desc: text,
  types: texts,
  src_url: text,
  analytic: named,
  attacks,
  last_seen_time: anything,
  last_seen_time_dt: anything,
  modified_time: anything,
  modified_time_dt: anything,
  remediation: part({ desc: text }),
})
const packages = parts({ name: text, version: text, release: text, purl: text, package_manager: text, path: text, fixed_in_version: text })
const resource = { uid: text, uid_alt: text, name: text, type: text, region: text, namespace: text, version: text, labels: texts }

const Ocsf = z.object({
  class_uid: text,
  time: anything,
  time_dt: anything,
  severity: text,
  severity_id: text,
  status: text,
  status_id: text,
  state: text,
  status_code: text,
  status_detail: text,
  message: text,
  risk_details: text,
  metadata: part({ uid: text, event_code: text, product: part({ name: text, vendor_name: text, version: text }) }),
  cloud: part({ provider: text, region: text, account: named, account_uid: text }),
  finding_info: about,
  finding: about,
  attacks,
  resources: parts(resource),
  resource: parts(resource),
  device: part({ hostname: text, name: text, uid: text }),
  remediation: part({ desc: text, references: texts }),
  compliance: part({ status: text, status_id: text, status_detail: text, control: text, requirements: texts, standards: texts }),
  vulnerabilities: parts({
    uid: text,
    title: text,
    desc: text,
    severity: text,
    references: texts,
    cve: part({ uid: text, cvss: parts({ version: text, base_score: text, vector_string: text }) }),
    advisory: part({ uid: text }),
    affected_packages: packages,
    packages,
  }),
  actor,
  process,
  container,
  api,
  src_endpoint: endpoint,
  dst_endpoint: endpoint,
  connection_info: connection,
  evidences: parts({
    actor,
    process,
    container,
    api,
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    connection_info: connection,
    file: part({ path: text }),
  }),
})

export type Info = z.infer<typeof about>
export type Ocsf = z.infer<typeof Ocsf> & {
  producer: string
  class: FindingClass | 'detection' | null
  info: Info
  provider: string
  account: string
}
export type Resource = Ocsf['resources'][number]

export function ocsfOf(raw: Record<string, unknown>): Ocsf {
  const read = Ocsf.parse(raw)
  if (!/^\d{4,6}$/.test(read.class_uid)) throw new InputError('it is no OCSF event: its class_uid is no number of a class')
  const info =
    read.finding_info.title === '' && read.finding_info.uid === '' ? { ...read.finding_info, ...said(read.finding) } : read.finding_info
  const producer = producerOf(read.metadata.product.name || read.metadata.product.vendor_name)
  const account = read.cloud.account.uid || read.cloud.account_uid
  return { ...read, info, producer, provider: read.cloud.provider.toLowerCase(), account, class: classOf(read, info, producer) }
}

const said = (info: Info): Partial<Info> =>
  Object.fromEntries(Object.entries(info).filter(([, value]) => value !== '' && value !== undefined))

/** Null: a class that is not taken. */
function classOf(read: z.infer<typeof Ocsf>, info: Info, producer: string): Ocsf['class'] {
  // Prowler says the results of its checks as detections; others did so before there was a class for them.
  const isCheck = /^(?:pass|fail|manual)$/i.test(read.status_code) && read.metadata.event_code !== ''
  switch (read.class_uid) {
    case '2001':
      if (read.vulnerabilities.length > 0) return 'vulnerability'
      if (read.compliance.status !== '' || read.compliance.status_id !== '') return 'compliance'
      if (isCheck) return 'misconfiguration'
      return info.types.some((type) => type.startsWith('Software and Configuration Checks')) ? 'misconfiguration' : 'detection'
    case '2002':
      return 'vulnerability'
    case '2003':
      return 'compliance'
    case '2004':
      return isCheck || producer === 'prowler' ? 'misconfiguration' : 'detection'
    default:
      return null
  }
}

export function severityIn({ severity, severity_id }: Ocsf): Severity | null {
  const id = Number(severity_id)
  return severityOf(severity) ?? (id >= 1 && id <= 6 ? (severities[Math.min(id, 5) - 1] ?? null) : null)
}

export const timeIn = ({ info, time, time_dt }: Ocsf): bigint | null =>
  [info.last_seen_time, info.last_seen_time_dt, time, time_dt, info.modified_time, info.modified_time_dt]
    .map(instantOf)
    .find((at) => at !== null) ?? null
