/**
 * Alerts that came before the inventory that explains them are placed again. Asked only for what is news, and only of
 * alerts that are not explained yet, so that a cluster's chatter costs nothing.
 */
import { sql } from 'kysely'
import type { EntityRef } from '../domain/entity.ts'
import type { Transaction } from './database.ts'
import { shareIncidents } from './segments.ts'
import { jsonText } from './values.ts'

const explaining: ReadonlySet<string> = new Set(['pod', 'container', 'workload', 'node'])

/** `news` is stored already, in this transaction. */
export async function reconsider(tx: Transaction, news: readonly EntityRef[]): Promise<void> {
  const refs = news.filter((ref) => explaining.has(ref.kind)).map(({ scope, kind, key }) => ({ scope, kind, key }))
  if (refs.length === 0) return
  // A correlator at work may be placing such an alert without this inventory: wait until its result can be seen.
  await shareIncidents(tx)
  const [waiting] = await tx.query(sql`select 1 from incident_alerts where not resolved limit 1`)
  if (waiting === undefined) return
  // From workloads down to their pods, from nodes to the pods they run, from pods to their containers.
  await tx.query(sql`with recursive reached(id, depth) as (
      select e.id, 0 from jsonb_to_recordset(${jsonText(refs)}::jsonb) as r(scope text, kind text, key text)
        join entities e on e.scope = r.scope and e.kind = r.kind and e.key = r.key
      union select case when o.type = 'RUNS_ON' then o.src else o.dst end, reached.depth + 1
        from reached join relations o on (o.src = reached.id and o.type in ('OWNS', 'HAS_CONTAINER')) or (o.dst = reached.id and o.type = 'RUNS_ON')
        where reached.depth < 8),
    names as materialized (select distinct e.kind, e.name, left(e.key, 12) as container from reached join entities e using (id))
    insert into alerts_pending (alert_id)
      select i.alert_id from names n join incident_alerts i on not i.resolved and n.kind = 'container' and i.container_id = n.container
      union select i.alert_id from names n join incident_alerts i on not i.resolved and n.kind = 'pod' and i.pod_name = n.name
      union select i.alert_id from names n join incident_alerts i on not i.resolved and n.kind = 'node' and i.hostname = n.name
    on conflict do nothing`)
}
