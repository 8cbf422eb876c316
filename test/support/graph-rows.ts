/** Attack steps as they are stored, with their ends as people name them. */
import { sql } from 'kysely'
import type { NewStep } from '../../domain/graph.ts'
import type { Queryable } from '../../store/database.ts'
import { unescapeDeep } from '../../store/values.ts'

export type StoredStep = NewStep

export async function stored(db: Queryable, scope: string): Promise<StoredStep[]> {
  type Row = {
    from: NewStep['from']
    to: NewStep['to']
    type: string
    cost: number
    from_ns: bigint
    until_ns: bigint | null
    facts: Omit<NewStep, 'from' | 'to' | 'type' | 'cost'>
  }
  const rows = await db.query(sql<Row>`select jsonb_build_object('scope', f.scope, 'kind', f.kind, 'key', f.key) as "from",
      jsonb_build_object('scope', t.scope, 'kind', t.kind, 'key', t.key) as "to", s.type, s.cost, s.from_ns, s.until_ns, s.facts
    from attack_steps s join entities f on f.id = s.src join entities t on t.id = s.dst where s.scope = ${scope} order by f.kind, f.key, s.type, t.kind, t.key`)
  return rows.map(({ from_ns: fromNs, until_ns: untilNs, facts, ...row }) => unescapeDeep({ ...facts, ...row, fromNs, untilNs }))
}
