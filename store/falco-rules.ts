/**
 * Falco's rules files as they were read: each reading of a file is a load, and the newest load is what is loaded now. Older items are kept.
 * Falco loads files in the order of its `rules_files`, which no file tells: falco_rules.yaml is taken to be the first, then files follow in
 * the order they were first given (read again, a file keeps its place); given at once: falco_rules.local.yaml, then the others by name.
 */
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

/** What is loaded now, in the order Falco loads it: cluster by cluster, file by file, each from top to bottom. `scope`: of this cluster only. */
export async function loadedFalcoRules(db: Queryable, { scope }: { scope?: string } = {}): Promise<FalcoRule[]> {
  const rows = await db.query(sql<Row>`
    with loads as (select *, max(last_load_ns) over (partition by scope, file) as newest_ns from falco_rules
      where ${scope === undefined ? sql`true` : sql`scope = ${escapeText(scope)}`}),
    loaded as (select *, min(first_load_ns) over (partition by scope, file) as since_ns from loads where last_load_ns = newest_ns)
    select scope, file, content_key, position, kind, name, mode, item, condition, priority, source, tags, enabled, last_load_ns from loaded
    order by scope, file <> 'falco_rules.yaml', since_ns, file <> 'falco_rules.local.yaml', file collate "C", position`)
  return rows.map(({ content_key, last_load_ns, ...row }) => ({
    ...unescapeDeep(row),
    contentKey: content_key.toString('hex'),
    loadedNs: last_load_ns,
  }))
}
