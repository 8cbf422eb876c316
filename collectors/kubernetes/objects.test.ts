import { assert, constantFrom, dictionary, jsonValue, letrec, oneof, property, array, record as shaped } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NewAlias, NewEntity, NewRelation } from '../../domain/entity.ts'
import { PodProperties, RoleBindingProperties, RoleProperties, workloadKinds, WorkloadProperties } from '../../domain/entity.ts'
import { InputError } from '../../domain/errors.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { kubernetesResource } from '../resources.ts'
import { KubernetesObject } from './kubernetes.ts'
import { normaliseObject } from './normalise.ts'

const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
type Records = { entities: NewEntity[]; relations: NewRelation[]; aliases: NewAlias[] }
function read(...objects: Record<string, unknown>[]): Records {
  const records = objects.flatMap((object) => [
    ...normaliseObject(KubernetesObject.parse(object), { raw: object, bytes: new Uint8Array(), at: '' }, source),
  ])
  return {
    entities: records.flatMap((one) => (one.kind === 'entity' ? [one.entity] : [])),
    relations: records.flatMap((one) => (one.kind === 'relation' ? [one.relation] : [])),
    aliases: records.flatMap((one) => (one.kind === 'alias' ? [one.alias] : [])),
  }
}
const named = (kind: string, name: string, over: Record<string, unknown> = {}, namespace: string | undefined = 'shop') => ({
  kind,
  metadata: { name, namespace, uid: `uid-${name}`, creationTimestamp: '2026-08-01T00:00:00Z' },
  ...over,
})
const ends = ({ relations }: Records, type: string): string[] =>
  relations.filter((one) => one.type === type).map(({ from, to }) => `${from.kind} ${from.key} → ${to.kind} ${to.key}`)
const pod = (spec: Record<string, unknown>, status: Record<string, unknown> = {}) => named('Pod', 'web', { spec, status })

describe('what a pod may do', () => {
  const { entities, relations } = read(
    pod({
      serviceAccountName: 'checkout',
      automountServiceAccountToken: false,
      hostPID: true,
      hostIPC: true,
      hostNetwork: true,
      securityContext: { runAsUser: 1000, runAsNonRoot: true },
      volumes: [
        { name: 'root', hostPath: { path: '/' } },
        { name: 'tls', secret: { secretName: 'tls' } },
        { name: 'all', projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'no' } }] } },
      ],
      initContainers: [{ name: 'init', image: 'i', envFrom: [{ secretRef: { name: 'env' } }, { configMapRef: { name: 'no' } }] }],
      containers: [
        {
          name: 'app',
          image: 'web:1',
          securityContext: {
            privileged: true,
            runAsUser: 0,
            allowPrivilegeEscalation: true,
            readOnlyRootFilesystem: false,
            capabilities: { add: ['SYS_ADMIN'], drop: ['ALL'] },
          },
          ports: [{ containerPort: 8080, name: 'http', hostPort: 80 }],
          volumeMounts: [{ name: 'root', mountPath: '/host', readOnly: true }],
          env: [
            { name: 'PASSWORD', value: 'hunter2hunter2' },
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'k' } } },
          ],
        },
      ],
    }),
  )
  it('is recorded as declared, the container’s word before the pod’s', () => {
    const properties = PodProperties.parse(entities[0]?.properties)
    expect(properties).toMatchObject({
      hostPID: true,
      hostIPC: true,
      hostNetwork: true,
      automountServiceAccountToken: false,
      serviceAccount: 'checkout',
      hostPaths: [{ path: '/', volume: 'root', mounts: [{ container: 'app', path: '/host', readOnly: true }] }],
      secrets: ['env', 'projected', 'tls', 'token'],
    })
    expect(properties.containers).toMatchObject([
      {
        name: 'app',
        privileged: true,
        security: {
          capabilitiesAdded: ['SYS_ADMIN'],
          capabilitiesDropped: ['ALL'],
          runAsUser: 0,
          runAsNonRoot: true,
          allowPrivilegeEscalation: true,
          readOnlyRootFilesystem: false,
        },
        ports: [{ name: 'http', port: 8080, protocol: 'TCP', hostPort: 80 }],
      },
      { name: 'init', init: true, security: { runAsUser: 1000, allowPrivilegeEscalation: null }, ports: [] },
    ])
    expect(stringifyExact(entities)).not.toContain('hunter2')
  })
  it('is told by relations to what it runs as and has in it', () => {
    const made = { entities, relations, aliases: [] }
    expect(ends(made, 'RUNS_AS')).toEqual(['pod uid-web → service_account shop/ServiceAccount/checkout'])
    expect(ends(made, 'MOUNTS').map((one) => one.split('/').at(-1))).toEqual(['env', 'projected', 'tls', 'token'])
  })
  it('was not looked at in what was recorded before, which can still be read', () => {
    const { hostIPC, hostPaths, secrets, automountServiceAccountToken, containers, ...older } = PodProperties.parse(entities[0]?.properties)
    expect([hostIPC, hostPaths, secrets, automountServiceAccountToken].every((one) => one !== undefined)).toBe(true)
    const before = containers.map(({ security: _security, ports: _ports, ...one }) => one)
    expect(PodProperties.parse({ ...older, containers: before }).hostIPC).toBeUndefined()
  })
})

