/**
 * Alerts that came before the inventory that explains them are placed again. Asked only for what is news, and only of alerts that are not
 * explained yet, or whose moves hang on it (incidents/rule.ts, waitFor), so that a cluster's chatter costs nothing.
 */
import { sql } from 'kysely'
import { type EntityRef, graceNs } from '../domain/entity.ts'
import type { Transaction } from './database.ts'
import { addressOf, instanceOf, roleOf } from './known-by.ts'
import { shareIncidents } from './segments.ts'
import { escapeText, jsonText } from './values.ts'

const explaining: ReadonlySet<string> = new Set(['pod', 'container', 'workload', 'node', 'service', 'service_account'])

/** `news` is stored already, in this transaction. */
export async function reconsider(tx: Transaction, news: readonly EntityRef[]): Promise<void> {
  const refs = news.filter((ref) => explaining.has(ref.kind)).map(({ scope, kind, key }) => ({ scope, kind, key }))
  if (refs.length === 0) return
  // A correlator at work may be placing such an alert without this inventory: wait until its result can be seen.
  await shareIncidents(tx)
  const [waiting] = await tx.query(sql<{
    place: boolean
    move: boolean
  }>`select exists (select 1 from incident_alerts where not resolved) as place,
    exists (select 1 from incident_waits) as move`)
  // From workloads down to their pods, from nodes to the pods they run, from pods to their containers.
  const reached = sql`with recursive reached(id, depth) as (
      select e.id, 0 from jsonb_to_recordset(${jsonText(refs)}::jsonb) as r(scope text, kind text, key text)
        join entities e on e.scope = r.scope and e.kind = r.kind and e.key = r.key
      union select case when o.type = 'RUNS_ON' then o.src else o.dst end, reached.depth + 1
        from reached join relations o on (o.src = reached.id and o.type in ('OWNS', 'HAS_CONTAINER')) or (o.dst = reached.id and o.type = 'RUNS_ON')
        where reached.depth < 8)`
  if (waiting?.place === true)
    await tx.query(sql`${reached},
    names as materialized (select distinct e.kind, e.name, left(e.key, 12) as container from reached join entities e using (id))
    insert into alerts_pending (alert_id)
      select i.alert_id from names n join incident_alerts i on not i.resolved and n.kind = 'container' and i.container_id = n.container
      union select i.alert_id from names n join incident_alerts i on not i.resolved and n.kind = 'pod' and i.pod_name = n.name
      union select i.alert_id from names n join incident_alerts i on not i.resolved and n.kind = 'node' and i.hostname = n.name
    on conflict do nothing`)
  if (waiting?.move === true)
    await tx.query(sql`${reached},
    told as materialized (select k.key, min(e.valid_from_ns) - ${graceNs} as from_ns from reached join entities e using (id) cross join lateral (
      select 'address/' || e.scope || '/' || ${addressOf} as key where e.kind in ('pod', 'service')
      union all select 'account/' || e.scope || '/' || e.namespace || '/' || (e.properties->>'serviceAccount') where e.kind = 'pod'
      union all select 'account/' || e.scope || '/' || e.namespace || '/' || e.name where e.kind = 'service_account'
      union all select 'namespace/' || e.scope || '/' || e.namespace where e.kind = 'pod'
      union all select 'node/' || e.scope || '/' || (e.properties->>'node') where e.kind = 'pod'
      union all select 'role/' || ${roleOf}
        where e.kind = 'service_account'
      union all select 'instance/' || ${instanceOf} where e.kind = 'node') k where k.key is not null group by k.key)
    insert into alerts_pending (alert_id) select distinct w.alert_id from told join incident_waits w on w.key = told.key and w.event_ns >= told.from_ns
    on conflict do nothing`)
}

/** Steps of this scope were derived anew: who may get from a pod to its node is another question now. */
export async function reconsiderEscapes(tx: Transaction, scope: string): Promise<void> {
  await shareIncidents(tx)
  await tx.query(sql`insert into alerts_pending (alert_id) select alert_id from incident_waits where key = ${escapeText(`escapes/${scope}`)}
    on conflict do nothing`)
}
