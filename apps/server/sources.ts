/** Sources managed: add, new secret, disable. Each change is audited in its own transaction; a secret is answered once, its hash is kept. */
import { z } from 'zod'
import { collectors } from '../../collectors/registry.generated.ts'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { appendAudit } from '../../store/audit.ts'
import type { Transaction } from '../../store/database.ts'
import {
  createSource,
  getSource,
  newSourceSecret,
  setSourceDisabled,
  setSourceExpected,
  setSourceSecret,
  type Source,
} from '../../store/sources.ts'
import { type Forgotten, forgetWitness } from '../../store/witnesses.ts'
import type { Falconer } from './falconer.ts'
import { baseUrl } from './urls.ts'
import type { Who } from './who.ts'

/** The name of a cluster, as people write it: nothing invisible in it, for it becomes part of keys. */
export const ScopeName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'holds invisible characters')

type Actor = Pick<Who, 'principal' | 'channel'>
/** `connect` is Markdown: what to put where. */
export type SourceWithSecret = { source: Source; secret: string; connect: string }

/** Makes a source and its secret. Throws InputError when the name is taken or the collector unknown. */
export async function addSource(
  falconer: Falconer,
  who: Actor,
  given: { name: string; collector: string; scope: string },
): Promise<SourceWithSecret> {
  const collector = collectors.find((one) => one.name === given.collector)
  if (collector === undefined)
    throw new InputError(`There is no collector “${given.collector}”. There are: ${collectors.map((one) => one.name).join(', ')}.`)
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(given.name))
    throw new InputError('A source’s name has 1 to 63 small letters, digits, dots, dashes or underscores.')
  if (/-(?:import|inventory|operator)$/.test(given.name))
    throw new InputError('Names that end in -import, -inventory or -operator are Falconer’s own. Choose another.')
  if (!ScopeName.safeParse(given.scope).success) throw new InputError('A cluster’s name has 1 to 100 visible characters.')
  const secret = newSourceSecret()
  const { db, clock } = falconer
  const source = await db.transaction(async (tx) => {
    const made = await createSource(tx, { ...given, secret, at: clock.now() })
    if (made === undefined) throw new InputError(`There is already a source called ${given.name}.`)
    await appendAudit(tx, clock, {
      principal: who.principal,
      channel: who.channel,
      action: 'source added',
      subject: `source/${made.id}`,
      details: { name: given.name, collector: given.collector, scope: given.scope },
    })
    return made
  })
  falconer.changed('sources')
  return { source, secret, connect: connectText(falconer, source, secret) }
}

export const connectText = (falconer: Falconer, source: Source, secret: string): string =>
  (collectors.find((one) => one.name === source.collector)?.connect ?? '')
    .replaceAll('{{url}}', baseUrl(falconer))
    .replaceAll('{{secret}}', secret)
    .replaceAll('{{scope}}', source.scope)

async function changeSource(
  falconer: Falconer,
  who: Actor,
  idOrName: string,
  action: string,
  change: (tx: Transaction, source: Source) => Promise<void>,
): Promise<Source> {
  const { db, clock } = falconer
  const changed = await db.transaction(async (tx) => {
    const source = await getSource(tx, idOrName)
    if (source === undefined) throw new NotFoundError(`There is no source ${idOrName}.`)
    await change(tx, source)
    await appendAudit(tx, clock, {
      principal: who.principal,
      channel: who.channel,
      action,
      subject: `source/${source.id}`,
      details: { name: source.name },
    })
    return (await getSource(tx, source.id)) as Source
  })
  falconer.changed('sources')
  return changed
}

/** Gives a source a new secret; the old one stops working at once. */
export async function rotateSecret(falconer: Falconer, who: Actor, idOrName: string): Promise<SourceWithSecret> {
  const secret = newSourceSecret()
  const source = await changeSource(falconer, who, idOrName, 'source secret changed', (tx, found) => setSourceSecret(tx, found.id, secret))
  return { source, secret, connect: connectText(falconer, source, secret) }
}
export const disableSource = (falconer: Falconer, who: Actor, idOrName: string, disabled: boolean): Promise<Source> =>
  changeSource(falconer, who, idOrName, disabled ? 'source disabled' : 'source enabled', (tx, found) =>
    setSourceDisabled(tx, found.id, disabled ? falconer.clock.now() : null),
  )

/** How long it may be silent before that is a gap; null: as domain/coverage.ts says. */
export const setExpected = (falconer: Falconer, who: Actor, idOrName: string, expectedMs: number | null): Promise<Source> =>
  changeSource(falconer, who, idOrName, 'source expectation changed', (tx, found) => setSourceExpected(tx, found.id, expectedMs))

/** Takes back what a source said of the graph, and only what nobody else says. Its alerts and findings are records: they stay. */
export async function forgetSource(falconer: Falconer, who: Actor, idOrName: string): Promise<{ source: Source; forgotten: Forgotten }> {
  let forgotten: Forgotten = { relations: 0, entities: 0, aliases: 0 }
  const source = await changeSource(falconer, who, idOrName, 'source forgotten in the graph', async (tx, found) => {
    forgotten = await forgetWitness(tx, found.id, falconer.clock.now())
  })
  falconer.changed('sources')
  return { source, forgotten }
}
