import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, place, wholeNumber } from '../command.ts'
import { registerMap } from '../graph-map.ts'
import { blastText, chokePointsText, factsText, neighboursText, pathsText } from '../graph-text.ts'

type Asked = JsonOption & { cluster?: string; asOf?: string }

/** `--as-of` and `--cluster` mean the same everywhere. */
const asked = ({ cluster: scope, asOf }: Asked): Record<string, string | undefined> => ({ scope, asOf })
const clusterOption = (): Option => new Option('--cluster <name>', 'the cluster or account, where a name is in several')
const asOfOption = (): Option => new Option('--as-of <time>', 'as it was then: a day, or 2026-11-25T08:30:00Z')
const depthOption = (most: number, preset: number): Option =>
  new Option('--depth <number>', `so many steps away, up to ${most}`).default(preset).argParser(wholeNumber(1, most))
const limitOption = (most: number): Option =>
  new Option('--limit <number>', `at most so many, up to ${most}`).default(50).argParser(wholeNumber(1, most))
const nodeHelp = 'kind/namespace/name (deployment/shop/checkout), ARN, digest, id, or “internet”'

export const graphCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) => {
    const graph = program.command('graph').description('what stands around a thing, what could be taken from it, how it could be reached')
    graph
      .command('neighbours')
      .description('what stands around a node')
      .argument('<node>', nodeHelp)
      .addOption(jsonOption())
      .addOption(depthOption(5, 1))
      .option('--types <list>', 'only along these relations: RUNS_AS,MOUNTS')
      .addOption(clusterOption())
      .addOption(asOfOption())
      .addOption(limitOption(500))
      .addHelpText(
        'after',
        examples('falconer graph neighbours deployment/shop/checkout', 'falconer graph neighbours node/worker-1 --depth 2 --types RUNS_ON'),
      )
      .action((node: string, { depth, types, limit, ...options }: Asked & { depth: number; types?: string; limit: number }) =>
        cli.show(options, place('/graph/neighbours', { node, depth, types, limit, ...asked(options) }), neighboursText),
      )
    graph
      .command('facts')
      .description('how a pod or workload is exposed and what it may do, with what shows it')
      .argument('<node>', nodeHelp)
      .addOption(jsonOption())
      .addOption(clusterOption())
      .addHelpText('after', examples('falconer graph facts deployment/shop/checkout'))
      .action((node: string, { cluster: scope, ...options }: JsonOption & { cluster?: string }) =>
        cli.show(options, place('/graph/facts', { node, scope }), factsText),
      )
    graph
      .command('blast-radius')
      .description('what someone who has this could take next, nearest first')
      .argument('<node>', nodeHelp)
      .addOption(jsonOption())
      .addOption(depthOption(12, 6))
      .addOption(clusterOption())
      .addOption(asOfOption())
      .addOption(limitOption(1_000))
      .addHelpText(
        'after',
        examples(
          'falconer graph blast-radius deployment/shop/checkout',
          'falconer graph blast-radius serviceaccount/shop/ci --as-of 2026-11-24',
        ),
      )
      .action((node: string, { depth, limit, ...options }: Asked & { depth: number; limit: number }) =>
        cli.show(options, place('/graph/blast-radius', { node, depth, limit, ...asked(options) }), blastText),
      )
    graph
      .command('paths')
      .description('the cheapest ways in and on: entry, workload, escape or token, secret, node, cluster, cloud')
      .argument('[to]', `where to: ${nodeHelp}; not given: any secret, node, cluster or cloud account`)
      .addOption(jsonOption())
      .option('--from <node>', 'where from', 'internet')
      .option('--goal <list>', 'only to these: secret,node,cluster,cloud')
      .addOption(clusterOption())
      .addOption(asOfOption())
      .addOption(new Option('--limit <number>', 'so many paths, up to 100').default(10).argParser(wholeNumber(1, 100)))
      .addOption(new Option('--max-steps <number>', 'no longer than this, up to 12').default(8).argParser(wholeNumber(1, 12)))
      .addHelpText(
        'after',
        examples(
          'falconer graph paths',
          'falconer graph paths --goal secret --cluster prod',
          'falconer graph paths node/worker-1 --from deployment/shop/checkout',
        ),
      )
      .action(
        (
          to: string | undefined,
          { from, goal, limit: k, maxSteps, ...options }: Asked & { from: string; goal?: string; limit: number; maxSteps: number },
        ) => cli.show(options, place('/graph/paths', { from, to, goal, k, maxSteps, ...asked(options) }), pathsText),
      )
    graph
      .command('choke-points')
      .description('which single change takes the most attack paths away')
      .argument('[to]', `towards what: ${nodeHelp}; not given: any secret, node, cluster or cloud account`)
      .addOption(jsonOption())
      .option('--from <node>', 'where from', 'internet')
      .option('--goal <list>', 'only towards these: secret,node,cluster,cloud')
      .addOption(clusterOption())
      .addOption(asOfOption())
      .addOption(limitOption(100))
      .addHelpText('after', examples('falconer graph choke-points', 'falconer graph choke-points --goal cloud --cluster prod'))
      .action((to: string | undefined, { from, goal, limit, ...options }: Asked & { from: string; goal?: string; limit: number }) =>
        cli.show(options, place('/graph/choke-points', { from, to, goal, limit, ...asked(options) }), chokePointsText),
      )
    registerMap(graph, cli)
    return graph.addHelpText('after', examples('falconer graph paths', 'falconer graph blast-radius pod/shop/checkout-7d9f'))
  },
}
