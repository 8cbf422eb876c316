/**
 * The contract of a family of detections: what the playbook knows of one kind of behaviour. A family says which alerts are
 * its own, how much one of them weighs, and how to say it. Unknown rules are recognised by their tags and fields.
 */
import type { Alert } from '../../domain/alert.ts'
import type { CaseAlert } from '../../incidents/case-file.ts'
import type { Parts } from './sentence.ts'

/**
 * conclusive: on its own shows an intrusion. decisive: shows one together with any second, independent sign.
 * supporting: an intruder’s usual step, but also others’. weak: says little by itself.
 */
export const weights = ['weak', 'supporting', 'decisive', 'conclusive'] as const
export type Weight = (typeof weights)[number]
export const heavier = (a: Weight, b: Weight): boolean => weights.indexOf(a) > weights.indexOf(b)

export interface Family {
  /** The file's name. */
  readonly name: string
  /** Completes “This is …”. */
  readonly title: string
  /** Taken only by alerts that no other family takes. */
  readonly fallback?: boolean
  /** Of calls in a cloud, which have no process: those are its own alone, or one by their tactic. */
  readonly ofCloud?: boolean
  matches(alert: Alert): boolean
  weigh(entry: CaseAlert): Weight
  /** What was seen, as the parts of one sentence that follows the time: values cited, words ours. */
  tell(entry: CaseAlert): Parts
  /** Why that weighs what it does, in one clause. */
  readonly because: string
  /** True when the host itself may be lost, not only the pod. */
  readonly reachesHost?: boolean
}

const has = (values: readonly string[], ...wanted: string[]): boolean => wanted.some((one) => values.includes(one))
export const hasTechnique = (alert: Alert, ...ids: string[]): boolean =>
  alert.techniques.some((id) => ids.some((wanted) => id === wanted || id.startsWith(`${wanted}.`)))
export const hasTactic = (alert: Alert, ...ids: string[]): boolean => has(alert.tactics, ...ids)
/** By its name, which can be chosen. */
export const isShell = ({ process }: Alert): boolean => /^(sh|bash|dash|ash|zsh|ksh|fish|csh|tcsh|busybox)$/.test(process?.name ?? '')
export const ruleSays = (alert: Alert, pattern: RegExp): boolean => pattern.test(alert.rule)
export const commandSays = (alert: Alert, pattern: RegExp): boolean => alert.process?.cmdline != null && pattern.test(alert.process.cmdline)
