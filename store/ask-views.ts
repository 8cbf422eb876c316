/**
 * The views of the schema `ask`: what a statement of query_records may read. A column is here only when nothing secret can stand in it, for whoever writes
 * SQL can take text apart before it is masked: no command lines, sentences of sensors, documents, parameters, reports.
 */
type Column = readonly [name: string, expression: string, about: string]
export type AskView = { name: string; about: string; from: string; columns: readonly Column[] }

const named = (column: string): string =>
  `case ${column} when 5 then 'critical' when 4 then 'high' when 3 then 'medium' when 2 then 'low' when 1 then 'informational' end`
const severity = (column: string): Column[] => [
  ['severity', named(column), 'informational, low, medium, high, critical'],
  ['severity_level', column, '1 informational … 5 critical'],
]
/** Exact, as it is stored and indexed, and as one reads it. */
const moment = (name: string, column: string, about: string): Column[] => [
  [`${name}_ns`, column, `${about}, nanoseconds since 1970`],
  [`${name}_at`, `to_timestamp(${column} / 1e9)`, 'the same as a time'],
]
const seen = [...moment('first', 'first_ns', 'first seen'), ...moment('last', 'last_ns', 'last seen')]
const cluster: Column = ['cluster', 'scope', 'cluster, account or scope']
const same = (...columns: (readonly [string, string])[]): Column[] => columns.map(([name, about]) => [name, name, about])

