/**
 * What reports about clouds have in common, whoever wrote them: what an account and a resource in it are called, how a check of Prowler or
 * Security Hub is named, their times and texts. So the same finding that comes by two routes is one finding. Pure.
 */
import { parseEventTime } from '../domain/event-time.ts'
import type { ResourceRef } from '../domain/finding.ts'
import { priorities, type Priority, prioritySeverity, type Severity } from '../domain/severity.ts'
import { InputError } from '../domain/errors.ts'
import { cloudResource, imageResource, kubernetesResource } from './resources.ts'
import { cut, proseOf } from './words.ts'

/** An account of a cloud (AWS account, Azure subscription, project of Google Cloud), or what it holds in one region. */
export function accountResource(provider: string, account: string, name: string, scope: string, region = ''): ResourceRef {
  const key = [provider.toLowerCase() || 'cloud', account || 'unknown', ...(region === '' ? [] : [region])].join('/')
  const shown = name || account || 'unknown account'
  return {
    kind: 'cloud_account',
    scope: account === '' ? scope : 'global',
    key,
    name: region === '' ? shown : `${shown} (${region})`,
    namespace: null,
  }
}

export type InAccount = { provider: string; account: string; region: string; id: string; name: string }

/** By its ARN or full id; else by its name in region and account. The account itself is told apart by region: a check looks at each by itself. */
export function resourceOf({ provider, account, region, id, name }: InAccount, scope: string): ResourceRef {
  const own = /^(?:AWS::::Account:(\d+)|arn:aws[\w-]*:iam::(\d+):root|(\d{12}))$/.exec(id)
  const number = own?.[1] ?? own?.[2] ?? own?.[3]
  if (number !== undefined && (own?.[3] === undefined || number === account)) return accountResource('aws', number, '', scope, region)
  if (id === '') return accountResource(provider, account, '', scope, region)
  const stored = /^arn:aws[\w-]*:ecr:([\w-]+):(\d+):repository\/(.+?)\/?(sha256:[0-9a-f]{64})$/.exec(id)
  if (stored !== null) {
    const [, place, owner, repository, digest = ''] = stored
    return imageResource({ manifestDigest: digest, reference: `${owner}.dkr.ecr.${place}.amazonaws.com/${repository}@${digest}` }, scope)
  }
  // Azure’s ids mean the same in any case.
  const key = /^\/subscriptions\//i.test(id) ? id.toLowerCase() : id
  const named = cloudResource(key, name || id, scope)
  if (named.scope === 'global') return named
  return cloudResource(
    [provider.toLowerCase() || 'cloud', account || 'unknown', region, id].join('/'),
    name || id,
    account === '' ? scope : 'global',
  )
}

/** Parts of the control plane are pods, the kubelet’s configuration is a configuration map; other types are kinds. */
const kindsOfTypes: Readonly<Record<string, string>> = {
  APIServer: 'Pod',
  ControllerManager: 'Pod',
  Scheduler: 'Pod',
  Etcd: 'Pod',
  Kubelet: 'ConfigMap',
}

/** An object of Kubernetes as reports about clouds name it: "KubernetesPod", "cluster-wide". Throws InputError when it has no name. */
export function objectOf(named: { type: string; name: string; id: string; namespace: string }, scope: string): ResourceRef {
  const name = named.name || named.id
  if (name === '') throw new InputError('it does not name the object of Kubernetes it is about')
  const type = named.type.replace(/^Kubernetes/, '') || 'Object'
  const namespace = named.namespace === 'cluster-wide' ? null : named.namespace
  return kubernetesResource({ kind: kindsOfTypes[type] ?? type, namespace, name: cut(name, 500) }, scope)
}

export const prowlerCheck = (id: string): string => `prowler/${id}`

/** Producers under one name: "Security Hub", "securityhub", "AWS Security Hub" → security-hub. */
export function producerOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim()
    .replace(/^(aws|amazon) /, '')
  if (plain === 'securityhub' || plain.startsWith('security hub')) return 'security-hub'
  return plain.replaceAll(' ', '-') || 'unknown'
}

/** Seconds, milliseconds, micro- or nanoseconds since 1970, or text; without a zone it is read as UTC. Null: no time, or a zero one. */
export function instantOf(value: unknown): bigint | null {
  if (typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && /^\d{9,19}$/.test(value))) {
    const number = Number(value)
    if (!Number.isFinite(number) || number <= 0 || number > 9.2e18) return null
    const factor = number < 1e11 ? 1_000_000_000 : number < 1e14 ? 1_000_000 : number < 1e17 ? 1_000 : 1
    if (factor === 1) return BigInt(value)
    return BigInt(Math.trunc(number)) * BigInt(factor) + BigInt(Math.round((number % 1) * factor))
  }
  if (typeof value !== 'string') return null
  const parsed = parseEventTime(value) ?? parseEventTime(`${value.trim()}Z`)
  return parsed === undefined || parsed <= 0n || parsed > 9_223_372_036_854_775_807n ? null : parsed
}

/** What says something, each once. */
export const paragraphs = (...parts: readonly string[]): string | null =>
  proseOf([...new Set(parts.map((part) => part.trim()))].filter((part) => part !== '').join('\n\n'))

/** A detection’s priority is never lower than we know: without a severity it is a warning. */
export const priorityOf = (severity: Severity | null): Priority =>
  severity === null ? 'Warning' : (priorities.findLast((one) => prioritySeverity[one] === severity && one !== 'Debug') as Priority)
