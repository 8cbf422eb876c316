/**
 * Settings that several scanners check under names of their own: what they say of one object is one thing to change. Only what is the same
 * setting and asks for the same change is in here; a check that is not keeps its own name.
 */

/** By the name of the setting: what to do, and what scanners call its check. */
const settings = {
  privileged: ['run it without privileged', 'kubescape/C-0057', 'trivy/KSV-0017', 'checkov/CKV_K8S_16'],
  'host-pid': ['do not share the node’s processes (hostPID)', 'trivy/KSV-0010', 'checkov/CKV_K8S_17'],
  'host-ipc': ['do not share the node’s IPC (hostIPC)', 'trivy/KSV-0008', 'checkov/CKV_K8S_18'],
  'host-network': ['do not use the node’s network (hostNetwork)', 'kubescape/C-0041', 'trivy/KSV-0009', 'checkov/CKV_K8S_19'],
  'host-path': ['do not mount directories of the node (hostPath)', 'kubescape/C-0048', 'trivy/KSV-0023'],
  'runtime-socket': ['do not mount the container runtime’s socket', 'kubescape/C-0074', 'trivy/KSV-0006', 'checkov/CKV_K8S_27'],
  'host-port': ['do not take a port of the node (hostPort)', 'kubescape/C-0044', 'trivy/KSV-0024', 'checkov/CKV_K8S_26'],
  'privilege-escalation': ['set allowPrivilegeEscalation: false', 'kubescape/C-0016', 'trivy/KSV-0001', 'checkov/CKV_K8S_20'],
  'added-capabilities': ['add no capabilities', 'kubescape/C-0046', 'trivy/KSV-0022', 'checkov/CKV_K8S_25'],
  'capability-sys-admin': ['do not add SYS_ADMIN', 'trivy/KSV-0005', 'checkov/CKV_K8S_39'],
  'run-as-root': ['run it as another user than root (runAsNonRoot: true)', 'kubescape/C-0013', 'trivy/KSV-0012', 'checkov/CKV_K8S_23'],
  'root-file-system': [
    'make its file system read-only (readOnlyRootFilesystem: true)',
    'kubescape/C-0017',
    'trivy/KSV-0014',
    'checkov/CKV_K8S_22',
  ],
  'account-token': ['do not mount its service account’s token', 'kubescape/C-0034', 'trivy/KSV-0036', 'checkov/CKV_K8S_38'],
  seccomp: ['set a seccomp profile (RuntimeDefault)', 'trivy/KSV-0030', 'checkov/CKV_K8S_31'],
  'memory-limit': ['set a memory limit', 'kubescape/C-0271', 'kubescape/C-0004', 'trivy/KSV-0018', 'checkov/CKV_K8S_13'],
  'cpu-limit': ['set a CPU limit', 'kubescape/C-0270', 'kubescape/C-0050', 'trivy/KSV-0011', 'checkov/CKV_K8S_11'],
  'image-tag': ['name its image by a fixed tag or digest', 'trivy/KSV-0013', 'checkov/CKV_K8S_14'],
  'default-namespace': ['move it out of namespace default', 'kubescape/C-0061', 'trivy/KSV-0110', 'checkov/CKV_K8S_21'],
} as const satisfies Record<string, readonly [string, ...string[]]>
export type Setting = keyof typeof settings

/** The setting a check is about, by the check’s id. */
export const settingOfCheck: Readonly<Record<string, Setting>> = Object.fromEntries(
  Object.entries(settings).flatMap(([name, [, ...checks]]) => checks.map((check) => [check, name as Setting])),
)

/** What to do, as the rest of "In Deployment shop/checkout: …". */
export const settingText = (name: string): string | undefined => (Object.hasOwn(settings, name) ? settings[name as Setting][0] : undefined)
