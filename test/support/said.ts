/** A field of what an alert says, as text, wherever it is stored; for statements over `alerts`. */
import { type RawBuilder, sql } from 'kysely'

export const saidField = (name: string): RawBuilder<string | null> =>
  sql`(case when fields is null then convert_from(raw, 'UTF8')::jsonb->'output_fields' else fields end->>${sql.lit(name)})`
