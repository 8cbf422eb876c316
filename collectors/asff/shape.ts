/** A finding in AWS Security Hub’s format (ASFF), as far as it is read; who made it, what kind of thing it says. Pure. */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import type { FindingClass } from '../../domain/finding.ts'
import { severities, type Severity } from '../../domain/severity.ts'
import { instantOf, producerOf } from '../cloud-findings.ts'
import { anything, part, parts, record, text, texts } from '../loose.ts'
import { severityOf } from '../vulnerability.ts'

const ip = part({ IpAddressV4: text })
const Asff = z.object({
  SchemaVersion: text,
  Id: text,
  ProductArn: text,
  ProductName: text,
  ProductFields: record,
  GeneratorId: text,
  AwsAccountId: text,
  AwsAccountName: text,
  Region: text,
  Types: texts,
  FindingProviderFields: part({ Types: texts, Severity: part({ Label: text }) }),
  LastObservedAt: anything,
  UpdatedAt: anything,
  CreatedAt: anything,
  Severity: part({ Label: text, Normalized: text }),
  Title: text,
  Description: text,
  SourceUrl: text,
  Remediation: part({ Recommendation: part({ Text: text, Url: text }) }),
  Resources: parts({ Type: text, Id: text, Region: text, Details: record }),
  Compliance: part({
    Status: text,
    SecurityControlId: text,
    RelatedRequirements: texts,
    StatusReasons: parts({ ReasonCode: text, Description: text }),
  }),
  Vulnerabilities: parts({
    Id: text,
    RelatedVulnerabilities: texts,
    ReferenceUrls: texts,
    ExploitAvailable: text,
    Cvss: parts({ Version: text, BaseScore: anything, BaseVector: text }),
    VulnerablePackages: parts({ Name: text, Version: text, Release: text, PackageManager: text, FilePath: text, FixedInVersion: text }),
  }),
  RecordState: text,
  Workflow: part({ Status: text }),
  Note: part({ Text: text }),
  Process: part({ Name: text, Path: text, Pid: text, ParentPid: text }),
  Network: part({ Direction: text, Protocol: text, SourceIpV4: text, SourcePort: text, DestinationIpV4: text, DestinationPort: text }),
  Action: part({
    ActionType: text,
    NetworkConnectionAction: part({
      ConnectionDirection: text,
      Protocol: text,
      RemoteIpDetails: ip,
      RemotePortDetails: part({ Port: text }),
      LocalPortDetails: part({ Port: text }),
    }),
    AwsApiCallAction: part({ Api: text, ServiceName: text, RemoteIpDetails: ip }),
    DnsRequestAction: part({ Domain: text }),
  }),
})
export type Asff = z.infer<typeof Asff> & { producer: string; class: FindingClass | 'detection' }
export type Resource = Asff['Resources'][number]

export function asffOf(raw: Record<string, unknown>): Asff {
  const read = Asff.parse(raw)
  if (read.ProductArn === '' && read.SchemaVersion === '')
    throw new InputError('it is no finding of Security Hub: it has neither SchemaVersion nor ProductArn')
  if (read.GeneratorId === '' && read.Title === '') throw new InputError('it says neither what generated it (GeneratorId) nor a title')
  const producer = producerIn(read)
  return { ...read, producer, class: classOf(read, producer) }
}

/** The scanner rather than the shop that sells it: ProductFields name it where it came through another. */
function producerIn({ ProductFields: fields, ProductName, ProductArn }: z.infer<typeof Asff>): string {
  const named = [fields.ProviderName, fields['Product Name'], ProductName, fields['aws/securityhub/ProductName']]
  const name = named.map((one) => text.parse(one)).find((one) => one !== '' && one.toLowerCase() !== 'default')
  return producerOf(name ?? ProductArn.split('/').at(-1) ?? '')
}

/** What is checked has a result, whatever its types are called; TTPs, effects and unusual behaviours are what happened. */
function classOf(read: z.infer<typeof Asff>, producer: string): Asff['class'] {
  const types = [...read.Types, ...read.FindingProviderFields.Types]
  if (producer === 'prowler') return 'misconfiguration'
  if (read.Compliance.Status !== '') return 'compliance'
  if (read.Vulnerabilities.length > 0 || /\/(?:CVE-\d{4}-\d{4,})$/i.test(read.GeneratorId)) return 'vulnerability'
  if (producer === 'guardduty' || types.some((type) => /^(?:TTPs|Effects|Unusual Behaviors)(?:\/|$)/i.test(type))) return 'detection'
  if (types.some((type) => /^Sensitive Data Identifications/i.test(type))) return 'secret'
  return 'misconfiguration'
}

export function severityIn({ Severity: said, FindingProviderFields: provider }: Asff): Severity | null {
  const named = severityOf(said.Label) ?? severityOf(provider.Severity.Label)
  if (named !== null || said.Normalized === '' || !Number.isFinite(Number(said.Normalized))) return named
  const score = Number(said.Normalized)
  return severities[score < 1 ? 0 : score < 40 ? 1 : score < 70 ? 2 : score < 90 ? 3 : 4] ?? null
}

export const timeIn = ({ LastObservedAt, UpdatedAt, CreatedAt }: Asff): bigint | null =>
  [LastObservedAt, UpdatedAt, CreatedAt].map(instantOf).find((at) => at !== null) ?? null
