/**
 * A detection that another product made and a format of many products relays: an alert in which much is unknown. What is known stands
 * in `fields` under the names that alerts of Falco and audit logs use, so that alerts of one identity come together. Pure.
 */
import type { NewAlert } from '../domain/alert.ts'
import { attackFromTags } from '../domain/attack.ts'
import { prioritySeverity, type Severity } from '../domain/severity.ts'
import type { SourceContext } from './collector.ts'
import { priorityOf } from './cloud-findings.ts'
import { cut } from './words.ts'

type Required = Pick<NewAlert, 'contentKey' | 'sensor' | 'sensorSource' | 'rule' | 'tags' | 'fields' | 'document' | 'raw'>
type Known = Required &
  Partial<Pick<NewAlert, 'hostname' | 'output' | 'container' | 'pod' | 'process' | 'file' | 'connection'>> & {
    atNs: bigint | null
    severity: Severity | null
    /** Ids of ATT&CK, and names of tactics in any spelling: "TA0006", "T1078.004", "Credential Access", "CredentialAccess". */
    attack: readonly string[]
  }

export function relayedAlert({ atNs, severity, attack, ...known }: Known, source: SourceContext): NewAlert {
  const priority = priorityOf(severity)
  return {
    hostname: null,
    output: null,
    container: null,
    pod: null,
    process: null,
    file: null,
    connection: null,
    ...known,
    rule: cut(known.rule, 500),
    scope: source.scope,
    eventNs: atNs ?? source.receivedNs,
    eventTimeFrom: atNs === null ? 'received' : 'event',
    priority,
    severity: prioritySeverity[priority],
    activityKey: null,
    relayedAs: null,
    truncated: [],
    ...attackFromTags(attack.flatMap((name) => [name, `mitre_${snake(name)}`])),
  }
}

/** "CredentialAccess", "Credential Access" → credential_access */
const snake = (name: string): string =>
  name
    .trim()
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[\s-]+/g, '_')
    .toLowerCase()

/** Facts that are known: what is empty says nothing. */
export const factsOf = (facts: Record<string, string | number | null>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) =>
      value === '' || value === null ? [] : [[name, typeof value === 'string' ? cut(value, 2_000) : value]],
    ),
  )

/** An identity of AWS, as its own alerts, those of Falco’s CloudTrail plugin and those of audit logs name it. */
export const awsIdentity = (arn: string, principalId = ''): Record<string, string> => ({
  'aws.user.arn': arn,
  'ct.user.arn': arn,
  'ct.user.principalid': principalId,
})

type KnownProcess = Partial<NonNullable<NewAlert['process']>>
/** Null when nothing is known of it. */
export function processOf(known: KnownProcess): NewAlert['process'] {
  if (!known.name && !known.cmdline && (known.pid ?? null) === null) return null
  const nothing = {
    name: null,
    pid: null,
    startNs: null,
    cmdline: null,
    exepath: null,
    parentName: null,
    parentCmdline: null,
    parentPid: null,
  }
  return { ...nothing, user: null, uid: null, terminal: false, ancestors: [], ...known }
}

export const wordOrNull = (word: string): string | null => (word === '' ? null : word)
export const wholeNumber = (word: string): bigint | null => (/^\d{1,18}$/.test(word) ? BigInt(word) : null)
export const portOf = (word: string): number | null => (/^\d{1,5}$/.test(word) ? Number(word) : null)
