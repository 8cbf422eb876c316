/**
 * The boundaries can fail: in a copy of the house every rule is broken once, and each break is seen, where it is and nowhere
 * else. And the house itself is read whole: a cruise that reads nothing finds nothing.
 */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cruise, cruiseHouse, sourceFiles } from '../../scripts/boundaries/cruise.ts'
import { copyOfTheHouse } from './house-copy.ts'

const layers = 'domain config store auth clusters collectors graph incidents prompts knowledge responses tools agent notify apps'.split(' ')

/** Files to plant, and which rules each must be caught by. */
type Plant = { file: string; text: string; caught?: readonly string[] }

const eachLayer: Plant[] = layers.flatMap((layer, index) => [
  { file: `${layer}/planted-leaf.ts`, text: 'export const leaf = 1' },
  ...layers
    .slice(index + 1)
    .map((later) => ({
      file: `${layer}/planted-needs-${later}.ts`,
      text: `import type { leaf } from '../${later}/planted-leaf.ts'\nexport type Leaf = typeof leaf`,
      caught: [`layer-${layer}`, ...(layer === 'responses' && later === 'clusters' ? ['actions-import-no-client'] : [])],
    })),
  ...layers
    .slice(0, index)
    .map((earlier) => ({
      file: `${layer}/planted-uses-${earlier}.ts`,
      text: `export { leaf } from '../${earlier}/planted-leaf.ts'`,
      caught: layer === 'responses' && earlier === 'clusters' ? ['actions-import-no-client'] : [],
    })),
])

const plants: Plant[] = [
  ...eachLayer,
  { file: 'domain/planted-proof.ts', text: `export { property } from '../test/support/sizes.ts'`, caught: ['nothing-imports-proofs'] },
  {
    file: 'apps/server/planted-script.ts',
    text: `export { render } from '../../scripts/generate/registries.ts'`,
    caught: ['nothing-imports-proofs'],
  },
  {
    file: 'apps/server/planted-scenario.ts',
    text: `export { loadScenario } from '../../evals/scenario.ts'`,
    caught: ['scenarios-only-for-the-demo'],
  },
  { file: 'apps/cli/planted-scenario.ts', text: `export { loadScenario } from '../../evals/scenario.ts'` },
  {
    file: 'incidents/rules/planted.ts',
    text: `export { sameContainer as planted } from './same-container.ts'`,
    caught: ['siblings-are-strangers'],
  },
  { file: 'agent/playbook/families/planted.ts', text: `export { shell as planted } from './shell.ts'`, caught: ['siblings-are-strangers'] },
  {
    file: 'responses/catalog/kubernetes/planted.ts',
    text: `export { deletePod as planted } from './delete-pod.ts'`,
    caught: ['siblings-are-strangers'],
  },
  { file: 'tools/catalog/planted-one.ts', text: 'export const one = 1' },
  { file: 'tools/catalog/planted-two.ts', text: `export { one } from './planted-one.ts'`, caught: ['siblings-are-strangers'] },
  {
    file: 'tools/catalog/planted-approve.ts',
    text: `export const load = () => import('../../responses/approve.ts')`,
    caught: ['analysts-cannot-act'],
  },
  {
    file: 'tools/views/planted-view.ts',
    text: `export { revertProposal as x } from '../../responses/execute.ts'`,
    caught: ['analysts-cannot-act'],
  },
  { file: 'tools/catalog/planted-by-view.ts', text: `export { x } from '../views/planted-view.ts'`, caught: ['analysts-cannot-act'] },
  { file: 'tools/catalog/planted-sql.ts', text: `export { sql } from 'kysely'`, caught: ['sql-only-in-store'] },
  {
    file: 'tools/planted-older.ts',
    text: `export { Client } from '@modelcontextprotocol/sdk/client/index.js'`,
    caught: ['one-mcp-generation'],
  },
  { file: 'tools/planted-newer.ts', text: `export { McpServer } from '@modelcontextprotocol/server'` },
  { file: 'notify/channels/planted.ts', text: `export { webhook } from './webhook.ts'`, caught: ['siblings-are-strangers'] },
  {
    file: 'collectors/falco/planted.ts',
    text: `export { kubernetes } from '../kubernetes/kubernetes.ts'`,
    caught: ['collectors-are-strangers'],
  },
  { file: 'collectors/falco/planted-fine.ts', text: `export { findDocuments } from '../documents.ts'` },
  {
    file: 'incidents/planted-sql.ts',
    text: `import { sql } from 'kysely'\nexport const one = sql\`select 1\``,
    caught: ['sql-only-in-store'],
  },
  { file: 'apps/cli/planted-pg.ts', text: `import type pg from 'pg'\nexport type Pool = pg.Pool`, caught: ['sql-only-in-store'] },
  {
    file: 'apps/server/planted-pglite.ts',
    text: `export const load = () => import('@electric-sql/pglite')`,
    caught: ['sql-only-in-store'],
  },
  { file: 'incidents/planted-sql.test.ts', text: `export { sql } from 'kysely'` },
  {
    file: 'apps/server/planted-sqlite.ts',
    text: `export { DatabaseSync } from 'node:sqlite'`,
    caught: ['sqlite-only-for-locks-and-simulation'],
  },
  // The analyst reaches approval only through a door that looks harmless.
  { file: 'responses/planted-door.ts', text: `export { approve } from './approve.ts'` },
  { file: 'agent/planted-near.ts', text: `export { approve } from '../responses/approve.ts'`, caught: ['analysts-cannot-act'] },
  { file: 'agent/planted-far.ts', text: `export { approve } from '../responses/planted-door.ts'`, caught: ['analysts-cannot-act'] },
  { file: 'tools/planted-claim.ts', text: `export const load = () => import('../responses/claim.ts')`, caught: ['analysts-cannot-act'] },
  {
    file: 'prompts/planted-execute.ts',
    text: `export { x } from './planted-room.ts'`,
    caught: ['analysts-cannot-act', 'analysts-cannot-act'],
  },
  {
    file: 'prompts/planted-room.ts',
    text: `export { executeProposal as x } from '../responses/execute.ts'`,
    caught: ['analysts-cannot-act', 'layer-prompts'],
  },
  {
    file: 'apps/mcp/planted-writer.ts',
    text: `export { writeClient } from '../../clusters/write-client.ts'`,
    caught: ['analysts-cannot-act', 'only-the-executor-writes'],
  },
  { file: 'responses/planted-client.ts', text: `export { readClient } from '../clusters/client.ts'`, caught: ['actions-import-no-client'] },
  { file: 'responses/planted-socket.ts', text: `export { request } from 'node:https'`, caught: ['actions-import-no-client'] },
  {
    file: 'responses/planted-library.ts',
    text: `export { KubeConfig } from '@kubernetes/client-node'`,
    caught: ['actions-import-no-client'],
  },
  {
    file: 'apps/server/planted-writer.ts',
    text: `export { writeClient } from '../../clusters/write-client.ts'`,
    caught: ['only-the-executor-writes'],
  },
  {
    file: 'apps/server/planted-request.ts',
    text: `export { sendRequest } from '../../clusters/requests.ts'`,
    caught: ['raw-requests-stay-in-clusters'],
  },
  {
    file: 'apps/executor/planted-database.ts',
    text: `export { openDatabase } from '../../store/database.ts'`,
    caught: ['executor-has-no-database'],
  },
  {
    file: 'apps/executor/planted-far.ts',
    text: `export { propose } from '../../responses/propose.ts'`,
    caught: ['executor-has-no-database'],
  },
  { file: 'graph/planted-shape.ts', text: `import type { B } from './planted-form.ts'\nexport type A = B` },
  { file: 'graph/planted-form.ts', text: `import type { A } from './planted-shape.ts'\nexport type B = A | 1` },
  { file: 'domain/planted-missing.ts', text: `export { x } from 'no-such-package-at-all'`, caught: ['only-declared-packages'] },
  // Installed, because vitest needs it; declared nowhere.
  { file: 'domain/planted-borrowed.ts', text: `export { default as x } from 'vite'`, caught: ['no-borrowed-packages'] },
  { file: 'domain/planted-tool.ts', text: `export { default as fc } from 'fast-check'`, caught: ['no-tools-in-the-product'] },
]

