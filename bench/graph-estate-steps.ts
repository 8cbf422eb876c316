/** Attack steps of the made estate: some workloads face the internet, where no policy stands a workload reaches a few beside it, a few workloads are privileged. */
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

/** Ends are row numbers; `fix` is SQL for its key, or null. */
type Made = { type: string; technique: string; cost: string; unit: string; fix: string | null; rows: string }

export const stepsOf = (estate: Estate): string[] => madeSteps(estate).map((made) => insertSteps(estate, made))

function insertSteps({ nowNs }: Estate, { type, technique, cost, unit, fix, rows }: Made): string {
  const change =
    fix === null
      ? 'null'
      : `jsonb_build_object('key', ${fix}, 'text', 'Change ' || ${fix}, 'on', jsonb_build_object('scope', '${scope}', 'kind', 'workload', 'key', 'uid-w-' || n))`
  return `insert into attack_steps (src, type, dst, cost, scope, unit, from_ns, fix_key, facts)
    select distinct on (src, dst) src, '${type}', dst, ${cost}, '${scope}', ${unit}, ${nowNs} - 86400000000000, ${fix ?? 'null'},
      jsonb_build_object('technique', jsonb_build_object('id', '${technique}', 'name', '${type}', 'tactic', 'TA0004', 'matrix', null), 'precondition', 'code runs in it',
        'because', '${type} leads from ' || src || ' to ' || dst, 'evidence', jsonb_build_array(jsonb_build_object('finding', md5(src || ' ' || dst), 'check', 'CVE-2026-0001')), 'fix', ${change})
    from (${rows}) r(src, dst, n) order by src, dst, n`
}

/** n: the number that unit, cost and fix are told by. */
function madeSteps(estate: Estate): Made[] {
  const { first, count } = estate
  const each = (kind: EstateKind, from: string, to: string, where = 'true'): string =>
    `select ${from}, ${to}, i from generate_series(0, ${count[kind] - 1}) i where ${where}`
  const row = (kind: EstateKind, number: string): string => `${first[kind]} + ${number}`
  const near = (kind: EstateKind, salt: number, of = 'i'): string => row(kind, inNamespace(estate, kind, namespaceOf(estate, of), of, salt))
  const workload = workloadOfPod(estate, 'i')
  const unit = `'namespace/ns-' || ${namespaceOf(estate, 'n')}`
  const perNamespace = Math.ceil(count.workload / count.namespace)
  const beside = `(i % ${count.namespace} + ${count.namespace} * j)`
  const secrets = Math.max(1, Math.floor(count.secret / count.namespace))
  const known = (technique: string, cost = '1'): Pick<Made, 'technique' | 'cost' | 'unit' | 'fix'> => ({ technique, cost, unit, fix: null })
  /** Of the thing numbered i. */
  const chance = (of: number, hits: number, salt = 44): string => `${drawn('i', salt, of)} < ${hits}`
  return [
    {
      type: 'exposed',
      ...known('T1190', `(array[4, 4, 3, 2])[1 + ${drawn('n', 31, 4)}]`),
      fix: `'exposure/app-' || n`,
      rows: each('workload', row('internet', '0'), row('workload', 'i'), chance(40, 1)),
    },
    {
      type: 'lateral',
      ...known('T1210', `(array[4, 4, 3, 2])[1 + ${drawn('dst', 31, 4)}]`),
      fix: `'network-policy/ns-' || ${namespaceOf(estate, 'n')}`,
      rows: `select ${row('workload', 'i')}, ${row('workload', beside)}, i from generate_series(0, ${count.workload - 1}) i, generate_series(0, ${perNamespace - 1}) j
        where ${beside} < ${count.workload} and ${beside} <> i and ${namespaceOf(estate, 'i')} % 10 > 3
          and ${drawn('i * 64 + j', 43, 100)} < 15`,
    },
    {
      type: 'escape-privileged',
      ...known('T1611'),
      fix: `'privileged/app-' || n`,
      rows: each('pod', row('workload', workload), row('node', nodeOfPod(estate, 'i')), isPrivileged(workload)).replace(
        ', i from',
        `, ${workload} from`,
      ),
    },
    {
      type: 'node-runs',
      ...known('T1609', '0'),
      unit: `'nodes'`,
      rows: each('pod', row('node', nodeOfPod(estate, 'i')), row('workload', workload)),
    },
    {
      type: 'token',
      ...known('T1528', '0'),
      fix: `'automount/app-' || n`,
      rows: each('workload', row('workload', 'i'), near('service_account', 3), chance(10, 7, 45)),
    },
    {
      type: 'mounted-secret',
      ...known('T1552', '0'),
      fix: `'secret-mount/app-' || n`,
      rows: each('workload', row('workload', 'i'), near('secret', 5), 'i % 2 = 0'),
    },
    {
      type: 'read-secrets',
      ...known('T1552'),
      unit: `'access'`,
      fix: `'role/sa-' || n`,
      rows: `select ${row('service_account', 'i')}, ${row('secret', `(i % ${count.namespace} + ${count.namespace} * j)`)}, i
        from generate_series(0, ${count.service_account - 1}) i, generate_series(0, ${secrets - 1}) j where ${chance(10, 1, 46)}`,
    },
    {
      type: 'create-pods',
      ...known('T1610'),
      unit: `'access'`,
      fix: `'role/sa-' || n`,
      rows: `select ${row('service_account', 'i')}, ${row('node', drawn('i * 20 + j', 37, count.node))}, i from generate_series(0, ${count.service_account - 1}) i, generate_series(0, 19) j where ${chance(100, 1, 47)}`,
    },
    {
      type: 'cluster-admin',
      ...known('T1078'),
      unit: `'access'`,
      fix: `'role/sa-' || n`,
      rows: each('service_account', row('service_account', 'i'), row('cluster', '0'), chance(400, 1, 48)),
    },
    {
      type: 'assume-role',
      ...known('T1550', '0'),
      unit: `'cloud'`,
      fix: `'trust/role-' || n`,
      rows: each('identity', row('service_account', `(i * 19) % ${count.service_account}`), row('identity', 'i')),
    },
    {
      type: 'cloud-admin',
      ...known('T1078'),
      unit: `'cloud'`,
      fix: `'cloud-policy/role-' || n`,
      rows: each('identity', row('identity', 'i'), row('cloud_account', '0'), chance(10, 1, 49)),
    },
    {
      type: 'key-in-secret',
      ...known('T1552'),
      fix: `'key/secret-' || n`,
      rows: each('secret', row('secret', 'i'), row('identity', drawn('i', 41, count.identity)), chance(200, 1, 50)),
    },
  ]
}
