import { describe, expect, it } from 'vitest'
import { auditDetections } from './detections.ts'

type Event = Record<string, unknown>
const mara = { username: 'mara', groups: ['system:authenticated'] }
const workload = { username: 'system:serviceaccount:shop:cart', groups: ['system:serviceaccounts'] }
const controller = { username: 'system:serviceaccount:kube-system:replicaset-controller', groups: ['system:serviceaccounts'] }
const anonymous = { username: 'system:anonymous', groups: ['system:unauthenticated'] }

/** `what`: resource[/subresource], with the namespace after @ and the name after #. */
function event(verb: string, what: string, requestObject?: unknown, more: Event = {}): Event {
  const [, resource, subresource, namespace, name] = /^(\w+)(?:\/(\w+))?(?:@([\w-]+))?(?:#([\w:-]+))?$/.exec(what) ?? []
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: 'a',
    stage: 'ResponseComplete',
    verb,
    user: mara,
    requestURI: '/api/v1/…',
    objectRef: { resource, subresource, namespace, name },
    responseStatus: { code: 200 },
    requestObject,
    ...more,
  }
}
const refused = { responseStatus: { code: 403, reason: 'Forbidden' } }
const by = (user: unknown): Event => ({ user })
const pod = (spec: object, container: object = {}): unknown => ({
  kind: 'Pod',
  spec: { containers: [{ name: 'a', image: 'x', ...container }], ...spec },
})
const template = (spec: object): unknown => ({ kind: 'DaemonSet', spec: { template: pod(spec) } })
const role = (verbs: string[], resources: string[]): unknown => ({ rules: [{ apiGroups: [''], resources, verbs }] })
const binding = (name: string, subject = 'mara'): unknown => ({
  roleRef: { kind: 'ClusterRole', name },
  subjects: [{ kind: 'User', name: subject }],
})

