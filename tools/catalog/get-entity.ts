import { z } from 'zod'
import type { Entity } from '../../domain/entity.ts'
import { InputError } from '../../domain/errors.ts'
import { FindingClass } from '../../domain/finding.ts'
import { redactDeep } from '../../domain/redact.ts'
import { Severity } from '../../domain/severity.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { deriveFirst, graphFreshness } from '../../graph/asked.ts'
import { placeFacts } from '../../graph/place-facts.ts'
import type { Queryable } from '../../store/database.ts'
import { findingsAt, imagesIn } from '../../store/findings-at.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { Minute, minuteOf } from '../views/finding.ts'
import { briefly, Freshness } from '../views/freshness.ts'
import { asOfInput, clusterInput, nodeInput, nodeOf, NodeRow, nodeRow, scopeAround } from '../views/graph.ts'
import { Detail } from '../views/given.ts'

const FactRow = z.object({ code: z.string(), text: Quoted, fix: Quoted.nullable().optional() })

/** One thing of the inventory: what it declares, how it is exposed, what it may do, what scanners say of it. */
export const getEntityTool = tool({
  name: 'get_entity',
  toolset: 'graph',
  title: 'Get an entity',
  description:
    'One pod, workload, node, image, service account, secret, role, cloud identity …: what it declares, of a pod or workload how it is exposed and what it may do (privileged, host paths, rights of its account), and its worst open findings. Its id is what propose_action takes. For what is around it use get_neighbours. Example: {"entity":"deployment/shop/checkout"}',
  input: z.object({
    entity: nodeInput,
    cluster: clusterInput,
    asOf: asOfInput.describe('Whether it was there then; all else is as it was last described'),
    detail: Detail.describe('full: all that it declares, and the fix of each fact'),
  }),
  output: z.object({
    entity: NodeRow,
    observed: Minute.describe('When inventory first and last saw it'),
    existed: z.boolean().nullable().describe('Whether it was there at `asOf`; null: not asked'),
    actionable: z.boolean().describe('Whether inventory recorded it, so that an action may be proposed on it'),
    properties: Quoted.describe('What it declares, as JSON'),
    facts: z
      .array(FactRow)
      .describe('Of its place, the top of its owner chain. What is not listed was not found in the records, which is not “does not hold”'),
    factsOf: NodeRow.nullable().describe('That place; null: facts are told of pods and workloads that are there now'),
    findings: z
      .object({
        open: z.number(),
        worst: z.array(z.object({ id: z.string(), check: Quoted, class: FindingClass, severity: Severity.nullable() })),
      })
      .describe('Of itself alone. 0: none is known; ask get_coverage whether a scanner looked'),
    images: z
      .array(z.object({ id: z.string(), title: Quoted, open: z.number(), worst: Quoted.nullable() }))
      .describe('That run in it, with their open findings'),
    more: More,
    freshness: Freshness,
  }),
  access: 'read',
  permission: 'graph.read',
  listed: true,
  run: async ({ entity: text, cluster, asOf, detail }, context) => {
    const { db, clock } = context
    const atNs = asOf ?? null
    await deriveFirst(context)
    const entity = await nodeOf(context, text, cluster)
    const full = detail === 'full'
    const worst = await findingsAt(db, [entity.id], { now: clock.now(), per: full ? 20 : 3 })
    const { place, facts } = await factsOf(db, entity)
    const told = fitting(
      facts.map(({ code, text: says, fix }) => ({
        code,
        text: quote(says, full ? 400 : 160),
        ...(full ? { fix: fix === null ? null : quote(fix.text, 300) } : {}),
      })),
      full ? 12_000 : 2_600,
    )
    return {
      entity: nodeRow(entity),
      observed: `${minuteOf(entity.firstNs)} to ${minuteOf(entity.lastNs)}${entity.deletedNs === null ? '' : `, seen to be gone at ${minuteOf(entity.deletedNs)}`}`,
      existed: atNs === null ? null : entity.validFromNs <= atNs && (entity.deletedNs === null || entity.deletedNs >= atNs),
      actionable: entity.origin === 'inventory' && entity.properties.declaredOnly !== true && entity.deletedNs === null,
      properties: quote(stringifyExact(redactDeep(entity.properties)), full ? 8_000 : 700),
      facts: told,
      factsOf: place === null ? null : nodeRow(place),
      findings: {
        open: worst[0]?.total ?? 0,
        worst: worst.map(({ id, check, class: of, severity }) => ({ id, check: quote(check, 60), class: of, severity })),
      },
      images: await imagesOf(db, entity, clock.now(), full ? 20 : 3),
      more: moreText(facts.length - told.length, 'facts; ask with detail full'),
      freshness: briefly(await graphFreshness(context, { scope: scopeAround(entity, cluster), atNs })),
    }
  },
})

/** Of what is no place there are none. */
async function factsOf(
  db: Queryable,
  entity: Entity,
): Promise<{ place: Entity | null; facts: Awaited<ReturnType<typeof placeFacts>>['facts'] }> {
  try {
    return await placeFacts(db, entity)
  } catch (error) {
    if (error instanceof InputError) return { place: null, facts: [] }
    throw error
  }
}

async function imagesOf(
  db: Queryable,
  entity: Entity,
  now: Date,
  limit: number,
): Promise<{ id: string; title: Quoted; open: number; worst: Quoted | null }[]> {
  if (!['workload', 'pod', 'container'].includes(entity.kind)) return []
  const images = await imagesIn(db, entity.id, limit)
  const worst = await findingsAt(
    db,
    images.map(({ id }) => id),
    { now, per: 1 },
  )
  return images.map(({ id, name, key }) => {
    const found = worst.find(({ entityId }) => entityId === id)
    return {
      id: id.toString(),
      title: quote(name === '' ? key : name, 120),
      open: found?.total ?? 0,
      worst: found === undefined ? null : quote(`${found.severity ?? 'no severity given'}: ${found.check}, finding ${found.id}`, 150),
    }
  })
}
