/** Another cluster with the same story: every name, id, address, rule, gap and order changed from a seed, in records and in what is true of them alike. */
import { createHash } from 'node:crypto'
import type { KubernetesJson } from '../clusters/contract.ts'
import { parseExact, stringifyExact } from '../domain/exact-json.ts'
import type { Scenario } from './scenario.ts'
import { recordedTimes, withTimes } from './times.ts'

type Recorded = Pick<Scenario, 'objects' | 'alerts' | 'audit' | 'cloudtrail' | 'flows' | 'logs' | 'trivy' | 'truth'>

/** Other names, ids, addresses, rules, gaps and order, all from the seed; the same story, ending at the same time. */
export function mutate(scenario: Scenario, seed: number): Scenario {
  const bits = (salt: string): string => createHash('sha256').update(`${seed}/${salt}`).digest('hex')
  const { objects, alerts, audit, cloudtrail, flows, logs, trivy, truth } = scenario
  const recorded: Recorded = { objects, alerts, audit, cloudtrail, flows, logs, trivy, truth }
  const changed = parseExact(renamed(stringifyExact(recorded), namesIn(objects), bits)) as Recorded
  const ruled = changed.alerts.map((alert) => ({
    ...alert,
    rule: alert.rule.startsWith('Falco internal') ? alert.rule : `Custom ${word(bits(alert.rule))} detection`,
  }))
  const times = stretched(
    [...new Set(recordedTimes(changed))].sort((a, b) => (a < b ? -1 : 1)),
    bits,
  )
  const shuffled = ruled.sort((a, b) => (bits(stringifyExact(a)) < bits(stringifyExact(b)) ? -1 : 1))
  return withTimes({ ...scenario, ...changed, alerts: shuffled }, (ns) => times.get(ns) ?? ns)
}

type Bits = (salt: string) => string
const word = (hex: string): string => hex.replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? 'x').slice(0, 8)

/** Parts of the objects' names: words, and the hashes that Kubernetes appends. */
function namesIn(objects: readonly KubernetesJson[]): string[] {
  const parts = objects
    .flatMap(({ metadata }) => (metadata.name === 'kube-system' ? [] : [metadata.name, metadata.namespace ?? '']))
    .flatMap((name) => name.split('-'))
    .filter((part) => /^(?:[a-z]{4,}|(?=[a-z]*\d)[a-z0-9]{5,10})$/.test(part) && !/^\d+$/.test(part))
  return [...new Set(parts)].sort((a, b) => b.length - a.length)
}

function renamed(given: string, names: readonly string[], bits: Bits): string {
  let text = given
  for (const name of names) text = text.replaceAll(name, /\d/.test(name) ? bits(name).slice(0, name.length) : word(bits(name)))
  for (const hex of new Set(text.match(/\b[0-9a-f]{64}\b/g)))
    text = text.replaceAll(hex, bits(hex)).replaceAll(hex.slice(0, 12), bits(hex).slice(0, 12))
  for (const uid of new Set(text.match(/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}\b/g)))
    text = text.replaceAll(uid, uidFrom(bits(uid)))
  for (const instance of new Set(text.match(/\bi-[0-9a-f]{17}\b/g))) text = text.replaceAll(instance, `i-${bits(instance).slice(0, 17)}`)
  for (const [, account = ''] of text.matchAll(/arn:aws:\w+:[\w-]*:(\d{12}):/g))
    text = text.replaceAll(account, (10n ** 11n + (BigInt(`0x${bits(account).slice(0, 12)}`) % (9n * 10n ** 11n))).toString())
  return text.replace(/\b203\.0\.113\.\d+\b/g, (peer) => `198.51.100.${1 + (Number.parseInt(bits(peer).slice(0, 4), 16) % 250)}`)
}

/** Where each time goes: every gap is drawn out by a factor of its own, from 1 to 5; the last stays. */
function stretched(times: readonly bigint[], bits: Bits): Map<bigint, bigint> {
  const moved = new Map<bigint, bigint>()
  let at = times.at(-1) ?? 0n
  for (const [back, time] of times.toReversed().entries()) {
    const later = times[times.length - back]
    if (later !== undefined) at -= ((later - time) * (10n + BigInt(Number.parseInt(bits(`gap ${back}`).slice(0, 4), 16) % 41))) / 10n
    moved.set(time, at)
  }
  return moved
}

const uidFrom = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
