/** One alert by what a model gives for it. */
import type { Alert } from '../../domain/alert.ts'
import { NotFoundError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'
import { getAlert } from '../../store/alerts.ts'
import type { Queryable } from '../../store/database.ts'

export async function alertOf(db: Queryable, given: string): Promise<Alert> {
  const alert = isId(given.trim()) ? await getAlert(db, given.trim().toLowerCase()) : undefined
  if (alert === undefined)
    throw new NotFoundError(
      'There is no such alert, or retention has removed it. Give the whole id, as list_alerts, get_timeline or get_case_file have it.',
    )
  return alert
}
