/**
 * A Kubernetes estate of any size, written into the product’s own tables by the database itself.
 */
import { sql } from 'kysely'
import { graphVersion } from '../graph/step-rule.ts'
import type { Database, Transaction } from '../store/database.ts'
import { stepsOf } from './graph-estate-steps.ts'
import {
  drawn,
  type Estate,
  type EstateKind,
  inNamespace,
  isPrivileged,
  namespaceOf,
  nodeOfPod,
  scope,
  workloadOfPod,
} from './graph-layout.ts'

/** Into a new database: the tables that collectors and the deriver write. */
export async function fillEstate(db: Database, estate: Estate, progress: (text: string) => void): Promise<void> {
  const run = (text: string): Promise<unknown> =>
    db.transaction(async (tx: Transaction) => {
      // References are right by construction; looking each up would take longer than all else.
      await tx.query(sql.raw('set local session_replication_role = replica'))
      await tx.query(sql.raw(text))
    })
  progress(`${estate.entities.toLocaleString('en')} entities`)
  for (const [kind, text] of entitiesOf(estate)) {
    await run(`insert into entities (id, scope, kind, key, name, namespace, properties, origin, first_ns, last_ns, valid_from_ns) overriding system value
      select ${estate.first[kind]} + i, '${kind === 'image' || kind === 'package' || kind === 'internet' ? 'global' : scope}', '${kind}', key, name, namespace, properties,
        '${kind === 'internet' ? 'derived' : 'inventory'}', ${estate.nowNs} - 86400000000000, ${estate.nowNs}, ${estate.nowNs} - 86400000000000
      from generate_series(0, ${estate.count[kind] - 1}) i, lateral (${text}) x`)
  }
  await run(`select setval(pg_get_serial_sequence('entities', 'id'), ${estate.entities})`)
  progress(`${estate.relations.toLocaleString('en')} relations`)
  for (const text of relationsOf(estate)) await run(insertRelations(estate, text))
  const told = Number((await db.query(sql<{ n: bigint }>`select count(*) as n from relations`))[0]?.n)
  await run(insertRelations(estate, packagesOf(estate, estate.relations - told)))
  progress('attack steps')
  for (const text of stepsOf(estate)) await run(text)
  await run(
    `insert into graph_units (scope, unit, derived_at, version) select distinct scope, unit, now(), '${graphVersion}' from attack_steps`,
  )
  await db.query(sql`analyze`)
}

const insertRelations = ({ nowNs }: Estate, text: string): string =>
  `insert into relations (src, type, dst, first_ns, last_ns) select distinct src, type, dst, ${nowNs} - 86400000000000, ${nowNs} from (${text}) r(src, type, dst)`

/** Per kind: key, name, namespace and properties of the thing numbered i. */
function entitiesOf(estate: Estate): [EstateKind, string][] {
  const namespace = (of: string): string => `'ns-' || ${namespaceOf(estate, of)}`
  const named = (kind: string, short: string, properties = `'{}'::jsonb`): string =>
    `select ${namespace('i')} || '/${kind}/${short}-' || i as key, '${short}-' || i as name, ${namespace('i')} as namespace, ${properties} as properties`
  const plain = (name: string, key = name): string => `select ${key} as key, ${name} as name, null as namespace, '{}'::jsonb as properties`
  const labels = (workload: string): string => `jsonb_build_object('app', 'app-' || ${workload})`
  return [
    ['internet', plain(`'internet'`)],
    ['cluster', plain(`'${scope}'`)],
    ['cloud_account', plain(`'account-' || i`)],
    ['node', plain(`'node-' || i`)],
    ['namespace', `select 'ns-' || i as key, 'ns-' || i as name, null as namespace, '{"labels":{}}'::jsonb as properties`],
    [
      'workload',
      `select 'uid-w-' || i as key, 'app-' || i as name, ${namespace('i')} as namespace, jsonb_build_object('workloadKind', 'Deployment', 'uid', 'uid-w-' || i,
        'replicas', 3, 'labels', ${labels('i')}, 'annotations', '{}'::jsonb, 'owner', null) as properties`,
    ],
    ['pod', podOf(estate)],
    [
      'container',
      `select md5(i::text) || md5(i || 'c') as key, 'app' as name, ${namespace(workloadOfPod(estate, `i % ${estate.count.pod}`))} as namespace,
        '{}'::jsonb as properties`,
    ],
    ['image', plain(`'registry.example/app:' || i`, `'sha256:' || md5(i::text) || md5(i || 'i')`)],
    ['service_account', named('ServiceAccount', 'sa')],
    ['role', named('Role', 'role', `'{"roleKind":"Role","rules":[]}'::jsonb`)],
    ['role_binding', named('RoleBinding', 'binding', `'{"bindingKind":"RoleBinding","role":null,"subjects":[]}'::jsonb`)],
    ['secret', named('Secret', 'secret')],
    [
      'service',
      named(
        'Service',
        'svc',
        `jsonb_build_object('type', 'ClusterIP', 'selector', ${labels(inNamespace(estate, 'workload', namespaceOf(estate, 'i'), 'i', 11))},
        'clusterIP', null, 'externalName', null, 'externalIPs', '[]'::jsonb, 'loadBalancer', '[]'::jsonb, 'ports', '[{"name":null,"port":80,"targetPort":8080,"nodePort":null,"protocol":"TCP"}]'::jsonb)`,
      ),
    ],
    ['ingress', named('Ingress', 'ingress', `'{"className":"nginx","hosts":[],"tls":[],"routes":[]}'::jsonb`)],
    ['identity', plain(`'arn:aws:iam::111111111111:role/role-' || i`)],
    [
      'network_policy',
      named('NetworkPolicy', 'policy', `'{"podSelector":{},"policyTypes":["Ingress"],"ingress":null,"egress":null}'::jsonb`),
    ],
    ['package', plain(`'package-' || i`)],
  ]
}