/** Of each detection an event that it is for, and one that is nearly the same and harmless. */
const examples: Record<string, [hit: Event, benign: Event]> = {
  'admission-webhook-changed': [
    event('create', 'mutatingwebhookconfigurations#x'),
    event('patch', 'mutatingwebhookconfigurations#x', {}, by({ username: 'system:serviceaccount:cert-manager:cainjector' })),
  ],
  'anonymous-bound': [
    event('create', 'clusterrolebindings#x', binding('view', 'system:anonymous')),
    event('create', 'clusterrolebindings#x', binding('view', 'system:authenticated')),
  ],
  'anonymous-request-allowed': [
    event('list', 'pods@shop', undefined, { user: anonymous, requestURI: '/api/v1/namespaces/shop/pods' }),
    event('get', '', undefined, { user: anonymous, objectRef: undefined, requestURI: '/healthz?timeout=1s' }),
  ],
  'aws-auth-changed': [event('patch', 'configmaps@kube-system#aws-auth', {}), event('get', 'configmaps@kube-system#aws-auth')],
  'certificate-approved': [
    event('update', 'certificatesigningrequests/approval#x'),
    event('update', 'certificatesigningrequests/approval#x', {}, by({ username: 'system:kube-controller-manager' })),
  ],
  'client-certificate-requested': [
    event('create', 'certificatesigningrequests#x', { spec: { signerName: 'kubernetes.io/kube-apiserver-client' } }),
    event('create', 'certificatesigningrequests#x', { spec: { signerName: 'kubernetes.io/kubelet-serving' } }),
  ],
  'cluster-admin-bound': [
    event('create', 'clusterrolebindings#x', binding('cluster-admin')),
    event('create', 'clusterrolebindings#x', binding('view')),
  ],
  'cluster-dns-changed': [event('update', 'configmaps@kube-system#coredns', {}), event('update', 'configmaps@shop#coredns', {})],
  'credentials-in-configmap': [
    event('create', 'configmaps@shop#c', { data: { 'app.properties': 'user=a\npassword = hunter2\n' } }),
    event('create', 'configmaps@shop#c', { data: { 'app.properties': 'color=purple\npasswordless sign-in\n' } }),
  ],
  'cron-job-created': [event('create', 'cronjobs@shop#c', {}), event('update', 'cronjobs/status@shop#c', {})],
  'daemon-set-created': [event('create', 'daemonsets@shop#c', {}), event('update', 'daemonsets@shop#c', {})],
  'ephemeral-container-added': [
    event('patch', 'pods/ephemeralcontainers@shop#p', {}),
    event('patch', 'pods/ephemeralcontainers@shop#p', {}, refused),
  ],
  'escalating-role': [
    event('create', 'clusterroles#r', role(['bind'], ['clusterroles'])),
    event('create', 'clusterroles#r', role(['get'], ['clusterroles'])),
  ],
  'events-deleted': [event('deletecollection', 'events@shop'), event('deletecollection', 'events@shop', undefined, by(controller))],
  'external-ip-service': [
    event('create', 'services@shop#s', { spec: { externalIPs: ['192.0.2.7'] } }),
    event('create', 'services@shop#s', { spec: { externalIPs: [] } }),
  ],
  'host-namespace-workload': [
    event('create', 'daemonsets@shop#d', template({ hostPID: true })),
    event('create', 'daemonsets@shop#d', template({ hostPID: false })),
  ],
  'host-network-workload': [
    event('create', 'pods@shop', pod({ hostNetwork: true })),
    event('create', 'pods@kube-system', pod({ hostNetwork: true }), by(controller)),
  ],
  'identity-impersonated': [event('list', 'pods@shop', undefined, { impersonatedUser: { username: 'root' } }), event('list', 'pods@shop')],
  'kubelet-reached-through-proxy': [
    event('create', 'nodes/proxy#n', undefined, { requestURI: '/api/v1/nodes/n/proxy/run/shop/cart/app?cmd=id' }),
    event('get', 'nodes/proxy#n', undefined, { requestURI: '/api/v1/nodes/n/proxy/stats/summary' }),
  ],
  'namespace-deleted': [event('delete', 'namespaces#shop'), event('delete', 'namespaces#shop', undefined, refused)],
  'node-port-service': [
    event('create', 'services@shop#s', { spec: { type: 'NodePort' } }),
    event('create', 'services@shop#s', { spec: { type: 'ClusterIP' } }),
  ],
  'own-rights-asked': [event('create', 'selfsubjectrulesreviews', {}, by(workload)), event('create', 'selfsubjectrulesreviews', {})],
  'pod-attach': [event('create', 'pods/attach@shop#p'), event('get', 'pods/log@shop#p')],
  'pod-exec': [event('get', 'pods/exec@shop#p'), event('get', 'pods@shop#p')],
  'pod-in-system-namespace': [event('create', 'pods@kube-system', pod({})), event('create', 'pods@kube-system', pod({}), by(controller))],
  'pod-port-forward': [event('create', 'pods/portforward@shop#p'), event('create', 'pods/binding@shop#p')],
  'privileged-workload': [
    event('create', 'pods@shop', pod({}, { securityContext: { privileged: true } }), by(controller)),
    event('create', 'pods@shop', pod({}, { securityContext: { privileged: false } })),
  ],
  'role-reaches-workloads': [
    event('create', 'roles@shop#r', role(['create'], ['pods/exec'])),
    event('create', 'roles@shop#r', role(['create'], ['pods'])),
  ],
  'secrets-listed-everywhere': [event('list', 'secrets'), event('list', 'secrets@shop')],
  'sensitive-host-path': [
    event('create', 'pods@shop', pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] })),
    event('create', 'pods@shop', pod({ volumes: [{ name: 'v', hostPath: { path: '/data/cache' } }] })),
  ],
  'service-account-in-system-namespace': [
    event('create', 'serviceaccounts@kube-system#s', {}),
    event('create', 'serviceaccounts@shop#s', {}),
  ],
  'service-account-token-issued': [
    event('create', 'serviceaccounts/token@shop#cart', {}),
    event('create', 'serviceaccounts/token@shop#cart', {}, by({ username: 'system:node:n1' })),
  ],
  'service-account-token-secret': [
    event('create', 'secrets@shop#t', { type: 'kubernetes.io/service-account-token' }),
    event('create', 'secrets@shop#t', { type: 'Opaque' }),
  ],
  'system-role-changed': [
    event('patch', 'clusterroles#system:node', {}),
    event('patch', 'clusterroles#system:node', {}, by({ username: 'system:apiserver' })),
  ],
  'system-secret-read': [event('get', 'secrets@kube-system#x'), event('get', 'secrets@kube-system#x', undefined, by(controller))],
  'wildcard-role': [
    event('create', 'clusterroles#r', role(['*'], ['pods'])),
    event('create', 'clusterroles#r', role(['get', 'list'], ['pods'])),
  ],
}

const found = (one: Event): string[] => auditDetections.matching(one).map(({ id }) => id)

describe('detections of the Kubernetes audit log', () => {
  it('have an example each', () => {
    expect(Object.keys(examples).sort()).toEqual(auditDetections.all.map(({ id }) => id))
    expect(auditDetections.all.length).toBeGreaterThanOrEqual(25)
  })

  it.each(Object.entries(examples))('%s: its event, and not the harmless one beside it', (id, [hit, benign]) => {
    expect(found(hit)).toContain(id)
    expect(found(benign)).not.toContain(id)
  })

  it('say nothing of everyday events', () => {
    for (const what of ['pods@shop#p', 'configmaps@kube-system#c', 'nodes#n', 'deployments@shop#d', 'leases@kube-system#l'])
      for (const user of [mara, workload, controller])
        for (const verb of ['get', 'list', 'watch']) expect(found(event(verb, what, undefined, { user }))).toEqual([])
    expect(found(event('create', 'deployments@shop#d', { spec: { template: pod({ hostNetwork: false }) } }))).toEqual([])
  })
})
