/**
 * What posture and what was seen have in common: a way in, a way out of the container, credentials, rights. An alert is a sign of topics, a finding
 * or an attack step is about one; where both meet in one place, the posture may be what made the act possible.
 */
import type { Alert } from '../domain/alert.ts'
import type { AttackStep } from '../domain/graph.ts'
import type { CaseAlert, CaseFile } from './case-file.ts'
import { startedByServer } from './server-program.ts'

export type Topic = 'entry' | 'escape' | 'credential' | 'rights' | 'foothold'

/** One alert read as a sign: what it shows, completing “which fits that …”. */
export type Sign = { topic: Topic; entry: CaseAlert; shows: string }

const tokenUse = /\/var\/run\/secrets\/kubernetes\.io|\/apis?\/(v\d|[a-z.]+\/v\d)|\bkubectl\b|authorization: *bearer/i
const has = ({ techniques }: Alert, ...ids: string[]): boolean =>
  techniques.some((id) => ids.some((wanted) => id === wanted || id.startsWith(`${wanted}.`)))

/** A record of a cloud’s audit log: somebody’s credentials were used. */
export const ofCloud = ({ fields }: Alert): boolean => typeof fields['ct.name'] === 'string' && typeof fields['ct.src'] === 'string'
/** Whether it is of nothing else. */
export const allOfCloud = ({ alerts }: Pick<CaseFile, 'alerts'>): boolean =>
  alerts.length > 0 && alerts.every(({ alert }) => ofCloud(alert))
const usesToken = ({ process, file }: Alert): boolean => tokenUse.test(`${process?.cmdline ?? ''} ${file ?? ''}`)
const ranNotInImage = ({ fields, rule }: Alert): boolean =>
  fields['proc.is_exe_upper_layer'] === true || /not part of base image|drop and execute/i.test(rule)

const readings: readonly { topic: Topic; shows: string; of: (alert: Alert) => boolean }[] = [
  { topic: 'entry', shows: 'a server program started what it is not made to start', of: startedByServer },
  { topic: 'entry', shows: 'a program that was not in the image ran', of: ranNotInImage },
  { topic: 'foothold', shows: 'a program that was not in the image ran', of: ranNotInImage },
  {
    topic: 'entry',
    shows: 'the machine’s time was stolen',
    of: (alert) => has(alert, 'T1496') || /\bmin(er|ing)\b|stratum/i.test(alert.rule),
  },
  { topic: 'entry', shows: 'a public application was used to get in', of: (alert) => has(alert, 'T1190', 'T1133') },
  {
    topic: 'escape',
    shows: 'a way out of the container was tried',
    of: (alert) => has(alert, 'T1611') || /escape|release_agent|nsenter|privileged/i.test(alert.rule),
  },
  {
    topic: 'credential',
    shows: 'credentials were read or used',
    of: (alert) =>
      has(alert, 'T1552', 'T1528', 'T1555') || (alert.tactics.includes('TA0006') && alert.process !== null) || usesToken(alert),
  },
  {
    topic: 'rights',
    shows: 'rights of an account were used',
    of: (alert) => has(alert, 'T1078', 'T1098', 'T1609', 'T1610') || usesToken(alert),
  },
  { topic: 'rights', shows: 'rights in the cloud were used', of: (alert) => ofCloud(alert) && !has(alert, 'T1078', 'T1098') },
]

/** Every sign in these alerts, in their order; what inventory explains is none. */
export const signsOf = (alerts: readonly CaseAlert[]): Sign[] =>
  alerts.flatMap((entry) =>
    entry.explanation !== null ? [] : readings.flatMap(({ topic, shows, of }) => (of(entry.alert) ? [{ topic, entry, shows }] : [])),
  )

const byTechnique: Readonly<Record<string, Topic>> = {
  T1190: 'entry',
  T1133: 'entry',
  T1195: 'entry',
  T1611: 'escape',
  T1552: 'credential',
  T1528: 'credential',
  T1555: 'credential',
  T1606: 'credential',
  T1078: 'rights',
  T1098: 'rights',
  T1134: 'rights',
  T1548: 'rights',
  T1609: 'rights',
  T1610: 'rights',
}
export const topicOfStep = ({ technique }: Pick<AttackStep, 'technique'>): Topic | null =>
  byTechnique[technique.id.split('.')[0] ?? ''] ?? null

/** Settings that scanners name in many words; the first that fits. A step about the same one is the same cause. */
const settings: readonly [name: string, topic: Topic, pattern: RegExp][] = [
  ['socket', 'escape', /(docker|containerd|crio|container runtime)[ .-]?(sock|daemon)/i],
  ['host-pid', 'escape', /host[ -]?(pid|process)/i],
  ['host-ipc', 'escape', /host[ -]?ipc/i],
  ['host-network', 'escape', /host[ -]?network/i],
  ['host-path', 'escape', /host[ -]?path|(directory|file) of the node/i],
  ['capability', 'escape', /capabilit|sys_admin/i],
  ['privileged', 'escape', /\bprivileged\b/i],
  ['token', 'credential', /service ?account token|automount|automatic mapping of service account|token of service ?account/i],
  ['wildcard', 'rights', /wildcard|cluster-?admin|administrative role|manage all resources/i],
  ['rights', 'rights', /impersonat|escalat\w* (role|right|bind)|create pods|exec into|pods\/exec/i],
  ['secrets', 'credential', /\bsecrets?\b/i],
  ['writable', 'foothold', /read-?only root|root file ?system|immutable container/i],
]
export function settingOf(words: string): { name: string; topic: Topic } | null {
  const found = settings.find(([, , pattern]) => pattern.test(words))
  return found === undefined ? null : { name: found[0], topic: found[1] }
}
