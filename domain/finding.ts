/**
 * A finding: one thing a posture scanner says of one resource (OCSF vulnerability_finding 2002, compliance_finding 2003), and the scan it
 * was said in. What two scanners say of the same check, resource and package is one finding with two witnesses. Whether it is open or fixed
 * is not written here: it is derived from the scans that looked (store/finding-life.ts).
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from './canonical-json.ts'
import { Severity } from './severity.ts'

export const findingClasses = ['vulnerability', 'misconfiguration', 'compliance', 'secret', 'licence'] as const
export const FindingClass = z.enum(findingClasses)
export type FindingClass = z.infer<typeof FindingClass>

export const resourceKinds = [
  'image',
  'file',
  'repository',
  'node',
  'cluster',
  'namespace',
  'workload',
  'pod',
  'service_account',
  'role',
  'service',
  'ingress',
  'network_policy',
  'secret',
  'kubernetes_object',
  'cloud_account',
  'cloud_resource',
  'identity',
  'sbom',
] as const
/** What a finding is about. `key` is the natural key of that kind: an image’s config digest, else its manifest digest, else its reference; an ARN; namespace/Kind/name. */
export const ResourceRef = z.object({
  kind: z.enum(resourceKinds),
  scope: z.string().describe('"global" for what is named the same everywhere: images by digest, ARNs'),
  key: z.string().min(1),
  name: z.string().describe('As people call it'),
  namespace: z.string().nullable().describe('Kubernetes namespace'),
})
export type ResourceRef = z.infer<typeof ResourceRef>

export const outcomes = ['fail', 'pass', 'manual', 'not_applicable', 'muted'] as const
/** What the scanner says now. `manual`: a person has to look. `muted`: it would fail, and the scanner was told to be silent about it. */
export const Outcome = z.enum(outcomes)
export type Outcome = z.infer<typeof Outcome>

export const NewScan = z.object({
  scope: z.string(),
  scanner: z.string().describe('Who looked: "trivy", "kube-bench"; of a relayed report its producer'),
  version: z.string().nullable(),
  target: ResourceRef.describe('What was looked at as a whole: an image, a cluster, an account, a folder'),
  covers: z.array(FindingClass).describe('What it looked for: what is not here it cannot fix'),
  contentKey: z.string().describe('SHA-256 of the report, scope and target: the same report again is the same scan'),
  observedNs: z.bigint().describe('When it looked; the time received when the report does not say'),
  observedFrom: z.enum(['report', 'received']),
})
export type NewScan = z.infer<typeof NewScan>

/** The end of a report: only a scan that ended, and of which everything could be read, says anything by what it does not list. */
export type ScanEnd = {
  findings: number
  /** Why it says nothing, though it ended: "the scanner reports an error: …". */ failed: string | null
}

export const FindingPackage = z.object({
  key: z.string().describe('Package URL without qualifiers, pkg:apk/alpine/busybox@1.31.1-r9'),
  name: z.string(),
  version: z.string().nullable(),
  type: z.string().describe('Package URL type: apk, deb, npm, golang'),
  fixedIn: z.array(z.string()).describe('Versions that have the fix; empty: none is known'),
  paths: z.array(z.string()).describe('Files it was found in, as the scanner names them'),
})
export type FindingPackage = z.infer<typeof FindingPackage>

export const NewFinding = z.object({
  scope: z.string(),
  class: FindingClass,
  check: z.string().min(1).describe('CVE-2021-3711, else the advisory’s id; else producer/id: kubescape/C-0046'),
  aliases: z.array(z.string()).describe('Other ids of the same: GHSA-…, CIS 5.2.1'),
  title: z.string(),
  description: z.string().nullable(),
  remediation: z.string().nullable(),
  references: z.array(z.string()).max(20),
  severity: Severity.nullable().describe('Null: the scanner gives none'),
  outcome: Outcome,
  outcomeReason: z.string().nullable().describe('Why it is muted or not applicable, in the scanner’s words'),
  resource: ResourceRef,
  package: FindingPackage.nullable(),
  cvss: z.object({ version: z.string(), score: z.number(), vector: z.string().nullable() }).nullable(),
  properties: z.record(z.string(), z.unknown()).describe('Small facts of its class: start line, expected and actual value'),
  scan: NewScan,
  document: z.record(z.string(), z.unknown()).describe('What was parsed, secrets removed'),
  raw: z.custom<Uint8Array>((value) => value instanceof Uint8Array).describe('Its own bytes; of a secret found, none'),
})
export type NewFinding = z.infer<typeof NewFinding>

/**
 * What makes it the same finding: SHA-256 over class, check, resource and package. Images and ARNs are the same in every scope. Identities
 * of a cloud were once its resources like any other: findings about them keep their keys.
 */
export const findingKey = ({ scope, class: one, check, resource, package: found }: NewFinding): string =>
  createHash('sha256')
    .update(
      canonicalJson([resource.scope === 'global' ? 'global' : scope, one, check, kindInKey(resource), resource.key, found?.key ?? null]),
    )
    .digest('hex')

const kindInKey = ({ kind }: ResourceRef): string => (kind === 'identity' ? 'cloud_resource' : kind)