function podOf(estate: Estate): string {
  const workload = workloadOfPod(estate, 'i')
  const owner = `jsonb_build_object('kind', 'Deployment', 'name', 'app-' || w, 'uid', 'uid-w-' || w)`
  const secret = `case when w % 2 = 0 then jsonb_build_array('secret-' || ${inNamespace(estate, 'secret', namespaceOf(estate, 'w'), 'w', 5)}) else '[]'::jsonb end`
  return `select 'uid-p-' || i as key, 'app-' || w || '-' || i as name, 'ns-' || ${namespaceOf(estate, 'w')} as namespace,
    jsonb_build_object('uid', 'uid-p-' || i, 'phase', 'Running', 'node', 'node-' || ${nodeOfPod(estate, 'i')}, 'ip', '10.' || i / 65536 || '.' || i / 256 % 256 || '.' || i % 256,
      'serviceAccount', 'sa-' || ${inNamespace(estate, 'service_account', namespaceOf(estate, 'w'), 'w', 3)}, 'labels', jsonb_build_object('app', 'app-' || w), 'annotations', '{}'::jsonb,
      'hostNetwork', false, 'hostPID', false, 'hostIPC', false, 'hostPaths', '[]'::jsonb, 'secrets', ${secret}, 'owner', ${owner}, 'workload', ${owner},
      'containers', jsonb_build_array(jsonb_build_object('name', 'app', 'image', 'registry.example/app:' || ${drawn('w', 2, estate.count.image)}, 'imageId', null,
        'containerId', null, 'command', '[]'::jsonb, 'args', '[]'::jsonb, 'privileged', ${isPrivileged('w')}, 'init', false))) as properties
    from (select ${workload} as w) o`
}

function relationsOf(estate: Estate): string[] {
  const { first, count } = estate
  const of = (kind: EstateKind, type: string, from: string, to: string): string =>
    `select ${from}, '${type}', ${to} from generate_series(0, ${count[kind] - 1}) i`
  const row = (kind: EstateKind, number: string): string => `${first[kind]} + ${number}`
  const workload = workloadOfPod(estate, 'i')
  const near = (kind: EstateKind, of_: string, salt: number): string =>
    row(kind, inNamespace(estate, kind, namespaceOf(estate, of_), of_, salt))
  return [
    of('namespace', 'CONTAINS', row('cluster', '0'), row('namespace', 'i')),
    of('workload', 'CONTAINS', row('namespace', namespaceOf(estate, 'i')), row('workload', 'i')),
    of('pod', 'CONTAINS', row('namespace', namespaceOf(estate, workload)), row('pod', 'i')),
    of('pod', 'OWNS', row('workload', workload), row('pod', 'i')),
    of('pod', 'RUNS_ON', row('pod', 'i'), row('node', nodeOfPod(estate, 'i'))),
    of('pod', 'RUNS_AS', row('pod', 'i'), near('service_account', workload, 3)),
    `${of('pod', 'MOUNTS', row('pod', 'i'), near('secret', workload, 5))} where ${workload} % 2 = 0`,
    of('container', 'HAS_CONTAINER', row('pod', `i % ${count.pod}`), row('container', 'i')),
    of('container', 'USES_IMAGE', row('container', 'i'), row('image', drawn(workloadOfPod(estate, `i % ${count.pod}`), 2, count.image))),
    of('workload', 'USES_IMAGE', row('workload', 'i'), row('image', drawn('i', 2, count.image))),
    of('ingress', 'ROUTES_TO', row('ingress', 'i'), near('service', 'i', 13)),
    of('role_binding', 'GRANTS', row('role_binding', 'i'), near('role', 'i', 17)),
    of('role_binding', 'BINDS', row('role_binding', 'i'), near('service_account', 'i', 19)),
    of('identity', 'ASSUMES', row('service_account', `(i * 19) % ${count.service_account}`), row('identity', 'i')),
  ]
}

/** Each image has a stretch of all packages. */
const packagesOf = ({ first, count }: Estate, many: number): string =>
  `select ${first.image} + i % ${count.image}, 'HAS_PACKAGE', ${first.package} + (${drawn(`i % ${count.image}`, 23, count.package)} + i / ${count.image}) % ${count.package}
   from generate_series(0, ${many - 1}) i`
