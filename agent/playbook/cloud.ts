/**
 * What an audit log of a cloud shows, in sentences: whose credentials were used, from where, what was called on what; which rights allowed it, and
 * what to change first. Of cases of nothing else. Such an alert has no process, file or container; what it has is cited from its fields.
 */
import type { Alert } from '../../domain/alert.ts'
import type { IdentityKind } from '../../domain/cloud.ts'
import type { Entity } from '../../domain/entity.ts'
import type { Claim } from '../../domain/report.ts'
import { severityId } from '../../domain/severity.ts'
import type { CaseAlert, CaseFile } from '../../incidents/case-file.ts'
import { alertField, entityField } from '../../incidents/record-field.ts'
import { cloudSign } from './cloud-signs.ts'
import { type Cite, cite, citeClock, citeEntity, citeInstant, ifTold, type Parts, sentence } from './sentence.ts'

const mostTold = 6
const mostNamed = 3

/** “The credentials of user x of account y were used from 1.2.3.4: 12 alerts between …” */
export function whoseCredentials(file: CaseFile): Claim {
  const { alerts: all } = file
  const people = [...identities(all).values()]
  const [first] = people[0] as [CaseAlert]
  const others = people.length - 1
  const signs = bySeverity(all).map(({ alert }) => cloudSign(alert).title)
  const sources = all.map(({ alert }) => sourceOf(alert)).filter(({ evidence }) => evidence.value !== null)
  return sentence('observation', [
    'The credentials of ',
    ...who(first),
    ...accountOf(first),
    ...(others > 0 ? [`, and of ${others} other ${others === 1 ? 'identity' : 'identities'},`] : []),
    ' were used',
    ...(sources.length === 0 ? [] : [' from ', ...listed(sources)]),
    ' for ',
    ...listed(signs),
    ' (',
    ...howManyWhen(file),
    ').',
  ])
}

/** “12 alerts between … and …” */
export function howManyWhen({ incident: { alertCount }, alerts }: CaseFile): Parts {
  const [first, last] = [alerts[0] as CaseAlert, alerts.at(-1) as CaseAlert]
  const count = `${alertCount} ${alertCount === 1 ? 'alert' : 'alerts'}`
  return first.alert.eventNs / 1_000_000_000n === last.alert.eventNs / 1_000_000_000n
    ? [`${count} at `, citeInstant(first.alert)]
    : [`${count} between `, citeInstant(first.alert), ' and ', citeClock(last.alert)]
}
const bySeverity = (all: readonly CaseAlert[]): CaseAlert[] =>
  all.toSorted((a, b) => severityId(b.alert.severity) - severityId(a.alert.severity))

/** What was done, rule by rule, in the order it began; of many rules the most severe. */
export function whatWasCalled(file: CaseFile): Claim[] {
  const byRule = [...Map.groupBy(file.alerts, ({ alert }) => alert.rule).values()]
  const told = byRule
    .toSorted((a, b) => severityId((b[0] as CaseAlert).alert.severity) - severityId((a[0] as CaseAlert).alert.severity))
    .slice(0, mostTold)
    .toSorted((a, b) => ((a[0] as CaseAlert).alert.eventNs < (b[0] as CaseAlert).alert.eventNs ? -1 : 1))
  return told.map((group) => {
    const [first, ...more] = group as [CaseAlert, ...CaseAlert[]]
    const again = more.length === 0 ? '' : `, and ${more.length === 1 ? 'once' : `${more.length} times`} more`
    return sentence('observation', ['At ', citeClock(first.alert), ', ', ...calledAs(first), again, '.'])
  })
}

/** “user x called StopLogging of cloudtrail on main-trail (rule)” */
export function calledAs(entry: CaseAlert): Parts {
  const { alert } = entry
  const target = targetOf(alert)
  return [
    ...who(entry),
    wasRefused(alert) ? ' tried ' : ' called ',
    cite(alert, 'fields.ct.name'),
    ...ifTold(' of ', cite(alert, 'fields.ct.shortsrc')),
    ...(target === null ? [] : [' on ', target]),
    ...ifTold(' from ', sourceOf(alert)),
    ...(wasRefused(alert) ? [', which was refused (', cite(alert, 'fields.ct.error'), ')'] : []),
    ' (',
    cite(alert, 'rule'),
    ')',
  ]
}

/** A call that was refused changed nothing. Falco’s own plug-in writes null for an error that there was not. */
export const wasRefused = (alert: Alert): boolean => alertField(alert, 'fields.ct.error') !== null

/** Which rights allowed it. Nobody needs a flaw for what an identity may do. */
export function rightsUsed({ alerts }: CaseFile): Claim[] {
  return [...identities(alerts).values()].slice(0, mostNamed).flatMap((group) => {
    const allowed = group.filter(({ alert }) => !wasRefused(alert))
    const calls = [...new Map(allowed.map(({ alert }) => [alertField(alert, 'fields.ct.name'), alert])).values()]
    const [first] = group
    if (first === undefined) return []
    if (calls.length === 0)
      return sentence('inference', ['Every call of ', ...who(first), ' that was seen was refused: it has not the rights for it.'])
    const refused = group.length - allowed.length
    return sentence('inference', [
      'The rights of ',
      ...who(first),
      ' allow it to call ',
      ...listed(calls.map((alert) => cite(alert, 'fields.ct.name'))),
      refused === 0 ? ', and none of these calls was refused' : `; ${refused} of these ${group.length} calls were refused`,
      ': whoever has its credentials needs no flaw for it.',
    ])
  })
}