export const askViews: readonly AskView[] = [
  {
    name: 'alerts',
    about: 'alerts as received; what was said in words: get_alert. Filter by event_ns',
    from: 'alerts',
    columns: [
      ...same(['id', 'get_alert takes it']),
      ...moment('event', 'event_ns', 'when it happened'),
      ...same(['received_at', 'when we had it']),
      cluster,
      ...same(['rule', 'Falco rule or detection']),
      [
        'priority',
        `(array['Emergency','Alert','Critical','Error','Warning','Notice','Informational','Debug'])[priority + 1]`,
        'Falco priority',
      ],
      ...severity('severity'),
      ...same(['sensor', 'falco, cloudtrail, …'], ['hostname', 'node'], ['container_id', 'container']),
      ['namespace', 'pod_namespace', 'of its pod'],
      ['pod', 'pod_name', 'its pod'],
    ],
  },
  {
    name: 'incidents',
    about: 'incidents, merged ones left out',
    from: 'incidents where merged_into is null',
    columns: [
      ...same(['id', 'get_incident takes it'], ['title', 'what happened'], ['state', 'open, contained, closed']),
      cluster,
      ...severity('severity'),
      ['alerts', 'alert_count', 'how many alerts'],
      ...seen,
      ...same(
        ['tactics', 'array'],
        ['techniques', 'array of MITRE ids'],
        ['rules', 'array'],
        ['created_at', 'begun'],
        ['updated_at', 'changed'],
      ),
    ],
  },
  {
    name: 'incident_alerts',
    about: 'which alert is of which incident',
    from: 'incident_alerts',
    columns: [
      ...same(['incident_id', 'incidents.id'], ['alert_id', 'alerts.id'], ['event_ns', 'when'], ['rule', 'of the alert']),
      ...same(['same_as', 'the alert of the same event that stands for it']),
    ],
  },
  {
    name: 'findings',
    about: 'posture findings; by whom: finding_scanners',
    from: 'findings',
    columns: [
      ...same(['id', 'get_finding takes it']),
      cluster,
      ...same(['class', 'vulnerability, misconfiguration, compliance, secret, licence'], ['check_id', 'CVE or scanner/check']),
      ...same(['aliases', 'array']),
      ['title', `case when class <> 'secret' then title end`, 'null for secrets'],
      ...severity('severity'),
      [
        'status',
        `case when status in ('open', 'manual') and suppressed_until > now() then 'suppressed' else status end`,
        'open, manual, suppressed, fixed, passed',
      ],
      ...same(
        ['reopened', 'was fixed once'],
        ['resource_kind', 'image, workload, …'],
        ['resource_key', 'exact name'],
        ['resource_name', 'name'],
      ),
      ...same(['namespace', 'of the resource'], ['package_key', 'package URL']),
      ['package', 'package_name', 'package'],
      ...seen,
      ...same(['fix_id', 'fixes.id']),
    ],
  },
  {
    name: 'finding_scanners',
    about: 'which scanner says what of a finding',
    from: 'finding_witnesses',
    columns: [
      ...same(['finding_id', 'findings.id'], ['scanner', 'trivy, …']),
      ['outcome', `(array['fail','manual','muted','pass','not_applicable'])[outcome + 1]`, 'fail, manual, muted, pass, not_applicable'],
      ...severity('severity'),
      ...same(['cvss', 'score'], ['fixed_in', 'array of versions']),
      ...seen,
    ],
  },
  {
    name: 'scans',
    about: 'who looked at what: without a scan nothing is known',
    from: 'scans',
    columns: [
      ...same(['id', 'id']),
      cluster,
      ...same(
        ['scanner', 'who'],
        ['version', 'of it'],
        ['target_kind', 'image, cluster, …'],
        ['target_key', 'exact'],
        ['target_name', 'name'],
      ),
      ...same(['covers', 'array of finding classes it looked for']),
      ...moment('observed', 'observed_ns', 'when it looked'),
      ...same(['findings', 'how many']),
      ['complete', 'ended_at is not null and failed is null', 'came to its end without error'],
    ],
  },
  {
    name: 'entities',
    about: 'nodes of the security graph',
    from: 'entities',
    columns: [
      ...same(['id', 'number']),
      cluster,
      ...same(['kind', 'pod, workload, image, node, identity, …'], ['name', 'name'], ['namespace', 'namespace'], ['key', 'natural key']),
      ...same(['origin', 'inventory or alert']),
      ...seen,
      ...same(['deleted_ns', 'when it was seen to be gone; null: not']),
    ],
  },
  {
    name: 'relations',
    about: 'edges as collectors saw them, one a witness',
    from: 'relations',
    columns: [...same(['src', 'entities.id'], ['type', 'RUNS_ON, USES_IMAGE, …'], ['dst', 'entities.id']), ...seen],
  },
  {
    name: 'attack_steps',
    about: 'what an attacker could do from src to dst; whole ways: find_attack_paths',
    from: 'attack_steps',
    columns: [
      ...same(['src', 'entities.id'], ['type', 'kind of step'], ['dst', 'entities.id'], ['cost', 'less is easier']),
      cluster,
      ...same(['from_ns', 'since'], ['until_ns', 'until; null: still']),
    ],
  },
  {
    name: 'fixes',
    about: 'changes that fix findings; the order: what_to_fix_first',
    from: 'fixes',
    columns: same(
      ['id', 'findings.fix_id'],
      ['kind', 'kind of change'],
      ['title', 'the change'],
      ['score', 'more first'],
      ['findings', 'how many it fixes'],
      ['steps', 'attack steps it closes'],
      ['resources', 'on how many'],
      ['places', 'where it runs'],
      ['live_places', 'of them under attack'],
    ),
  },
  {
    name: 'activities',
    about: 'audit logs: who did what through an API. Filter by event_ns',
    from: 'activities',
    columns: [
      ...same(['id', 'id']),
      cluster,
      ...moment('event', 'event_ns', 'when'),
      ...same(
        ['producer', 'cloudtrail, kubernetes-audit'],
        ['service', 'API'],
        ['operation', 'what'],
        ['outcome', 'success, failure, unknown'],
      ),
      ['actor', 'actor_id', 'who'],
      ...same(['ip', 'from where'], ['resources', 'array']),
    ],
  },
  {
    name: 'sources',
    about: 'who sends data and since when not',
    from: 'sources',
    columns: [
      ...same(['name', 'source'], ['collector', 'format']),
      cluster,
      ...same(['last_seen_at', 'last heard'], ['last_event_at', 'newest event'], ['accepted', 'records'], ['duplicates', 'again']),
      ...same(['dead_letters', 'not readable'], ['disabled_at', 'null: enabled']),
    ],
  },
  {
    name: 'sensors',
    about: 'Falco sensors and what they dropped',
    from: 'sensors',
    columns: [
      cluster,
      ...same(['hostname', 'node'], ['event_source', 'syscall, …'], ['version', 'Falco']),
      ...moment('last', 'last_ns', 'last heard'),
      ...same(['dropped', 'events dropped'], ['last_drop_ns', 'when last']),
    ],
  },
]

/** Makes the views in `schema`, with what they mean as comments. */
export const askViewStatements = (schema: string): string[] => [
  `create schema ${schema}`,
  // Statements mostly know a time, indexes know nanoseconds.
  `create function ${schema}.ns(at timestamptz) returns bigint language sql immutable parallel safe as $$ select (extract(epoch from at) * 1000000000)::bigint $$`,
  ...askViews.flatMap(({ name, about, from, columns }) => [
    `create view ${schema}.${name} as select ${columns.map(([column, expression]) => `${expression} as ${column}`).join(', ')} from ${from}`,
    `comment on view ${schema}.${name} is '${about}'`,
    ...columns.map(([column, , meaning]) => `comment on column ${schema}.${name}.${column} is '${meaning}'`),
  ]),
]
