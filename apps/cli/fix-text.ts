/** Fixes for a terminal: what to change, what that takes away, and why it is urgent. */
import { imageOfFix, movingReasons, versionsKnown } from '../../domain/fix-words.ts'
import { safe, shortTime } from './output.ts'
import type { FixRow } from './rows.ts'

export type FixesAnswer = { fixes: FixRow[]; next: string | null; freshness: string }

export function fixesText({ fixes, next, freshness }: FixesAnswer): string {
  return [
    ...(fixes.length === 0 ? ['Nothing that was looked at is known to need a fix.'] : fixes.map(entry)),
    safe(freshness, 600),
    ...(next === null ? [] : [`more: --cursor ${next}`]),
  ].join('\n')
}

const entry = (fix: FixRow, at: number): string =>
  [
    `${at + 1}. ${safe(fix.title, 200)}`,
    `   ${fix.level} (${fix.score.toFixed(1)}): ${takes(fix)}`,
    `   ${why(fix)}`,
    ...fix.best.slice(0, 3).map((one) => `   ${safe(one.check, 40)} ${safe(one.title, 80)}  ${one.id}`),
    `   ${fix.id}`,
    '',
  ].join('\n')

const plural = (count: number, one: string): string => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`

/** "143 findings on 12 workloads, 3 of them on a live incident’s path" */
function takes(fix: FixRow): string {
  const { findings, suppressed, workloads, steps, resources } = fix
  const what = [
    ...(findings > 0 ? [plural(findings, 'finding')] : []),
    ...(steps.count > 0 ? [plural(steps.count, 'attack step')] : []),
  ].join(' and ')
  const image = imageOfFix(resources.count, resources.first[0])
  const running = findings === 0 ? '' : '; no inventory says where that runs'
  const where = workloads.count === 0 ? running : ` on ${plural(workloads.count, 'workload')}`
  const live = workloads.live === 0 ? '' : `, ${workloads.live} of them on a live incident’s path`
  return `${what}${image === null ? '' : ` in image ${image}`}${where}${live}${versionsKnown(fix)}${suppressed > 0 ? `; ${suppressed} suppressed` : ''}`
}

const why = ({ reasons }: FixRow): string =>
  movingReasons(reasons)
    .map(({ text, factor }) => `${safe(text, 200)} (×${factor})`)
    .join('; ') || 'nothing is known that moves it'

export function fixText(fix: FixRow): string {
  const many = (count: number, shown: number): string[] => (count > shown ? [`  and ${count - shown} more`] : [])
  return [
    safe(fix.title, 400),
    `${fix.level}, ${fix.score.toFixed(1)} of 100: ${takes(fix)}`,
    '',
    'why',
    ...fix.reasons.map(
      ({ code, text, factor, shownBy }) =>
        `  ×${factor.toFixed(2)}  ${code}: ${safe(text, 240)}${shownBy === undefined ? '' : ` (${safe(`${shownBy.path}: ${shownBy.value}`, 120)}, record ${safe(shownBy.entity, 20)})`}`,
    ),
    ...(fix.best.length === 0
      ? []
      : [
          'worst findings',
          ...fix.best.map((one) => `  ${safe(one.check, 40)} on ${safe(one.on, 80)}: ${safe(one.title, 120)}  ${one.id}`),
        ]),
    ...(fix.workloads.count === 0
      ? []
      : [
          'workloads',
          ...fix.workloads.first.map(
            (one) => `  ${safe(one.title, 120)} (${safe(one.scope, 60)})${one.live ? ', on a live incident’s path' : ''}`,
          ),
        ]),
    ...many(fix.workloads.count, fix.workloads.first.length),
    ...(fix.resources.count === 0
      ? []
      : ['to change', ...fix.resources.first.map((one) => `  ${safe(one.name, 120)} (${one.kind}): ${plural(one.findings, 'finding')}`)]),
    ...many(fix.resources.count, fix.resources.first.length),
    ...(fix.steps.count === 0
      ? []
      : ['attack steps it takes away', ...fix.steps.first.map((one) => `  ${safe(one.technique, 20)}: ${safe(one.because, 200)}`)]),
    ...(fix.incidents.length === 0 ? [] : [`incidents  ${fix.incidents.join(', ')}`]),
    fix.oldestScanAt === null || fix.newestScanAt === null
      ? 'It stands on inventory; no scanner told of it.'
      : `It stands on scans of ${shortTime(fix.oldestScanAt)} to ${shortTime(fix.newestScanAt)} UTC.`,
  ].join('\n')
}
