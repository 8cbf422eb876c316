/**
 * The Kubernetes audit log, at any level: events, EventLists, AKS diagnostic records, CloudWatch deliveries of EKS and their OCSF form.
 * What objects hold is not stored but for a list of names (kept.ts): never the data of Secrets. Records of other logs of the control plane
 * are skipped. Content key: SHA-256 over the scope, the event’s auditID and its stage; an alert’s: scope, auditID and the detection’s id.
 */
import { type LogLayout, splitLog } from '../audit-log.ts'
import type { Collector } from '../collector.ts'
import { AuditEvent } from './event.ts'
import { normaliseAudit } from './normalise.ts'
import { fromOcsf, isOcsf } from './ocsf.ts'

export const kubernetesAudit: Collector<AuditEvent> = {
  name: 'kubernetes-audit',
  title: 'Kubernetes audit log',
  produces: ['activity', 'alert'],
  withholds: 'it may hold Secrets',
  connect: `The API server posts events itself. Save this as \`/etc/kubernetes/falconer-audit.yaml\` on the control plane (the address holds the secret: mode 0600) and start
kube-apiserver with \`--audit-policy-file=/etc/kubernetes/audit-policy.yaml --audit-webhook-config-file=/etc/kubernetes/falconer-audit.yaml --audit-webhook-batch-max-wait=5s\`:

\`\`\`yaml
apiVersion: v1
kind: Config
clusters:
  - name: falconer
    cluster:
      server: {{url}}/ingest/kubernetes-audit/{{secret}}
contexts:
  - name: falconer
    context: { cluster: falconer, user: "" }
current-context: falconer
\`\`\`

An audit policy that is enough, and leaves out what Secrets hold:

\`\`\`yaml
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ["system:apiserver", "system:kube-scheduler", "system:kube-controller-manager"]
    verbs: [get, list, watch]
  - level: Metadata
    resources: [{ group: "", resources: [secrets, configmaps, serviceaccounts/token] }]
  - level: Request
    verbs: [create, update, patch, delete, deletecollection]
  - level: Metadata
\`\`\`

From a file of the API server (\`--audit-log-path\`), AKS (\`kube-audit\` of the diagnostic settings) or CloudWatch, once or regularly:

\`\`\`sh
falconer import - --cluster {{scope}} < /var/log/kubernetes/audit.log
aws logs filter-log-events --log-group-name /aws/eks/CLUSTER/cluster --log-stream-name-prefix kube-apiserver-audit | falconer import - --cluster {{scope}}
curl --data-binary @audit.log -H "Authorization: Bearer {{secret}}" {{url}}/ingest/kubernetes-audit
\`\`\``,
  detect: (sample) =>
    /"auditID"\s*:/.test(sample)
      ? /"(?:stage|requestURI|verb)"\s*:/.test(sample)
      : /\\"auditID\\"\s*:/.test(sample)
        ? /"(?:records|logEvents|events|properties)"\s*:/.test(sample)
        : /"kind"\s*:\s*"EventList"/.test(sample)
          ? /audit\.k8s\.io/.test(sample)
          : /"class_uid"\s*:\s*6003\b/.test(sample) && /"name"\s*:\s*"(?:Amazon EKS|AWS EKS|Kubernetes)"/.test(sample),
  raw: AuditEvent,
  split: (input) => splitLog(input, layout),
  normalise: normaliseAudit,
}

const layout: LogLayout = {
  wrappers: ['items', 'records', 'logEvents', 'events'],
  unpack(document) {
    const { properties, message } = document
    if (isOcsf(document)) return { event: fromOcsf(document), translated: true }
    // AKS keeps the logs of all parts of its control plane alike.
    if ('category' in document && properties !== null && typeof properties === 'object' && 'log' in properties) {
      if (typeof document.category === 'string' && !/audit/i.test(document.category)) return null
      return typeof properties.log === 'string' ? { text: properties.log } : { event: properties.log }
    }
    if (typeof message !== 'string' || 'auditID' in document) return { event: document }
    return message.includes('"auditID"') ? { text: message } : null
  },
}
