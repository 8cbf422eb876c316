/** The graph: who saw an entity and a relation, attack steps derived from them, and which parts of an estate are to be derived again. */
import { type Kysely, sql } from 'kysely'

const nobody = '00000000-0000-0000-0000-000000000000'

const statements = [
  // A relation is one witness’s word: what another says of the same two ends is a row of its own, and can be taken back alone.
  `alter table relations add column witness uuid not null default '${nobody}'`,
  `alter table relations drop constraint relations_pkey`,
  `alter table relations add primary key (src, type, dst, witness)`,
  `create table entity_sightings (
    entity_id bigint not null references entities (id), witness uuid not null, first_ns bigint not null, last_ns bigint not null,
    primary key (entity_id, witness)) with (fillfactor = 85)`,
  `insert into entity_sightings (entity_id, witness, first_ns, last_ns)
    select id, coalesce(source_id, '${nobody}'), first_ns, last_ns from entities where origin = 'inventory' or properties <> '{}'`,

  // Derived (graph/derive.ts), all steps of a unit at once. A unit is what is derived together: a namespace, a cluster’s access rights, an account.
  `create table attack_steps (
    src bigint not null references entities (id), type text not null, dst bigint not null references entities (id), cost smallint not null,
    scope text not null, unit text not null, from_ns bigint not null, until_ns bigint, fix_key text, facts jsonb not null,
    primary key (src, type, dst)) with (fillfactor = 85)`,
  `create index attack_steps_out on attack_steps (src) include (dst, type, cost)`,
  `create index attack_steps_in on attack_steps (dst) include (src, type, cost)`,
  `create index attack_steps_fix on attack_steps (fix_key) where fix_key is not null`,
  `create index attack_steps_unit on attack_steps (scope, unit)`,
  // `changes`: how often its steps came out differently; whatever was made of steps before is outdated by one more.
  `create table graph_units (
    scope text not null, unit text not null, dirty_at timestamptz, derived_at timestamptz, version text, changes bigint not null default 0,
    primary key (scope, unit))`,
  // What inventory knew before there were steps.
  `insert into graph_units (scope, unit, dirty_at) select distinct scope, 'namespace/' || namespace, now() from entities where namespace is not null
    union select distinct e.scope, u.unit, now() from entities e cross join (values ('access'), ('nodes'), ('cloud')) as u(unit) where e.origin = 'inventory'`,
  `create index graph_units_dirty on graph_units (dirty_at) where dirty_at is not null`,
  `create index entities_namespace on entities (scope, namespace, kind)`,
  `create index entities_called on entities (name)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
