/** Falco's rules files as they were read: each reading of a file is a load, and the newest load is what is loaded now. Older items are kept. */
import { sql } from 'kysely'
import type { NewFalcoRule } from '../domain/falco-rule.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Queryable, Transaction } from './database.ts'
import { escapeDeep, escapeText, unescapeDeep } from './values.ts'

/** Answers how many were new or stood in an older load only. */
export async function upsertFalcoRules(
  tx: Transaction,
  rules: readonly NewFalcoRule[],
  { sourceId, loadNs }: { sourceId: string | null; loadNs: bigint },
): Promise<number> {
  const unique = new Map(rules.map((rule) => [`${rule.scope}\n${rule.file}\n${rule.contentKey}`, rule]))
  const rows = [...unique.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { contentKey, ...rule }]) => ({ ...escapeDeep(rule), content_key: contentKey }))
  const written = await tx.query(sql<{ fresh: boolean }>`insert into falco_rules as f
      (scope, file, content_key, position, kind, name, mode, item, condition, priority, source, tags, enabled, source_id, first_load_ns, last_load_ns)
    select scope, file, decode(content_key, 'hex'), position, kind, name, mode, item, condition, priority, source, tags, enabled, ${sourceId}::uuid, ${loadNs}, ${loadNs}
    from jsonb_to_recordset(${stringifyExact(rows)}::jsonb) as r(scope text, file text, content_key text, position integer, kind text, name text, mode text, item jsonb,
      condition text, priority text, source text, tags text[], enabled boolean)
    on conflict (scope, file, content_key) do update set position = excluded.position, last_load_ns = greatest(f.last_load_ns, excluded.last_load_ns)
    returning (xmax = 0) as fresh`)
  return written.filter((row) => row.fresh).length
}

export type FalcoRule = NewFalcoRule & { loadedNs: bigint }
type Row = Omit<NewFalcoRule, 'contentKey'> & { content_key: Buffer; last_load_ns: bigint }

/** What is loaded now, in the order of the files' names and of the items in them; of one file, or of all. */
export async function loadedFalcoRules(db: Queryable, { scope, file }: { scope: string; file?: string }): Promise<FalcoRule[]> {
  const rows =
    await db.query(sql<Row>`select scope, file, content_key, position, kind, name, mode, item, condition, priority, source, tags, enabled, last_load_ns
    from falco_rules f where scope = ${escapeText(scope)} and ${file === undefined ? sql`true` : sql`file = ${escapeText(file)}`}
      and last_load_ns = (select max(last_load_ns) from falco_rules n where n.scope = f.scope and n.file = f.file)
    order by file, position`)
  return rows.map(({ content_key, last_load_ns, ...row }) => ({
    ...unescapeDeep(row),
    contentKey: content_key.toString('hex'),
    loadedNs: last_load_ns,
  }))
}