describe('images', () => {
  const running = (image: string, imageID: string): Records =>
    read(
      pod(
        { containers: [{ name: 'app', image }] },
        { containerStatuses: [{ name: 'app', containerID: `containerd://${'a'.repeat(64)}`, imageID }] },
      ),
    )
  it.each([
    ['web:1', `docker.io/library/web@${digest('b')}`, 'global', digest('b')],
    ['web:1', `docker-pullable://web@${digest('b')}`, 'global', digest('b')],
    ['web:1', digest('c'), 'global', digest('c')],
    ['web:1', `docker://${digest('c')}`, 'global', digest('c')],
    [`web:1@${digest('d')}`, '', 'global', digest('d')],
    ['web:1', '', 'lab', 'web:1'],
    ['web:1', 'web@sha256:ab', 'lab', 'web:1'],
  ])('%s running as %j has the key of its digest, else of its reference', (image, imageId, scope, key) => {
    const made = running(image, imageId)
    expect(made.entities.find((one) => one.kind === 'image')).toMatchObject({ scope, key, name: image, properties: { reference: image } })
    expect(made.relations.find((one) => one.type === 'USES_IMAGE')?.to).toEqual({ scope, kind: 'image', key })
    expect(made.aliases).toEqual([])
  })
  it('that are asked for by one digest and run as another are one, by the cluster’s word', () => {
    expect(running(`web@${digest('d')}`, `web@${digest('b')}`).aliases).toMatchObject([
      { scope: 'global', kind: 'image', key: digest('b'), alsoKey: digest('d'), because: expect.stringMatching(/^kubernetes/) },
    ])
  })
  it('without a name and a digest are none', () => {
    expect(running('', 'x').entities.map((one) => one.kind)).toEqual(['pod', 'container'])
  })
})

