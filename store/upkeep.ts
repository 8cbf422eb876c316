/**
 * What a Postgres server does by itself and the embedded database does not: clearing away dead rows and counting what
 * tables hold, without which its queues and plans get slower week by week.
 */
import { sql } from 'kysely'
import type { Database } from './database.ts'

const busy = [
  'alerts_pending',
  'alert_keys',
  'incidents',
  'incident_alerts',
  'incident_groups',
  'incident_places',
  'incident_baselines',
  'baseline_keys',
  'baseline_days',
  'image_paths',
  'incident_segments',
  'incident_waits',
  'incident_notices',
  'destinations',
  'entities',
  'relations',
  'entity_sightings',
  'inventory_standing',
  'attack_steps',
  'graph_units',
  'sources',
  'sessions',
  'proposals',
  'investigations',
  'model_calls',
  'alerts',
  'activities',
  'findings',
  'finding_witnesses',
  'finding_observations',
  'scans',
  'advisories',
]

/** A few milliseconds for tables that rest. Nothing on a server. */
export async function tidyEmbedded(db: Database): Promise<void> {
  if (db.kind === 'server') return
  for (const table of busy) await db.query(sql`vacuum (analyze) ${sql.table(table)}`)
}
