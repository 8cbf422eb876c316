/** What all our OCSF events have in common: one version of the schema, our product, severity, life cycle, times in milliseconds, nothing secret. Pure. */
import { tacticTitle } from '../../domain/attack.ts'
import { redactDeep } from '../../domain/redact.ts'
import { type Severity, severityId } from '../../domain/severity.ts'
import product from '../../package.json' with { type: 'json' }

export const ocsfVersion = '1.8.0'
export type OcsfEvent = { class_uid: number; time: number; metadata: Record<string, unknown> } & Record<string, unknown>

/** Classes of the category Findings. */
const classes = { 2002: 'Vulnerability Finding', 2003: 'Compliance Finding', 2004: 'Detection Finding', 2005: 'Incident Finding' } as const
export const activities = { created: [1, 'Create'], updated: [2, 'Update'], closed: [3, 'Close'] } as const

export type Head = {
  class: keyof typeof classes
  change: keyof typeof activities
  severity: Severity | null
  atNs: bigint
  status: readonly [id: number, caption: string]
  /** The cluster or account. */ scope: string
  message: string
  profiles?: readonly string[]
}

/** What stands under no value is left out. Masked last, so that no attribute is forgotten. */
export function ocsfEvent({ class: uid, change, severity, atNs, status, scope, message, profiles = [] }: Head, rest: object): OcsfEvent {
  const [activity, activityName] = activities[change]
  return redactDeep({
    activity_id: activity,
    activity_name: activityName,
    category_uid: 2,
    category_name: 'Findings',
    class_uid: uid,
    class_name: classes[uid],
    type_uid: uid * 100 + activity,
    type_name: `${classes[uid]}: ${activityName}`,
    time: milliseconds(atNs),
    severity_id: severity === null ? 0 : severityId(severity),
    severity: severity === null ? 'Unknown' : caption(severity),
    status_id: status[0],
    status: status[1],
    message,
    metadata: {
      version: ocsfVersion,
      product: { name: 'Falconer', vendor_name: 'Falconer', version: product.version },
      profiles: profiles.length > 0 ? profiles : undefined,
      labels: [scopeLabel(scope)],
    },
    ...(withoutNothing(rest) as object),
  })
}

/** Which cluster or account: OCSF has no attribute of its own for it. */
export const scopeLabel = (scope: string): string => `scope:${scope}`

export const milliseconds = (ns: bigint): number => Number(ns / 1_000_000n)
/** `true_positive` → True Positive */
export const caption = (word: string): string => word.replaceAll('_', ' ').replace(/\b[a-z]/g, (letter) => letter.toUpperCase())

/** The tactic stands with its techniques where there is no doubt which. */
export function attacksOf(tactics: readonly string[], techniques: readonly string[]): object[] {
  const named = tactics.map((uid) => ({ uid, name: tacticTitle(uid) }))
  const [only] = named.length === 1 ? named : []
  const used = techniques.map((uid) => ({
    tactic: only,
    technique: { uid: uid.slice(0, 5) },
    sub_technique: uid.length > 5 ? { uid } : undefined,
  }))
  return only !== undefined && used.length > 0 ? used : [...named.map((tactic) => ({ tactic })), ...used]
}

export type Touched = { key: string; name: string; kind: string; namespace: string | null; scope: string }
export const resourceOf = ({ key, name, kind, namespace, scope }: Touched): object => ({
  uid: key,
  name,
  type: kind,
  namespace,
  labels: [scopeLabel(scope)],
})

/** An attribute of OCSF is there or not; it is never null, and never an object of nothing. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing).filter(isSomething)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]): [string, unknown] => [name, withoutNothing(inner)])
      .filter(([, inner]) => isSomething(inner)),
  )
}
const isSomething = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  !(typeof value === 'object' && Object.keys(value).length === 0 && !Array.isArray(value)) &&
  !(Array.isArray(value) && value.length === 0)
