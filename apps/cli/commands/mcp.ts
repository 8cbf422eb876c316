import { Option } from 'commander'
import { InputError } from '../../../domain/errors.ts'
import { type CliCommand, examples } from '../command.ts'
import { withMcpConfig } from '../mcp-config.ts'

type Given = { toolsets?: string; readOnly?: boolean }

export const mcpCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) =>
    withMcpConfig(program.command('mcp'), cli)
      .description('serve MCP over standard input and output, for an IDE')
      .option('--toolsets <list>', 'only these: incidents,alerts,posture,graph,rules,respond')
      .addOption(new Option('--read-only', 'without the tools that propose'))
      .addHelpText('after', examples('falconer mcp', 'falconer mcp --read-only --toolsets incidents,graph'))
      .action(async ({ toolsets, readOnly }: Given) => {
        const { loadConfig } = await import('../../../config/config.ts')
        const config = loadConfig({ FALCONER_LOG: 'error', ...cli.overrides() })
        const { choiceOf } = await import('../../server/mcp.ts')
        const query = { ...(toolsets === undefined ? {} : { toolsets }), ...(readOnly === true ? { readonly: 'true' } : {}) }
        const choice = choiceOf(query)
        const holder =
          config.DATABASE_URL === undefined ? await (await import('../../../store/embedded.ts')).holderOf(config.FALCONER_DATA) : undefined
        const url = config.FALCONER_URL ?? holder?.url ?? undefined
        const { relay, serveHere } = await import('../../mcp/stdio.ts')
        if (url === undefined) {
          if (holder !== undefined) throw new InputError(`${config.FALCONER_DATA} is in use by a command; try again when it is done.`)
          const [{ composeFalconer }, { serverFor }, { operatorPrincipal }, { learnRunbooks }] = await Promise.all([
            import('../../server/falconer.ts'),
            import('../../server/mcp.ts'),
            import('../../../domain/principal.ts'),
            import('../../../knowledge/learn.ts'),
          ])
          const falconer = await composeFalconer(config, { as: 'command', quietMs: 0 })
          // No server ever ran on these data, perhaps: runbooks are found all the same.
          await learnRunbooks(falconer.db, falconer.clock)
          await serveHere(() => serverFor(falconer, { principal: operatorPrincipal, channel: 'mcp', choice }))
          return falconer.close()
        }
        const token = await (await import('../credentials.ts')).tokenFor(url, config)
        return relay(`${url.replace(/\/$/, '')}/mcp?${new URLSearchParams(query)}`, token.reveal())
      }),
}
