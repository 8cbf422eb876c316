/**
 * Pulls what scanners’ operators keep in the configured cluster: each resource when it is due, by one server at a time. An object is known as
 * read in the commit of its records, so a crash loses nothing and doubles nothing. What has gone is noted as gone, never as fixed.
 */
import type { KubeConfig } from '@kubernetes/client-node'
import { listVersions, type ObjectVersion, servedResources } from '../../clusters/custom-resources.ts'
import { type Operator, operators, resourceName } from '../../collectors/operators.ts'
import { newId } from '../../domain/ids.ts'
import { ensurePulls, finishPull, type Finished, holdPull, knownVersions, type Pull, releasePull, takeDuePull } from '../../store/pulls.ts'
import { createSource, expectAtLeast, getSource, type Source } from '../../store/sources.ts'
import type { Falconer } from './falconer.ts'
import { startLoop } from './loop.ts'
import { commitPulled, type PulledDelivery, type PullFrom, pullObject } from './pull-object.ts'

/** Asked this often whether something is due; it costs one statement. */
const everyMs = 15_000
const minuteMs = 60_000
/** A server that says nothing for so long is taken for dead. */
const holdMs = 5 * minuteMs
const retryMs = 5 * minuteMs
/** So many objects are read at once. */
const together = 4
/** So many are committed together at most, and no more begun when they are so large. */
const most = { objects: 24, bytes: 4 * 1024 * 1024 }
/** When so many fail one after the other, the others would too. */
const mostFailures = 10

type Looked = Pick<Finished, 'state' | 'detail' | 'present'> & { fresh: number }

export function pullReports(falconer: Falconer, kubeConfig: KubeConfig): { stop(): Promise<void> } {
  const { log } = falconer
  const pulling = new Pulling(falconer, kubeConfig)
  const loop = startLoop(
    { everyMs: Math.min(everyMs, pulling.periodMs) },
    () => pulling.next(),
    (error) => log.warn('pulling reports failed', { error: wordsOf(error) }),
  )
  return {
    stop: async () => {
      pulling.stopped = true
      await loop.stop()
    },
  }
}

/** What one server does of it; `next` is one step. */
export class Pulling {
  stopped = false
  readonly periodMs: number
  readonly #falconer: Falconer
  readonly #kubeConfig: KubeConfig
  readonly #by = newId()
  readonly #scope: string
  #sources: Map<string, Source> | null = null

  constructor(falconer: Falconer, kubeConfig: KubeConfig) {
    this.#falconer = falconer
    this.#kubeConfig = kubeConfig
    this.#scope = falconer.config.FALCONER_SCOPE
    this.periodMs = falconer.config.FALCONER_PULL_MINUTES * minuteMs
  }

