/**
 * Scanners that live in the cluster and keep what they find as its objects: which objects, and which collector reads them. Falconer needs
 * to get and list these, and nothing else of their groups.
 */
export type Operator = {
  name: string
  title: string
  /** Of the source; an object may be another’s to read. */ collector: string
  group: string
  /** By plural, the collector that reads one such object. */ resources: Readonly<Record<string, string>>
}

const trivyReports = [
  ...['vulnerability', 'configaudit', 'rbacassessment', 'infraassessment'].flatMap((kind) => [kind, `cluster${kind}`]),
  'exposedsecret',
  'clustercompliance',
].map((kind) => `${kind}reports`)

export const operators: readonly Operator[] = [
  {
    name: 'trivy-operator',
    title: 'Trivy operator',
    collector: 'trivy',
    group: 'aquasecurity.github.io',
    resources: Object.fromEntries(trivyReports.map((plural) => [plural, 'trivy'])),
  },
  {
    name: 'kubescape-operator',
    title: 'Kubescape operator',
    collector: 'kubescape',
    group: 'spdx.softwarecomposition.kubescape.io',
    // Its vulnerabilities are Grype’s.
    resources: { workloadconfigurationscans: 'kubescape', vulnerabilitymanifests: 'grype' },
  },
]

/** `vulnerabilityreports.aquasecurity.github.io` */
export const resourceName = ({ group }: Operator, plural: string): string => `${plural}.${group}`
