/** What Prowler says of one resource by one check, whichever of its outputs says it. */
export type Result = {
  check: string
  title: string
  status: string
  muted: boolean
  said: string
  severity: string
  provider: string
  account: string
  accountName: string
  region: string
  service: string
  resource: { id: string; name: string; type: string; namespace: string }
  description: string
  risk: string
  remediation: string[]
  links: string[]
  requirements: string[]
  findingId: string
  atNs: bigint | null
  version: string
}
