/**
 * Whose credentials a cloud session uses: the record in which they were issued names the identity that asked for them. Found by the id of the
 * access key, never by the session’s name, which whoever asks chooses.
 */
import { sql } from 'kysely'
import type { NewActivity } from '../domain/activity.ts'
import type { CloudSession } from '../domain/cloud.ts'
import type { Queryable, Transaction } from './database.ts'
import { shareIncidents } from './segments.ts'
import { jsonText, unescapeDeep } from './values.ts'

/** Literal, as in the index: issuing is rare among what is done with a role. */
const issues = sql`operation in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetFederationToken')`
const mostHops = 8

type Row = Omit<CloudSession, 'issuedTo' | 'commanded'> & { at: number; issued: CloudSession['issuedTo'] | null; instances: unknown }

/** Of each activity, by its place in the list: its session, and who stands behind it, the nearest first. Undefined: it is none of a cloud. */
export async function cloudSessions(
  db: Queryable,
  activities: readonly { scope: string; contentKey: string }[],
): Promise<(CloudSession | undefined)[]> {
  const asked = activities.map(({ scope, contentKey }, at) => ({ at, scope, key: contentKey }))
  const rows = await db.query(sql<Row>`with recursive own as (
      select r.at, a.scope, a.actor_id as identity, a.actor->>'session' as session, a.properties->>'role' as issuer, a.properties->'request'->'instanceIds' as instances
        from jsonb_to_recordset(${jsonText(asked)}::jsonb) as r(at integer, scope text, key text)
        join activities a on a.scope = r.scope and a.content_key = decode(r.key, 'hex') where a.producer = 'cloudtrail'),
    behind(at, hop, scope, session, issued) as (
      select at, 0, scope, session, null::jsonb from own
      union all select b.at, b.hop + 1, b.scope, i.actor->>'session', jsonb_build_object('actor', i.actor, 'operation', i.operation,
          'role', coalesce(i.properties #>> '{request,roleArn}', i.properties #>> '{response,federatedUser,arn}'), 'activity', encode(i.content_key, 'hex'))
        from behind b cross join lateral (select actor, operation, properties, content_key from activities where ${issues} and outcome = 'success' and scope = b.scope
          and properties #>> '{response,credentials,accessKeyId}' = b.session order by event_ns, content_key limit 1) i where b.hop < ${mostHops})
    select own.at, own.identity, own.session, own.issuer, own.instances,
      (select jsonb_agg(b.issued order by b.hop) from behind b where b.at = own.at and b.hop > 0) as issued from own`)
  const found: (CloudSession | undefined)[] = activities.map(() => undefined)
  for (const { at, issued, instances, ...session } of unescapeDeep(rows))
    found[at] = {
      ...session,
      issuedTo: issued ?? [],
      commanded: Array.isArray(instances) ? instances.filter((one): one is string => typeof one === 'string') : [],
    }
  return found
}

/** Alerts of sessions that came before the record in which their credentials were issued are placed again. `activities` are stored already. */
export async function reconsiderSessions(tx: Transaction, activities: readonly NewActivity[]): Promise<void> {
  const issued = activities.flatMap(({ scope, properties }) => {
    const key = issuedKey(properties)
    return key === null ? [] : [{ scope, key: `session/${key}` }]
  })
  if (issued.length === 0) return
  await shareIncidents(tx)
  await tx.query(sql`insert into alerts_pending (alert_id)
    select distinct m.alert_id from jsonb_to_recordset(${jsonText(issued)}::jsonb) as r(scope text, key text)
      join incident_segments s on s.scope = r.scope and s.rule = 'cloud-identity' and s.fact_key = r.key and s.by_key = ''
      join incident_alerts m on m.incident_id = s.incident_id and m.event_ns between s.start_ns and s.end_ns
    on conflict do nothing`)
}

function issuedKey({ response }: NewActivity['properties']): string | null {
  const credentials = (response as { credentials?: { accessKeyId?: unknown } } | null | undefined)?.credentials
  return typeof credentials?.accessKeyId === 'string' ? credentials.accessKeyId : null
}