describe('who may do what', () => {
  it('is a role with its rules, and bindings of it to accounts, users and groups', () => {
    const made = read(
      named('Role', 'reader', { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 7] }, 'odd'] }),
      named('ClusterRole', 'admin', { rules: [{ nonResourceURLs: ['/metrics'], verbs: ['*'] }] }, undefined),
      named('RoleBinding', 'own', {
        roleRef: { kind: 'Role', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'checkout' }, { kind: 'ServiceAccount', name: 'ci', namespace: 'build' }, {}],
      }),
      named(
        'ClusterRoleBinding',
        'wide',
        {
          roleRef: { kind: 'ClusterRole', name: 'admin' },
          subjects: [
            { kind: 'User', name: 'system:serviceaccount:build:ci' },
            { kind: 'User', name: 'ada' },
            { kind: 'Group', name: 'system:masters' },
          ],
        },
        undefined,
      ),
    )
    expect(made.entities.map(({ kind, key, namespace }) => [kind, key, namespace])).toEqual([
      ['role', 'shop/Role/reader', 'shop'],
      ['role', '-/ClusterRole/admin', null],
      ['role_binding', 'shop/RoleBinding/own', 'shop'],
      ['role_binding', '-/ClusterRoleBinding/wide', null],
    ])
    expect(RoleProperties.parse(made.entities[0]?.properties).rules[0]).toEqual({
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: [],
      nonResourceURLs: [],
      verbs: ['get'],
    })
    expect(RoleBindingProperties.parse(made.entities[3]?.properties).subjects[0]).toEqual({
      kind: 'ServiceAccount',
      name: 'ci',
      namespace: 'build',
    })
    expect(ends(made, 'GRANTS')).toEqual([
      'role_binding shop/RoleBinding/own → role shop/Role/reader',
      'role_binding -/ClusterRoleBinding/wide → role -/ClusterRole/admin',
    ])
    expect(ends(made, 'BINDS').map((one) => one.replace(/.* → /, ''))).toEqual([
      'service_account shop/ServiceAccount/checkout',
      'service_account build/ServiceAccount/ci',
      'service_account build/ServiceAccount/ci',
      'identity User/ada',
      'identity Group/system:masters',
    ])
  })

  it('has the keys by which findings speak of the same objects', () => {
    for (const kind of ['ServiceAccount', 'Role', 'ClusterRole', 'Service', 'Ingress', 'NetworkPolicy', 'Secret'] as const) {
      const [entity] = read(named(kind, 'one')).entities
      const resource = kubernetesResource({ kind, namespace: 'shop', name: 'one' }, 'lab')
      expect(entity).toMatchObject({ scope: resource.scope, kind: resource.kind, key: resource.key, namespace: resource.namespace })
    }
  })
})

describe('how traffic goes', () => {
  it('is told by services, ingresses and network policies, their selectors as written', () => {
    const path = { path: '/', backend: { service: { name: 'checkout', port: { number: 80 } } } }
    const egress = [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ protocol: 'TCP', port: 443 }] }]
    const made = read(
      named('Service', 'checkout', {
        spec: { type: 'LoadBalancer', selector: { app: 'checkout' }, ports: [{ port: 80, targetPort: 'http', nodePort: 30_080 }] },
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } },
      }),
      named('Ingress', 'shop', {
        spec: {
          ingressClassName: 'nginx',
          defaultBackend: { service: { name: 'fallback', port: { name: 'web' } } },
          tls: [{ hosts: ['shop.example'], secretName: 'tls' }],
          rules: [{ host: 'shop.example', http: { paths: [path, { backend: { serviceName: 'old', servicePort: 8080 } }] } }],
        },
      }),
      named('NetworkPolicy', 'deny', { spec: { podSelector: { matchLabels: { app: 'checkout' } }, policyTypes: ['Egress'], egress } }),
    )
    const [service, ingress, policy] = made.entities.map((one) => one.properties)
    expect(service).toMatchObject({
      type: 'LoadBalancer',
      selector: { app: 'checkout' },
      loadBalancer: ['203.0.113.7'],
      ports: [{ port: 80, targetPort: 'http', nodePort: 30_080, protocol: 'TCP' }],
    })
    expect(ingress).toMatchObject({
      className: 'nginx',
      hosts: ['shop.example'],
      tls: [{ hosts: ['shop.example'], secret: 'tls' }],
      routes: [
        { host: null, service: 'fallback', port: 'web' },
        { host: 'shop.example', path: '/', service: 'checkout', port: 80 },
        { host: 'shop.example', path: null, service: 'old', port: 8080 },
      ],
    })
    expect(policy).toMatchObject({ podSelector: { matchLabels: { app: 'checkout' } }, policyTypes: ['Egress'], ingress: null, egress })
    expect(ends(made, 'ROUTES_TO').map((one) => one.replace(/.* → /, ''))).toEqual([
      'service shop/Service/fallback',
      'service shop/Service/checkout',
      'service shop/Service/old',
    ])
    expect(ends(made, 'SELECTS')).toEqual([])
  })
})

describe('Secrets', () => {
  it('are a name, whatever the dump holds', () => {
    const [secret] = read({
      ...named('Secret', 'db'),
      metadata: { ...named('Secret', 'db').metadata, labels: { p: 'hunter2' }, annotations: { p: 'hunter2' } },
      type: 'Opaque',
      data: { password: 'aHVudGVyMg==' },
      stringData: { password: 'hunter2' },
    }).entities
    expect(secret).toMatchObject({ kind: 'secret', key: 'shop/Secret/db', name: 'db', namespace: 'shop', properties: { uid: 'uid-db' } })
    expect(stringifyExact(secret)).not.toMatch(/hunter2|aHVudGVyMg|Opaque/)
  })
})

