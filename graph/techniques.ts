/**
 * The techniques steps are named by: MITRE ATT&CK (v17) and Microsoft’s Threat Matrix for Kubernetes. One table, so that an id is right in one place.
 * Of a sub-technique its own name. `matrix` is the matrix’s own entry for the same act; null where it has none.
 */
import type { Technique } from '../domain/graph.ts'

export const techniques = {
  exploitPublicApplication: { id: 'T1190', name: 'Exploit Public-Facing Application', tactic: 'TA0001', matrix: 'MS-TA9004' },
  exploitRemoteService: { id: 'T1210', name: 'Exploitation of Remote Services', tactic: 'TA0008', matrix: 'MS-TA9034' },
  escapeToHost: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: null },
  escapePrivileged: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: 'MS-TA9018' },
  escapeHostPath: { id: 'T1611', name: 'Escape to Host', tactic: 'TA0004', matrix: 'MS-TA9013' },
  credentialsInFiles: { id: 'T1552.001', name: 'Credentials In Files', tactic: 'TA0006', matrix: 'MS-TA9027' },
  filesOnHost: { id: 'T1552.001', name: 'Credentials In Files', tactic: 'TA0006', matrix: null },
  privateKeys: { id: 'T1552.004', name: 'Private Keys', tactic: 'TA0006', matrix: null },
  arpPoisoning: { id: 'T1557.002', name: 'ARP Cache Poisoning', tactic: 'TA0006', matrix: 'MS-TA9036' },
  networkSniffing: { id: 'T1040', name: 'Network Sniffing', tactic: 'TA0006', matrix: null },
  instanceMetadata: { id: 'T1552.005', name: 'Cloud Instance Metadata API', tactic: 'TA0006', matrix: 'MS-TA9028' },
  localData: { id: 'T1005', name: 'Data from Local System', tactic: 'TA0009', matrix: null },
  networkDiscovery: { id: 'T1046', name: 'Network Service Discovery', tactic: 'TA0007', matrix: 'MS-TA9031' },
  accountToken: { id: 'T1528', name: 'Steal Application Access Token', tactic: 'TA0006', matrix: 'MS-TA9016' },
  readSecrets: { id: 'T1552.007', name: 'Container API', tactic: 'TA0006', matrix: 'MS-TA9025' },
  deployContainer: { id: 'T1610', name: 'Deploy Container', tactic: 'TA0002', matrix: 'MS-TA9008' },
  containerCommand: { id: 'T1609', name: 'Container Administration Command', tactic: 'TA0002', matrix: 'MS-TA9006' },
  clusterRoles: { id: 'T1098.006', name: 'Additional Container Cluster Roles', tactic: 'TA0004', matrix: 'MS-TA9019' },
  clusterAdmin: { id: 'T1078.003', name: 'Local Accounts', tactic: 'TA0004', matrix: 'MS-TA9019' },
  validAccounts: { id: 'T1078', name: 'Valid Accounts', tactic: 'TA0004', matrix: null },
  admissionController: { id: 'T1546', name: 'Event Triggered Execution', tactic: 'TA0004', matrix: 'MS-TA9015' },
  certificates: { id: 'T1649', name: 'Steal or Forge Authentication Certificates', tactic: 'TA0006', matrix: null },
  temporaryCloudAccess: { id: 'T1548.005', name: 'Temporary Elevated Cloud Access', tactic: 'TA0004', matrix: null },
  cloudAccounts: { id: 'T1078.004', name: 'Cloud Accounts', tactic: 'TA0004', matrix: null },
  cloudAccountOfPod: { id: 'T1078.004', name: 'Cloud Accounts', tactic: 'TA0004', matrix: 'MS-TA9020' },
  cloudRoles: { id: 'T1098.003', name: 'Additional Cloud Roles', tactic: 'TA0004', matrix: null },
  cloudStorage: { id: 'T1530', name: 'Data from Cloud Storage', tactic: 'TA0009', matrix: null },
  exploitCloudResource: { id: 'T1190', name: 'Exploit Public-Facing Application', tactic: 'TA0001', matrix: null },
  metadataOfInstance: { id: 'T1552.005', name: 'Cloud Instance Metadata API', tactic: 'TA0006', matrix: null },
} as const satisfies Record<string, Technique>