  /** Pulls the resource that is longest due; false: none is. */
  async next(): Promise<boolean> {
    const { db, clock } = this.#falconer
    this.#sources ??= await this.#begin()
    const now = clock.now()
    const due = await takeDuePull(db, { scope: this.#scope, by: this.#by, at: now, until: later(now, holdMs) })
    if (due === null) return false
    const operator = operators.find((one) => due.resource.endsWith(`.${one.group}`))
    const source = operator === undefined ? undefined : this.#sources.get(operator.name)
    if (operator !== undefined && source !== undefined) await this.#pull(due, operator, source)
    return !this.stopped
  }

  /** A source for each operator and a row for each resource, whether the cluster has them or not: what is absent is to be told. */
  async #begin(): Promise<Map<string, Source>> {
    const { db, clock } = this.#falconer
    const sources = new Map<string, Source>()
    for (const { name: operator, collector } of operators) {
      const name = `${this.#scope}-${operator}`
      const made = await createSource(db, { name, collector, scope: this.#scope, secret: null, at: clock.now() })
      const source = made ?? (await getSource(db, name))
      if (source === undefined) continue
      await expectAtLeast(db, source.id, Math.max(3 * this.periodMs, 10 * minuteMs))
      sources.set(operator, source)
    }
    const wanted = operators.flatMap((operator) =>
      Object.keys(operator.resources).map((plural) => ({
        scope: this.#scope,
        resource: resourceName(operator, plural),
        sourceId: sources.get(operator.name)?.id ?? '',
      })),
    )
    const at = clock.now()
    await ensurePulls(db, wanted, { at, latest: later(at, this.periodMs), alone: db.kind === 'embedded' })
    this.#falconer.changed('sources')
    return sources
  }

  async #pull(due: Pull, operator: Operator, source: Source): Promise<void> {
    const { db, clock, log, config } = this.#falconer
    const held = { scope: this.#scope, resource: due.resource, by: this.#by }
    const looked = await this.#look(due, operator, source).catch((error: unknown): Looked => ({
      state: 'failed',
      detail: wordsOf(error),
      present: null,
      fresh: 0,
    }))
    if (looked === null) return this.stopped ? releasePull(db, held) : undefined
    const { state, detail, present, fresh } = looked
    const now = clock.now()
    // Not all servers and resources at the same moment.
    const waitMs = (state === 'failed' ? Math.min(retryMs, this.periodMs) : this.periodMs) * (0.9 + Math.random() * 0.2)
    const forgetBefore = later(now, -config.FALCONER_RETENTION_DAYS * 24 * 60 * minuteMs)
    await finishPull(db, held, source.id, now, { state, detail, present, dueAt: later(now, waitMs), forgetBefore })
    if (state === 'failed') log.warn('reports could not all be pulled', { resource: due.resource, scope: this.#scope, detail, fresh })
    else if (fresh > 0) log.info('reports were pulled', { resource: due.resource, scope: this.#scope, fresh, objects: present?.length })
    this.#falconer.changed('sources')
    if (fresh > 0) this.#falconer.changed('findings')
  }

  /** Null: it is not ours any more, or the server stops. */
  async #look({ resource }: Pull, operator: Operator, source: Source): Promise<Looked | null> {
    const plural = resource.slice(0, -operator.group.length - 1)
    const served = (await servedResources(this.#kubeConfig, operator.group)).find((one) => one.plural === plural)
    if (served === undefined) return { state: 'absent', detail: null, present: [], fresh: 0 }
    const listed = await listVersions(this.#kubeConfig, served)
    const known = await knownVersions(this.#falconer.db, this.#scope, resource)
    const fresh = listed.filter(({ uid, version }) => known.get(uid) !== version || version === '')
    const from: PullFrom = {
      kubeConfig: this.#kubeConfig,
      served,
      resource,
      source,
      format: operator.resources[plural] ?? operator.collector,
    }
    const read = await this.#readEach(fresh, from)
    if (read === null) return null
    const { gone, failures } = read
    const [first] = failures
    return {
      state: first === undefined ? 'read' : 'failed',
      detail: first === undefined ? null : `${failures.length} of ${listed.length} objects could not be read: ${first}`,
      present: listed.map(({ uid }) => uid).filter((uid) => !gone.has(uid)),
      fresh: fresh.length - failures.length,
    }
  }

  async #readEach(fresh: readonly ObjectVersion[], from: PullFrom): Promise<{ gone: Set<string>; failures: string[] } | null> {
    const { db, clock } = this.#falconer
    const held = { scope: this.#scope, resource: from.resource, by: this.#by }
    const gone = new Set<string>()
    const failures: string[] = []
    let inARow = 0
    let waiting: PulledDelivery[] = []
    for (let at = 0; at < fresh.length; at += together) {
      if (this.stopped || !(await holdPull(db, held, later(clock.now(), holdMs)))) return null
      const batch = fresh.slice(at, at + together)
      const results = await Promise.allSettled(batch.map((object) => pullObject(this.#falconer, from, object)))
      for (const [index, result] of results.entries()) {
        inARow = result.status === 'rejected' ? inARow + 1 : 0
        const { uid = '', namespace = null, name = '' } = batch[index] ?? {}
        if (result.status === 'rejected') failures.push(`${namespace ?? '-'}/${name}: ${wordsOf(result.reason)}`)
        else if (result.value === null) gone.add(uid)
        else waiting.push(result.value)
      }
      const last = at + together >= fresh.length || inARow >= mostFailures
      if (last || waiting.length >= most.objects || waiting.reduce((sum, { bytes }) => sum + bytes, 0) >= most.bytes) {
        for (const { place, error } of await commitPulled(this.#falconer, waiting)) failures.push(`${place}: ${wordsOf(error)}`)
        waiting = []
      }
      if (inARow >= mostFailures) {
        failures.push(...fresh.slice(at + together).map(({ namespace, name }) => `${namespace ?? '-'}/${name}: not tried`))
        break
      }
    }
    return { gone, failures }
  }
}

const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms)
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 500)
