/** How much inventory each cluster has and how fresh it is, kept as it is written: counting all of it with each question took longer than most answers. */
import { type Kysely, sql } from 'kysely'

/** `told`: rows of entities with a sign, +1 as they are now and -1 as they were. */
const summed = (told: string, having: string): string =>
  `insert into inventory_standing (scope, entities, pods, first_ns, last_ns)
    select scope, sum(sign) filter (where deleted_ns is null), sum(sign) filter (where deleted_ns is null and kind = 'pod'),
      min(first_ns) filter (where sign > 0), max(last_ns) filter (where sign > 0 and deleted_ns is null)
    from (${told}) t where origin = 'inventory' and scope <> 'global' group by scope ${having}`
const rowsOf = (table: string, sign: 1 | -1): string =>
  `select scope, kind, origin, first_ns, last_ns, deleted_ns, ${sign} as sign from ${table}`
/** Nothing is written where nothing is new. */
const newer = `having sum(sign) filter (where deleted_ns is null) <> 0 or sum(sign) filter (where deleted_ns is null and kind = 'pod') <> 0
      or min(first_ns) filter (where sign > 0) is distinct from min(first_ns) filter (where sign < 0)
      or max(last_ns) filter (where sign > 0 and deleted_ns is null) is distinct from max(last_ns) filter (where sign < 0 and deleted_ns is null)`

const statements = [
  // What stands is the sum of all rows of a scope: who writes adds one and waits for nobody (store/inventory-standing.ts).
  `create table inventory_standing (scope text not null, entities bigint, pods bigint, first_ns bigint, last_ns bigint)`,
  summed(rowsOf('entities', 1), ''),
  `create function count_inventory() returns trigger language plpgsql set search_path from current as $$
  begin
    if tg_op = 'INSERT' then
      ${summed(rowsOf('after', 1), '')};
    elsif tg_op = 'DELETE' then
      ${summed(rowsOf('before', -1), '')};
    elsif tg_op = 'TRUNCATE' then
      delete from inventory_standing;
    else
      ${summed(`${rowsOf('after', 1)} union all ${rowsOf('before', -1)}`, newer)};
    end if;
    return null;
  end $$`,
  `create trigger entities_told after insert on entities referencing new table as after for each statement execute function count_inventory()`,
  `create trigger entities_told_again after update on entities referencing old table as before new table as after for each statement execute function count_inventory()`,
  `create trigger entities_emptied after truncate on entities for each statement execute function count_inventory()`,
  `create trigger entities_forgotten after delete on entities referencing old table as before for each statement execute function count_inventory()`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