describe('what the pods of a workload are made as', () => {
  const template = {
    metadata: { name: 'web', labels: { app: 'web' }, annotations: { a: 'b' } },
    spec: {
      hostPID: true,
      serviceAccountName: 'web',
      containers: [{ name: 'app', image: 'web:1', securityContext: { privileged: true } }],
    },
  }
  const spec = (kind: string) => (kind === 'CronJob' ? { jobTemplate: { spec: { template } } } : { template })
  it.each(workloadKinds)('is recorded of a %s, from a cluster and from a manifest', (kind) => {
    for (const metadata of [named(kind, 'web').metadata, { name: 'web' }]) {
      const [entity] = read({ kind, metadata, spec: spec(kind) }).entities
      const { template: made } = WorkloadProperties.parse(entity?.properties)
      expect(made).toMatchObject({ labels: { app: 'web' }, annotations: { a: 'b' }, hostPID: true, serviceAccount: 'web' })
      expect(made).toMatchObject({ uid: '', node: null, phase: null, owner: null, containers: [{ image: 'web:1', privileged: true }] })
    }
  })
  it('is not told of one that declares no pods', () => {
    expect(
      WorkloadProperties.parse(read(named('ReplicaSet', 'web', { spec: { replicas: 0 } })).entities[0]?.properties).template,
    ).toBeUndefined()
  })
})

describe('a service account', () => {
  it('keeps the cloud role it is annotated with', () => {
    const annotations = {
      'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/a',
      'iam.gke.io/gcp-service-account': 'a@b',
      x: 'y'.repeat(513),
    }
    const account = named('ServiceAccount', 'web')
    const [entity] = read({ ...account, metadata: { ...account.metadata, annotations } }).entities
    const { x: _long, ...kept } = annotations
    expect(entity?.properties).toMatchObject({ annotations: kept, automountServiceAccountToken: null })
  })
})

describe('manifests', () => {
  it('of any kind are declared only, apart from what a cluster reported under the same name, and point at nothing', () => {
    for (const kind of 'Pod Deployment Service Ingress NetworkPolicy ServiceAccount Secret Role ClusterRole RoleBinding ClusterRoleBinding'.split(
      ' ',
    )) {
      const { entities, relations } = read({ kind, metadata: { name: 'one' }, spec: { serviceAccountName: 'x' }, roleRef: { name: 'r' } })
      expect(entities).toMatchObject([{ key: expect.stringMatching(/^manifest\//), properties: { declaredOnly: true } }])
      expect(relations.every((one) => one.type === 'CONTAINS')).toBe(true)
    }
  })
})

it('no shape of an object is a fault of ours', () => {
  const kinds = 'Pod Deployment Service Ingress NetworkPolicy ServiceAccount Secret Role RoleBinding ClusterRoleBinding Node constructor'
  const keys = constantFrom(
    ...'spec status containers initContainers name image env envFrom volumes secret projected sources hostPath path rules subjects roleRef http paths'.split(
      ' ',
    ),
    ...'backend tls hosts ports port securityContext capabilities add containerStatuses imageID containerID lastState terminated ingress egress'.split(
      ' ',
    ),
  )
  const { value } = letrec<{ value: unknown }>((tie) => ({
    value: oneof(
      { maxDepth: 6 },
      jsonValue({ maxDepth: 1 }),
      array(tie('value'), { maxLength: 3 }),
      dictionary(keys, tie('value'), { maxKeys: 5 }),
    ),
  }))
  const metadata = shaped(
    { name: constantFrom('a', ''), namespace: constantFrom('b', ''), uid: constantFrom('u', '') },
    { requiredKeys: [] },
  )
  const body = dictionary(keys, value, { maxKeys: 5 })
  assert(
    property(constantFrom(...kinds.split(' ')), metadata, body, body, (kind, meta, spec, top) => {
      try {
        read({ ...top, kind, metadata: meta, spec, status: spec })
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
      }
    }),
    { numRuns: process.env.FALCONER_FULL === '1' ? 20_000 : 1_000 },
  )
})
