/** What Trivy and its operator write, as far as it is read. All versions: what one of them leaves out is optional; what is read is never of another type. */
import { z } from 'zod'

const text = z.string().nullish()
const texts = z.array(z.string()).nullish()
const number = z.number().nullish()
/** A list whose entries were handed out one by one: around them it is empty. What is still in it, or is no list, would be lost. */
const handedOut = z.array(z.unknown()).max(0, 'its entries could not be told apart').nullish()

const Cvss = z.record(
  z.string(),
  z.looseObject({ V2Vector: text, V3Vector: text, V40Vector: text, V2Score: number, V3Score: number, V40Score: number }),
)
export const Vulnerability = z.looseObject({
  VulnerabilityID: z.string().min(1),
  VendorIDs: texts,
  PkgName: z.string().min(1),
  PkgPath: text,
  PkgIdentifier: z.looseObject({ PURL: text }).nullish(),
  InstalledVersion: text,
  FixedVersion: text,
  Status: text,
  SeveritySource: text,
  PrimaryURL: text,
  Title: text,
  Description: text,
  Severity: text,
  CVSS: Cvss.nullish(),
  References: texts,
})
export type Vulnerability = z.infer<typeof Vulnerability>

export const Misconfiguration = z.looseObject({
  ID: z.string().min(1),
  AVDID: text,
  Title: text,
  Description: text,
  Message: text,
  Namespace: text,
  Resolution: text,
  Severity: text,
  PrimaryURL: text,
  References: texts,
  Status: text,
  CauseMetadata: z.looseObject({ Resource: text, StartLine: number, EndLine: number }).nullish(),
})
export type Misconfiguration = z.infer<typeof Misconfiguration>

/** Its match and the lines around it are not even looked at. */
export const FoundSecret = z.object({
  RuleID: z.string().min(1),
  Category: text,
  Severity: text,
  Title: text,
  StartLine: number,
  EndLine: number,
})
export type FoundSecret = z.infer<typeof FoundSecret>

export const Licence = z.looseObject({ Name: z.string().min(1), Severity: text, Category: text, PkgName: text, FilePath: text, Link: text })
export type Licence = z.infer<typeof Licence>

export const Modified = z.object({
  Type: z.string(),
  Status: text,
  Statement: text,
  Source: text,
  Finding: z.record(z.string(), z.unknown()),
})

const OperatorVulnerability = z.looseObject({
  vulnerabilityID: z.string().min(1),
  resource: z.string().min(1),
  installedVersion: text,
  fixedVersion: text,
  severity: text,
  title: text,
  description: text,
  links: texts,
  primaryLink: text,
  score: number,
  cvss: Cvss.nullish(),
  target: text,
  pkgPath: text,
  packagePURL: text,
  packageType: text,
})
export type OperatorVulnerability = z.infer<typeof OperatorVulnerability>
const Check = z.looseObject({
  checkID: z.string().min(1),
  title: text,
  description: text,
  severity: text,
  success: z.boolean(),
  messages: texts,
  remediation: text,
})
export type Check = z.infer<typeof Check>
const OperatorSecret = z.object({ ruleID: z.string().min(1), category: text, severity: text, title: text, target: text })
export type OperatorSecret = z.infer<typeof OperatorSecret>
const Control = z.looseObject({
  id: z.string().min(1),
  name: text,
  description: text,
  severity: text,
  totalFail: number,
  checks: z.array(z.looseObject({ checkID: text, success: z.boolean().nullish(), target: text })).nullish(),
})
export type Control = z.infer<typeof Control>

export const ListedPackage = z.looseObject({
  Name: z.string().min(1),
  Version: text,
  Identifier: z.looseObject({ PURL: text }).nullish(),
  FilePath: text,
  InstalledFiles: z.array(z.string()).nullish(),
})

/** By the name of the list they stand in. What is not here is counted, and not taken. */
export const elements = {
  Vulnerabilities: Vulnerability,
  Misconfigurations: Misconfiguration,
  Secrets: FoundSecret,
  Licenses: Licence,
  ExperimentalModifiedFindings: Modified,
  vulnerabilities: OperatorVulnerability,
  checks: Check,
  secrets: OperatorSecret,
  controlCheck: Control,
  results: Control,
} as const satisfies Record<string, z.ZodType>
export type ElementList = keyof typeof elements
export const isElementList = (name: string): name is ElementList => Object.hasOwn(elements, name)

export const Result = z.looseObject({
  Target: text,
  Class: text,
  Type: text,
  Vulnerabilities: handedOut,
  Misconfigurations: handedOut,
  Secrets: handedOut,
  Licenses: handedOut,
  ExperimentalModifiedFindings: handedOut,
})
export type Result = z.infer<typeof Result>
const Metadata = z.looseObject({
  ImageID: text,
  RepoTags: texts,
  RepoDigests: texts,
  OS: z.looseObject({ Family: text, Name: text }).nullish(),
  DiffIDs: texts,
  ImageConfig: z.looseObject({ created: text, rootfs: z.looseObject({ diff_ids: texts }).nullish() }).nullish(),
})
export type Metadata = z.infer<typeof Metadata>

export const ScanReport = z.looseObject({
  SchemaVersion: z.number().nullish(),
  ArtifactName: z.string(),
  ArtifactType: text,
  CreatedAt: text,
  Trivy: z.looseObject({ Version: text }).nullish(),
  Metadata: Metadata.nullish(),
  Results: z.array(Result).nullish(),
})
export type ScanReport = z.infer<typeof ScanReport>

const ClusterPart = z.looseObject({
  Namespace: text,
  Kind: z.string().min(1),
  Name: z.string().min(1),
  Metadata: z.union([Metadata.transform((one) => [one]), z.array(Metadata)]).nullish(),
  Results: z.array(Result).nullish(),
  Error: text,
})
export type ClusterPart = z.infer<typeof ClusterPart>
const parts = z.array(ClusterPart).nullish()
export const ClusterReport = z.looseObject({
  ClusterName: z.string(),
  Resources: parts,
  Findings: parts,
  Vulnerabilities: parts,
  Misconfigurations: parts,
})
export type ClusterReport = z.infer<typeof ClusterReport>

const names = z.record(z.string(), z.string()).nullish()
export const OperatorReport = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: text,
    creationTimestamp: text,
    labels: names,
    annotations: names,
    ownerReferences: z.array(z.looseObject({ kind: z.string(), name: z.string() })).nullish(),
  }),
  report: z
    .looseObject({
      updateTimestamp: text,
      vulnerabilities: handedOut,
      checks: handedOut,
      secrets: handedOut,
      scanner: z.looseObject({ version: text }).nullish(),
      registry: z.looseObject({ server: text }).nullish(),
      artifact: z.looseObject({ repository: text, tag: text, digest: text }).nullish(),
      os: z.looseObject({ family: text, name: text }).nullish(),
    })
    .nullish(),
  spec: z.looseObject({ compliance: z.looseObject({ id: text, title: text }).nullish() }).nullish(),
  status: z.looseObject({ updateTimestamp: text, summaryReport: z.unknown().optional(), detailReport: z.unknown().optional() }).nullish(),
})
export type OperatorReport = z.infer<typeof OperatorReport>
