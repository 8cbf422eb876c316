/**
 * The role that reads for query_records, and the one function through which it does. The function belongs to that role and is SECURITY DEFINER: inside it the
 * engine itself lets nobody take another role, opens a cursor on one statement alone, and, the function being STABLE, on none that writes.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export const readerRole = 'falconer_reader'

/** Beside the store's own schema: another Falconer may live in the same database. */
export const askSchemaOf = (current: string): string => (current === 'public' ? 'ask' : `${current.replace(/\W/g, '_')}_ask`)

/**
 * Makes role and function where that is allowed; where not, nothing changes and nothing fails. Who is no superuser needs CREATEROLE, or a role
 * `falconer_reader` that was made for them and granted to them.
 */
export const readerStatement = (schema: string): string => `do $do$
begin
  if not exists (select from pg_roles where rolname = '${readerRole}') then
    begin
      create role ${readerRole} nologin nosuperuser nocreatedb nocreaterole noinherit noreplication;
    exception when duplicate_object or unique_violation then null;
    end;
  end if;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    begin
      execute format('grant ${readerRole} to %I', current_user);
    exception when insufficient_privilege then null; -- It was granted by whoever made it, or what follows is refused.
    end;
  end if;
  create or replace function ${schema}.answer(statement text, most integer, bytes integer) returns setof text
    language plpgsql stable security definer set search_path = ${schema}, pg_temp as $answer$
  declare
    answers refcursor;
    one record;
    line text;
    used bigint := 0;
  begin
    -- Restored by somebody else, or called by mistake.
    if current_user <> '${readerRole}' or (select rolsuper from pg_roles where rolname = current_user) or current_setting('transaction_read_only') <> 'on' then
      raise exception 'not as ${readerRole}' using errcode = 'insufficient_privilege';
    end if;
    open answers no scroll for execute statement;
    for i in 1..most loop
      fetch answers into one;
      exit when not found;
      line := row_to_json(one)::text;
      used := used + octet_length(line);
      if used > bytes then
        if i = 1 then raise exception 'one row has more than % bytes: select less of it', bytes using errcode = 'program_limit_exceeded'; end if;
        return next null;
        exit;
      end if;
      return next line;
    end loop;
  end $answer$;
  grant usage on schema ${schema} to ${readerRole};
  grant select on all tables in schema ${schema} to ${readerRole};
  revoke all on function ${schema}.answer from public;
  grant create on schema ${schema} to ${readerRole};
  alter function ${schema}.answer owner to ${readerRole};
  revoke create on schema ${schema} from ${readerRole};
  execute format('set local role ${readerRole}');
  execute format('grant execute on function ${schema}.answer to %I', session_user);
  reset role;
exception when insufficient_privilege then null;
end $do$`

/** The schema where statements can be answered; null: this database's role could make no reader. */
export async function readySchema(db: Queryable): Promise<string | null> {
  const [here] = await db.query(sql<{ name: string }>`select current_schema()::text as name`)
  const schema = askSchemaOf(here?.name ?? 'public')
  const ready = async (): Promise<boolean> => {
    const [row] = await db.query(sql<{ owner: string | null }>`select pg_get_userbyid(proowner)::text as owner from pg_proc
      where oid = to_regprocedure(${`${schema}.answer(text, integer, integer)`})`)
    return row?.owner === readerRole
  }
  if (await ready()) return schema
  // Whoever runs the database may have made the role since.
  await db.query(sql.raw(readerStatement(schema)))
  return (await ready()) ? schema : null
}
