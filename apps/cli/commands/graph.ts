import { type Command, Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, place, wholeNumber } from '../command.ts'
import { registerMap } from '../graph-map.ts'
import { type Asked, asked, asOfOption, clusterOption, depthOption, nodeHelp, typesOption } from '../graph-options.ts'
import { blastText, chokePointsText, factsText, neighboursText, pathsText } from '../graph-text.ts'

type Between = Asked & { from: string; goal?: string; limit: number }

/** From where, to what, how and when: what paths and choke points are both asked by. */
const between = (command: Command, goals: string): Command =>
  command
    .addOption(jsonOption())
    .option('--from <node>', 'where from', 'internet')
    .option('--goal <list>', `${goals}: secret,node,cluster,cloud`)
    .addOption(clusterOption())
    .addOption(asOfOption())

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
      .addOption(typesOption())
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
    const paths = graph
      .command('paths')
      .description('the cheapest ways in and on: entry, workload, escape or token, secret, node, cluster, cloud')
      .argument('[to]', `where to: ${nodeHelp}; not given: any secret, node, cluster or cloud account`)
    between(paths, 'only to these')
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
      .action((to: string | undefined, { from, goal, limit: k, maxSteps, ...options }: Between & { maxSteps: number }) =>
        cli.show(options, place('/graph/paths', { from, to, goal, k, maxSteps, ...asked(options) }), pathsText),
      )
    const chokePoints = graph
      .command('choke-points')
      .description('which single change takes the most attack paths away')
      .argument('[to]', `towards what: ${nodeHelp}; not given: any secret, node, cluster or cloud account`)
    between(chokePoints, 'only towards these')
      .addOption(limitOption(100))
      .addHelpText('after', examples('falconer graph choke-points', 'falconer graph choke-points --goal cloud --cluster prod'))
      .action((to: string | undefined, { from, goal, limit, ...options }: Between) =>
        cli.show(options, place('/graph/choke-points', { from, to, goal, limit, ...asked(options) }), chokePointsText),
      )
    registerMap(graph, cli)
    return graph.addHelpText('after', examples('falconer graph paths', 'falconer graph blast-radius pod/shop/checkout-7d9f'))
  },
}
