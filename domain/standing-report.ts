/**
 * Of several reports on one incident, which stands first. A model’s that came to its end does, until the playbook, which reads what has come since, says
 * something else than it had said before; one that ended early stands behind what is whole. The others are kept, one click away.
 */
import type { Report } from './report.ts'
import { severityId } from './severity.ts'

type Kept = { report: Report | null }

/** `newestFirst`: all that are done, or at least the newest of each kind and the playbook’s before the model’s. */
export function standingReport<T extends Kept>(newestFirst: readonly T[]): T | undefined {
  const done = newestFirst.filter((one) => one.report !== null)
  const whole = done.filter((one) => one.report?.partial == null)
  const at = whole.findIndex((one) => one.report?.model != null)
  const [newest = done[0]] = whole
  const model = whole[at]
  if (model === undefined || at === 0) return newest
  const before = whole.slice(at + 1).find((one) => one.report?.model == null)
  return saysOther(newest?.report ?? null, before?.report ?? null) ? newest : model
}

function saysOther(now: Report | null, before: Report | null): boolean {
  if (now === null || before === null) return now !== null
  return now.verdict !== before.verdict || severityId(now.severity) > severityId(before.severity)
}