/** What to change first: the credentials, what they were used to change, and what they were used to read. */
export function cloudFixes({ alerts: all }: CaseFile): Claim[] {
  const credentials = [...identities(all).values()].slice(0, mostNamed).map(([first]) => takeBack(first as CaseAlert))
  const done = all.filter(({ alert }) => !wasRefused(alert) && targetOf(alert) !== null)
  const kinds = [
    { of: done.filter(({ alert }) => alertField(alert, 'fields.ct.readonly') === 'false' && !isTaking(alert)), say: undo },
    { of: done.filter(({ alert }) => isTaking(alert)), say: replaceSecret },
  ]
  return [...credentials, ...kinds.flatMap(({ of, say }) => (of.length === 0 ? [] : [say(of)]))]
}

function takeBack(entry: CaseAlert): Claim {
  const kind = entry.context.identity?.properties.identityKind ?? alertField(entry.alert, 'fields.ct.user.identitytype')
  const [what, then] =
    kind === 'root' || kind === 'Root'
      ? ['Change the password of ', ', delete its access keys, and see that it signs in with a second factor.']
      : kind === 'role' || kind === 'AssumedRole'
        ? [
            'Revoke the sessions of ',
            ' (a policy that denies what was issued before now), then narrow whom its trust policy names and what it may do.',
          ]
        : ['Disable the access keys and the password of ', ', then give new ones with no more rights than its work needs.']
  return sentence('inference', [what, ...who(entry), then])
}

const undo = (of: readonly CaseAlert[]): Claim =>
  sentence('inference', [
    'Take back what was changed with them: ',
    ...listedAs(of, ({ alert }) => [cite(alert, 'fields.ct.name'), ' on ', targetOf(alert) as Cite]),
    '.',
  ])
const replaceSecret = (of: readonly CaseAlert[]): Claim =>
  sentence('inference', [
    'Replace what was read with them, for it is known to others: ',
    ...listedAs(of, ({ alert }) => [targetOf(alert) as Cite]),
    '.',
  ])
const isTaking = ({ tactics }: Alert): boolean => tactics.includes('TA0006')

/** Each identity with its alerts, by what names it; the first that was used first. */
function identities(all: readonly CaseAlert[]): Map<string, CaseAlert[]> {
  return Map.groupBy(
    all,
    ({ alert, context: { identity } }) =>
      identity?.key ?? alertField(alert, 'fields.ct.user.arn') ?? alertField(alert, 'fields.ct.user') ?? 'nobody named',
  )
}

/** “user x”, as records know it, else as the log names it. */
function who({ alert, context: { identity } }: CaseAlert): Parts {
  if (identity === undefined)
    return ['identity ', cite(alert, alertField(alert, 'fields.ct.user.arn') === null ? 'fields.ct.user' : 'fields.ct.user.arn')]
  return [`${kindOf(identity)} `, citeEntity(identity, 'name')]
}
const accountOf = ({ context: { identity } }: CaseAlert): Parts =>
  identity === undefined || entityField(identity, 'properties.account') === null
    ? []
    : [' of account ', citeEntity(identity, 'properties.account')]
/** Our own words for it, as the records have them; another word there is not ours. */
const kindOf = ({ properties: { identityKind } }: Entity): string => identityKinds.find((kind) => kind === identityKind) ?? 'identity'
const identityKinds: readonly IdentityKind[] = ['user', 'role', 'root', 'federated user', 'web identity', 'SAML identity']

const sourceOf = (alert: Alert): Cite => cite(alert, 'fields.ct.srcip')

/** Fields that name what a call was about; of others the request says it. */
const targets = [
  's3.bucket',
  'ct.request.functionname',
  'ct.request.username',
  'ct.request.groupname',
  'ct.request.cluster',
  'ct.request.name',
]
const inRequest =
  /"(?:secretId|snapshotId|dBSnapshotIdentifier|imageId|roleName|functionName|bucketName|trailName|flowLogId|groupId|instanceId|target|keyId|alarmName|logGroupName|repositoryName|detectorId|userName|name|policyArn)":"([^"\\]{3,120})"/

function targetOf(alert: Alert): Cite | null {
  const named = targets.find((name) => alertField(alert, `fields.${name}`) !== null)
  if (named !== undefined) return cite(alert, `fields.${named}`)
  const found = inRequest.exec(alertField(alert, 'fields.ct.request') ?? '')
  if (found?.[1] === undefined) return null
  const from = found.index + found[0].length - 1 - found[1].length
  return { ...cite(alert, 'fields.ct.request'), part: [from, from + found[1].length] }
}

export const listed = (all: Readonly<Parts>): Parts => listedAs(all, (one) => [one])

/** “a, b and 3 more”: each thing once. */
function listedAs<T>(all: readonly T[], say: (one: T) => Parts): Parts {
  const distinct = [...new Map(all.map((one) => [textOf(say(one)), say(one)])).values()]
  const shown = distinct.slice(0, mostNamed)
  const rest = distinct.length - shown.length
  return [
    ...shown.flatMap((parts, at) => (at === 0 ? parts : [rest === 0 && at === shown.length - 1 ? ' and ' : ', ', ...parts])),
    ...(rest > 0 ? [` and ${rest} more`] : []),
  ]
}
const textOf = (parts: Parts): string =>
  parts.map((part) => (typeof part === 'string' ? part : `${part.evidence.value?.slice(...(part.part ?? []))}`)).join('')