/** A cycle is told once, at whichever of its modules was read first. */
const cycle: Plant[] = [
  { file: 'graph/planted-chicken.ts', text: `import './planted-egg.ts'\nexport type Chicken = 1` },
  { file: 'graph/planted-egg.ts', text: `import './planted-chicken.ts'\nexport type Egg = 1` },
]

const planted = (name: string): boolean => /(^|\/)planted[^/]*$/.test(name)
let house: Cruise
let copy: Cruise
let folder: string
beforeAll(async () => {
  folder = copyOfTheHouse([...plants, ...cycle])
  house = await cruiseHouse()
  copy = await cruiseHouse(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the boundaries', () => {
  it('hold in this house', () => {
    expect(house.crossings).toEqual([])
  })

  it('were looked for in every TypeScript file there is, and in its imports', () => {
    expect(house.modules).toEqual(sourceFiles())
    expect(house.modules.length).toBeGreaterThan(180)
    expect(house.imports).toBeGreaterThan(1_000)
  })

  it.each(plants.map((plant) => [plant.file, plant] as const))('%s is judged as it must be', (file, { caught = [] }) => {
    const rules = copy.crossings.filter(({ from }) => from === file).map(({ rule }) => rule)
    expect([...new Set(rules)].sort()).toEqual([...new Set(caught)].sort())
  })

  it('see a cycle that runs', () => {
    const found = copy.crossings.filter(({ from }) => cycle.some(({ file }) => file === from))
    expect(found.map(({ rule }) => rule)).toEqual(['no-cycles-at-run-time'])
  })

  it('say nothing about anything else in the copy', () => {
    expect(copy.crossings.filter(({ from }) => !planted(from))).toEqual(house.crossings)
  })

  it('are each broken by some plant, and tell what to do', () => {
    const broken = new Set(['no-cycles-at-run-time', ...plants.flatMap(({ caught = [] }) => caught)])
    expect(house.rules.filter((rule) => !broken.has(rule))).toEqual([])
    for (const { comment } of copy.crossings) expect(comment.length).toBeGreaterThan(60)
  })
})
