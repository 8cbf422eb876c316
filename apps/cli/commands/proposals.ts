import { Option } from 'commander'
import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, part, place } from '../command.ts'
import type { ProposalRow } from '../rows.ts'
import { proposalStates } from '../words.ts'

type Given = JsonOption & { state?: string; incident?: string; limit: number; before?: string }

export const proposalsCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) =>
    program
      .command('proposals')
      .description('list proposed actions, newest first, or show one with its exact change')
      .argument('[proposal]', 'prp-… or id')
      .addOption(jsonOption())
      .addOption(new Option('--state <state>', 'only in this state').choices(proposalStates))
      .option('--incident <incident>', 'only of this incident')
      .addOption(limitOption(200))
      .option('--before <id>', '`next` of the page before')
      .addHelpText('after', examples('falconer proposals --state pending', 'falconer proposals prp-0b6f5d3c11'))
      .action((id: string | undefined, { state, incident, limit, before, ...options }: Given) =>
        id === undefined
          ? cli.show<{ proposals: ProposalRow[]; next: string | null }>(
              options,
              place('/proposals', { state, incident, limit, before }),
              async ({ proposals, next }) =>
                `${(await import('../report-text.ts')).proposalTable(proposals)}${next === null ? '' : `\nmore: --before ${next}`}`,
            )
          : cli.show<ProposalRow>(options, `/proposals/${part(id)}`, async (answer) =>
              (await import('../report-text.ts')).proposalText(answer),
            ),
      ),
}
