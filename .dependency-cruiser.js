/**
 * The boundaries of the house, as rules that can fail. Each comment tells whoever crossed one what it means and what to do.
 * Run by scripts/boundaries.ts (`npm run check`); test/architecture/boundaries.test.ts plants a violation of every rule.
 */

/** Each folder imports only itself and the folders before it. */
const layers = [
  'domain',
  'config',
  'store',
  'auth',
  'clusters',
  'collectors',
  'graph',
  'incidents',
  'prompts',
  'knowledge',
  'responses',
  'tools',
  'agent',
  'notify',
  'apps',
]

const proofs = '^(test|evals|bench|scripts)/|\\.test\\.ts$'
const databases = '(^|/)node_modules/(kysely|pg|pg-[^/]+|@electric-sql/[^/]+)/|^(kysely|pg)(/|$)|^@electric-sql/'
const analysts = { path: '^(agent|tools|prompts|apps/mcp)/', pathNot: proofs }

const downward = layers
  .slice(0, -1)
  .map((layer, index) => ({
    name: `layer-${layer}`,
    comment: `${layer}/ knows nothing of the folders that come after it (${layers.slice(index + 1).join(', ')}). Take what you need as an argument, or move the shared noun up into ${index === 0 ? 'this folder' : 'domain/'}.`,
    severity: 'error',
    from: { path: `^${layer}/`, pathNot: proofs },
    to: { path: `^(${layers.slice(index + 1).join('|')})/` },
  }))

const rules = [
  {
    name: 'nothing-imports-proofs',
    comment:
      'Product code imports nothing of test/, bench/, scripts/ or a test file: they are not shipped. Move what you need into its own folder.',
    from: { pathNot: [proofs, '^[^/]+$'] },
    to: { path: '^(test|bench|scripts)/|\\.test\\.ts$' },
  },
  {
    name: 'scenarios-only-for-the-demo',
    comment:
      'Only `falconer demo` and `falconer eval` (apps/cli) play recorded scenarios; a server that knew evals/ could tell the examination from the day’s work.',
    from: { pathNot: [proofs, '^apps/cli/'] },
    to: { path: '^evals/' },
  },
  {
    name: 'siblings-are-strangers',
    comment:
      'Plug-ins of one catalogue never import each other, so that each can be added, read and removed alone. Put what they share beside the catalogue’s contract.',
    from: {
      path: '^(graph/steps|incidents/rules|agent/playbook/families|responses/catalog/[^/]+|tools/catalog|notify/channels)/',
      pathNot: ['/registry\\.generated\\.ts$', proofs],
    },
    to: { path: '^$1/' },
  },
  {
    name: 'collectors-are-strangers',
    comment: 'One collector never imports another. What two of them share belongs into collectors/ itself, beside the contract.',
    from: { path: '^collectors/([^/]+)/', pathNot: proofs },
    to: { path: '^collectors/[^/]+/', pathNot: '^collectors/$1/' },
  },
  {
    name: 'sql-only-in-store',
    comment: 'Only store/ speaks SQL. Write a named function there that says what you want to know, and call that.',
    from: { pathNot: [proofs, '^store/'] },
    to: { path: databases },
  },
  {
    name: 'sqlite-only-for-locks-and-simulation',
    comment:
      'node:sqlite is the data folder’s lock (store/) and the simulated cluster’s memory (clusters/simulated/). Records belong into store/.',
    from: { pathNot: [proofs, '^store/', '^clusters/simulated/'] },
    to: { path: '^(node:)?sqlite$' },
  },
  {
    name: 'analysts-cannot-act',
    comment:
      'Whatever a model can reach must not reach approving, claiming, executing, undoing or the writing client, not even through others (guarantee 2). Propose instead: responses/propose.ts.',
    from: analysts,
    to: {
      path: '^responses/(approve|claim|execute|revert)\\.ts$|^clusters/(write-client|requests)\\.ts$|^apps/executor/',
      reachable: true,
    },
  },
  {
    name: 'actions-import-no-client',
    comment:
      'responses/ is given its clients (PlanContext, WriteContext) and builds none, so that only the executor decides what an action may touch. Of clusters/, only contract.ts is for it.',
    from: { path: '^responses/', pathNot: proofs },
    to: {
      path: '^clusters/|(^|/)node_modules/@kubernetes/|^@kubernetes/|^(node:)?(https?|net|tls|http2|child_process)$',
      pathNot: '^clusters/contract\\.ts$',
    },
  },
  {
    name: 'only-the-executor-writes',
    comment:
      'The writing client is built by apps/executor alone, in its own process with its own credentials (guarantee 2). Propose an action instead.',
    from: { pathNot: [proofs, '^apps/executor/run\\.ts$'] },
    to: { path: '^clusters/write-client\\.ts$' },
  },
  {
    name: 'raw-requests-stay-in-clusters',
    comment: 'A raw request could be a write. Use the reading client (clusters/client.ts), and add a question to it if one is missing.',
    from: { pathNot: [proofs, '^clusters/'] },
    to: { path: '^clusters/requests\\.ts$' },
  },
  {
    name: 'executor-has-no-database',
    comment:
      'The executor holds write credentials and nothing else: no database, no configuration, no server. It is told over its pipe what it needs. (launch.ts is the server’s half.)',
    from: { path: '^apps/executor/', pathNot: ['^apps/executor/launch\\.ts$', proofs] },
    to: { path: `^(config|store|auth|collectors|incidents|agent|apps/(?!executor/))|${databases}`, reachable: true },
  },
  {
    name: 'one-mcp-generation',
    comment:
      'Our server and clients stand on @modelcontextprotocol/server and /client 2.x, which answer older peers too; 1.x is for tests and for LangChain’s adapter (agent/hands.ts) alone (docs/adr/0004).',
    from: { pathNot: [proofs, '^agent/hands\\.ts$'] },
    to: { path: '(^|/)node_modules/@modelcontextprotocol/sdk/|^@modelcontextprotocol/sdk(/|$)' },
  },
  {
    name: 'no-cycles-at-run-time',
    comment:
      'These modules import each other when they run; which one is ready first is luck. Move what both need into a third, or import a type only.',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'only-declared-packages',
    comment:
      'This package is not in package.json, or not found: what happens to be installed today is not there tomorrow. Declare and pin it.',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-borrowed-packages',
    comment: 'This package is installed only because another needs it. Declare and pin it in package.json.',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'no-tools-in-the-product',
    comment: 'This is a devDependency; the shipped product is installed without those. Declare it in dependencies, or do without.',
    from: { pathNot: [proofs, '^[^/]+$'] },
    to: { dependencyTypes: ['npm-dev'] },
  },
]

export default {
  forbidden: [...downward, ...rules.map((rule) => ({ severity: 'error', ...rule }))],
  options: {
    // TypeScript 7 has no API yet: without swc nothing would be read, and every rule would hold.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(coverage|docs|deploy)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}
