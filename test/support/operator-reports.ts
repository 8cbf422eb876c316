/** A simulated cluster with what the operators of Trivy and Kubescape keep in it, as small as it can be, and what was asked of it. */
import { createHash } from 'node:crypto'
import { connect } from '../../clusters/client.ts'
import type { KubernetesJson } from '../../clusters/contract.ts'
import type { SimulatedCustom } from '../../clusters/simulated/custom.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../clusters/simulated/server.ts'

export const trivyGroup = 'aquasecurity.github.io'
export const kubescapeGroup = 'spdx.softwarecomposition.kubescape.io'
export const vulnerabilityReports = `vulnerabilityreports.${trivyGroup}`
const kinds = {
  VulnerabilityReport: { group: trivyGroup, version: 'v1alpha1', plural: 'vulnerabilityreports', namespaced: true },
  ClusterComplianceReport: { group: trivyGroup, version: 'v1alpha1', plural: 'clustercompliancereports', namespaced: false },
  WorkloadConfigurationScan: {
    group: kubescapeGroup,
    version: 'v1beta1',
    plural: 'workloadconfigurationscans',
    namespaced: true,
    bare: true,
  },
  VulnerabilityManifest: { group: kubescapeGroup, version: 'v1beta1', plural: 'vulnerabilitymanifests', namespaced: true, bare: true },
} as const
export type CustomKind = keyof typeof kinds
export const pluralOf = (kind: CustomKind): string => `${kinds[kind].plural}.${kinds[kind].group}`

export type Refusal = { status: number; message: string }
export type OperatorCluster = {
  cluster: SimulatedCluster
  kubeConfig: ReturnType<typeof connect>
  install(...installed: CustomKind[]): void
  put(kind: CustomKind, object: KubernetesJson): void
  /** Paths asked for since the last look. */ asked(): string[]
  /** Objects asked for one by one since the last look. */ reads(): number
  refuse: ((request: { path: string; continued: boolean }) => Refusal | undefined) | null
}

export async function startOperatorCluster(): Promise<OperatorCluster> {
  const installed: SimulatedCustom['resources'][number][] = []
  let paths: string[] = []
  const custom: SimulatedCustom = {
    resources: installed,
    refuse: (request) => {
      paths.push(request.path)
      return operators.refuse?.(request)
    },
  }
  const cluster = await startSimulatedCluster({ file: ':memory:', seed: { objects: [] }, custom })
  const take = (): string[] => paths.splice(0)
  const operators: OperatorCluster = {
    cluster,
    kubeConfig: connect({ kubeconfig: cluster.kubeconfig('reader') }),
    install: (...names) => installed.push(...names.map((kind) => ({ kind, ...kinds[kind] }))),
    put(kind, object) {
      const { store } = cluster
      const { namespace = null, name } = object.metadata
      const before = store.get(pluralOf(kind), namespace, name)
      if (before === undefined) store.create(pluralOf(kind), object, false)
      else store.update(pluralOf(kind), { ...object, metadata: { ...object.metadata, uid: before.metadata.uid } }, false)
    },
    asked: take,
    reads: () => take().filter((path) => /\/namespaces\/[^/]+\/[a-z]+\/[^/]+$/.test(path)).length,
    refuse: null,
  }
  paths = []
  return operators
}

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

/** Of one container’s image, with these vulnerabilities. */
export function vulnerabilityReport(name: string, cves: readonly string[], updateTimestamp = '2026-11-23T10:00:00Z'): KubernetesJson {
  return {
    apiVersion: `${trivyGroup}/v1alpha1`,
    kind: 'VulnerabilityReport',
    metadata: {
      name,
      namespace: 'shop',
      labels: {
        'trivy-operator.resource.kind': 'ReplicaSet',
        'trivy-operator.resource.name': name,
        'trivy-operator.container.name': 'app',
      },
    },
    report: {
      updateTimestamp,
      scanner: { name: 'Trivy', version: '0.60.0' },
      registry: { server: 'index.docker.io' },
      artifact: { repository: `shop/${name}`, tag: '1', digest: digestOf(name) },
      os: { family: 'debian', name: '12.11' },
      vulnerabilities: cves.map((vulnerabilityID) => ({
        vulnerabilityID,
        resource: 'libssl3',
        installedVersion: '3.0-1',
        fixedVersion: '3.0-2',
        severity: 'HIGH',
        title: 'a bad parser',
        target: '',
      })),
    },
  } as KubernetesJson
}

export const configurationScan = (name: string, status: 'failed' | 'passed' = 'failed'): KubernetesJson => ({
  apiVersion: `${kubescapeGroup}/v1beta1`,
  kind: 'WorkloadConfigurationScan',
  metadata: {
    name: `deployment-${name}`,
    namespace: 'shop',
    labels: { 'kubescape.io/workload-kind': 'Deployment', 'kubescape.io/workload-name': name },
    annotations: { 'kubescape.io/wlid': `wlid://cluster-lab/namespace-shop/deployment-${name}` },
  },
  spec: {
    controls: {
      'C-0057': { controlID: 'C-0057', name: 'Privileged container', severity: { severity: 'High', scoreFactor: 8 }, status: { status } },
    },
  },
})

export const vulnerabilityManifest = (name: string, relevant = false): KubernetesJson => ({
  apiVersion: `${kubescapeGroup}/v1beta1`,
  kind: 'VulnerabilityManifest',
  metadata: {
    name,
    namespace: 'kubescape',
    labels: { 'kubescape.io/context': relevant ? 'filtered' : 'non-filtered' },
    annotations: { 'kubescape.io/image-id': `docker.io/shop/${name}@${digestOf(name)}`, 'kubescape.io/image-tag': `shop/${name}:1` },
  },
  spec: {
    metadata: { withRelevancy: relevant, report: { createdAt: '2026-11-23T10:00:00Z' } },
    payload: {
      matches: [
        {
          vulnerability: { id: 'CVE-2024-0001', severity: 'High' },
          artifact: { name: 'libssl3', version: '3.0-1', type: 'deb', purl: 'pkg:deb/debian/libssl3@3.0-1?distro=debian-12' },
        },
      ],
      descriptor: { name: 'grype', version: '0.90.0' },
    },
  },
})
