/**
 * The executor’s rights are exact: every request an action sends, from plan to undo, is one its `permissions` allow, and every
 * right it declares is used by one. Watched on the wire, so that neither the code nor the declaration is believed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executeProposal, revertProposal } from '../../responses/execute.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import type { Database } from '../../store/database.ts'
import { embeddedDatabase } from '../support/database.ts'
import { approved, bob, everyAction, openBench } from '../support/executor-bench.ts'
import type { Arrival } from '../support/executor-tap.ts'

/** How the executor tells which cluster it is in; granted beside the actions’ rights. `/version` needs no grant. */
const identity = new Set(['get /namespaces kube-system', 'get /version'])
/** A simulated cluster tells its connections here; a real one has no such place. */
const simulation = '/simulated/'

/** A request in RBAC’s words, as an API server would decide on it. */
function rightOf({ method, path }: Arrival): { right: string; name: string } {
  if (path === '/version') return { right: 'get /version', name: '' }
  const [, group = '', rest = ''] = /^\/(?:api|apis\/([^/]+))\/v1\/(.*)$/.exec(path) ?? []
  const parts = rest.split('/')
  const [resource = '', name = '', sub] = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts
  const verb = { GET: name === '' ? 'list' : 'get', POST: 'create', PATCH: 'patch', DELETE: 'delete', PUT: 'update' }[method] ?? method
  return { right: `${verb} ${group}/${resource}${sub === undefined ? '' : `/${sub}`}`, name }
}

describe('the rights of', () => {
  let db: Database
  beforeAll(async () => {
    db = await embeddedDatabase()
  })
  afterAll(async () => db.close())

  it.each(everyAction.map((one) => [one.action, one] as const))('%s are what it uses, no more and no less', async (name, what) => {
    const bench = await openBench(db)
    try {
      const proposal = await approved(bench, what)
      expect(await executeProposal(bench.runner, proposal.id)).toMatchObject({ state: 'succeeded' })
      if (what.undoable) expect(await revertProposal(bench.runner, bob, proposal.id, 'undo')).toMatchObject({ state: 'reverted' })
      const sent = bench.tap.arrivals.filter(({ path }) => !path.startsWith(simulation)).map(rightOf)
      const used = new Set(sent.filter(({ right, name: object }) => !identity.has(`${right} ${object}`.trim())).map(({ right }) => right))
      const declared = actions
        .find((action) => action.name === name)
        ?.permissions.flatMap(({ apiGroup, resource, verbs }) => verbs.map((verb) => `${verb} ${apiGroup}/${resource}`))
      expect([...used].filter((right) => declared?.includes(right) !== true)).toEqual([])
      expect(declared?.filter((right) => !used.has(right) && !otherKind(right))).toEqual([])
      expect(sent.length).toBeGreaterThan(3)
    } finally {
      await bench.stop()
    }
  })
})

/** Scaling is tried on a Deployment; it asks the same of the other two. */
const otherKind = (right: string): boolean => /^(get|patch) apps\/(statefulsets|replicasets)$/.test(right)
