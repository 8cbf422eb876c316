/** The first look at an incident that is to be investigated, where it is wanted: what came of it is kept before anything follows from it. */
import { isUnsure, looksFirst } from '../../agent/triage.ts'
import type { Incident } from '../../domain/incident.ts'
import { readCase } from '../../incidents/read-case.ts'
import type { Deepening } from '../../store/deepenings.ts'
import { noteLook, spareDeepening } from '../../store/first-looks.ts'
import { investigationsOf } from '../../store/investigations.ts'
import type { Falconer } from './falconer.ts'
import { scopeCluster } from './investigate-now.ts'

/** True: a full investigation is not worth it, and it is not done. */
export async function lookFirst(
  falconer: Falconer,
  { id, look, byPerson }: Deepening,
  incident: Incident,
  { by, signal }: { by: string; signal: AbortSignal },
): Promise<boolean> {
  const { db, clock, config, asking } = falconer
  // It may have become more severe, part of one that is, or plain, while it waited.
  const wanted = look === 'wanted' && !byPerson && looksFirst(incident, config.FALCONER_MODEL_TRIAGE_UP_TO)
  if (!wanted || asking.firstLook === undefined) return false
  const report = (await investigationsOf(db, incident.id)).find((one) => one.report !== null && one.report.model === null)?.report
  if (report == null || !isUnsure(report)) return false
  const file = await readCase(db, clock.now(), incident.id, { cluster: (scope) => scopeCluster(falconer, scope) })
  const { outcome, said } = await asking.firstLook(file, { about: id, report, signal })
  return db.transaction(async (tx) => {
    const end = { id, by, said, at: clock.now() }
    if (outcome === 'spared' && (await spareDeepening(tx, end))) return true
    await noteLook(tx, end, outcome === 'failed' ? 'failed' : 'passed')
    return false
  })
}
