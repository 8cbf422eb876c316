/**
 * `falconer mcp config`: what to put where, so that a client finds us. Formats are the clients' own. No secret is printed: a token is asked for or
 * taken from the environment by the client, in its own way. The snippet goes to stdout, all else to stderr.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Argument, type Command } from 'commander'
import { type Cli, examples } from './command.ts'
import { print, remark } from './output.ts'

export const mcpClients = ['vscode', 'cursor', 'claude-code', 'claude-desktop', 'jetbrains'] as const
export type McpClient = (typeof mcpClients)[number]

/** A process that the client starts. */
export type Started = { command: string; args: string[]; env: Record<string, string> }
/** Or an address; `token`: with an API token instead of signing in. */
export type Reached = Started | { url: string; token: boolean }
export type Snippet = { snippet: unknown; where: string; steps: string[] }

const name = 'falconer'
const desktop = 'Claude Desktop: Settings > Developer > Edit Config, which opens claude_desktop_config.json'
const jetbrains = 'The IDE: Settings > Tools > AI Assistant > Model Context Protocol (MCP) > Add > As JSON'

/** Null: this client is not known to reach an address by itself; it starts a process that does. */
export function snippetFor(client: McpClient, reached: Reached): Snippet | null {
  if (client === 'vscode') return vscode(reached)
  if (client === 'cursor')
    return { ...servers(reached, (variable) => `\${env:${variable}}`), where: '.cursor/mcp.json of a project, or ~/.cursor/mcp.json' }
  if (client === 'claude-code') return claudeCode(reached)
  if ('url' in reached) return null
  return { ...servers(reached, String), where: client === 'jetbrains' ? jetbrains : desktop }
}

function claudeCode(reached: Reached): Snippet {
  const { snippet, steps } = servers(typed(reached), (variable) => `\${${variable}}`)
  const own = JSON.stringify((snippet as { mcpServers: Record<string, unknown> }).mcpServers[name]).replaceAll("'", String.raw`'\''`)
  return { snippet, where: '.mcp.json of a project', steps: [...steps, `Or for yourself alone, run: claude mcp add-json ${name} '${own}'`] }
}

function vscode(reached: Reached): Snippet {
  const where = '.vscode/mcp.json of a workspace, or the command “MCP: Open User Configuration”'
  if (!('url' in reached)) return { snippet: { servers: { [name]: { type: 'stdio', ...reached } } }, where, steps: [] }
  const { url, token } = reached
  const input = { type: 'promptString', id: 'falconer-token', description: 'API token of Falconer', password: true }
  const headers = { Authorization: 'Bearer ${input:falconer-token}' }
  return {
    snippet: { ...(token ? { inputs: [input] } : {}), servers: { [name]: { type: 'http', url, ...(token ? { headers } : {}) } } },
    where,
    steps: [token ? 'VS Code asks for the token once and keeps it.' : 'VS Code opens a page to sign in.'],
  }
}

/** `mcpServers`, as most clients have it. */
function servers(reached: Reached | (Reached & { type: string }), variable: (of: string) => string): Omit<Snippet, 'where'> {
  if (!('url' in reached)) return { snippet: { mcpServers: { [name]: reached } }, steps: [] }
  const { token, ...address } = reached
  const headers = { Authorization: `Bearer ${variable('FALCONER_TOKEN')}` }
  return {
    snippet: { mcpServers: { [name]: { ...address, ...(token ? { headers } : {}) } } },
    steps: [token ? 'Set FALCONER_TOKEN where the client is started.' : 'The client opens a page to sign in.'],
  }
}

const typed = (reached: Reached): Reached & { type: string } => ({ type: 'url' in reached ? 'http' : 'stdio', ...reached })

type Given = { http?: string | true; token?: boolean; toolsets?: string; readOnly?: boolean }

/** Adds the subcommand; answers the command it was added to. */
export function withMcpConfig(mcp: Command, cli: Cli): Command {
  const config = mcp
    .command('config')
    .description('print what an IDE needs to find Falconer, as JSON ready to paste')
    .addArgument(new Argument('<client>', 'which one').choices(mcpClients))
    .option('--http [url]', 'reach a running server at this address instead of starting a process')
    .option('--token', 'with --http: send an API token instead of signing in')
    .addHelpText(
      'after',
      examples('falconer mcp config vscode > .vscode/mcp.json', 'falconer mcp config cursor --http https://falconer.example'),
    )
  // `--toolsets` and `--read-only` are the parent’s, and hold here too.
  config.action(async (client: McpClient) => show(client, config.optsWithGlobals<Given>(), cli))
  return mcp
}

async function show(client: McpClient, given: Given, cli: Cli): Promise<void> {
  const process = await started(given, cli)
  const reached = given.http === undefined ? process : await addressed(given, cli)
  const direct = snippetFor(client, reached)
  const { snippet, where, steps } = direct ?? (snippetFor(client, passingOn(process, origin(reached))) as Snippet)
  print(JSON.stringify(snippet, null, 2))
  remark(`Put it into: ${where}`)
  if (direct === null)
    remark(`Through a process that passes everything on to ${origin(reached)}; it uses what \`falconer login\` left, or FALCONER_TOKEN.`)
  for (const step of steps) remark(step)
}

/** What it passes on it need not hold. */
const passingOn = (process: Started, to: string): Started => ({
  ...process,
  args: process.args.slice(process.args.indexOf('mcp')),
  env: { FALCONER_URL: to },
})

/** Clients with windows start processes anywhere, without the shell's path: both places are told in full. */
async function started({ toolsets, readOnly }: Given, cli: Cli): Promise<Started> {
  const config = await configOf(cli)
  const more = [...(toolsets === undefined ? [] : ['--toolsets', toolsets]), ...(readOnly === true ? ['--read-only'] : [])]
  const data = config.DATABASE_URL === undefined && config.FALCONER_URL === undefined ? ['--data', resolve(config.FALCONER_DATA)] : []
  if (data[1] !== undefined && !existsSync(data[1]))
    remark(
      `There is nothing in ${data[1]} yet. Run \`falconer demo\` or \`falconer serve\` with that folder first, or name another with --data.`,
    )
  if (config.DATABASE_URL !== undefined) remark('Set DATABASE_URL where the client is started; it is a secret and is not printed.')
  return {
    command: fileURLToPath(new URL('../../bin/falconer', import.meta.url)),
    args: [...data, 'mcp', ...more],
    env: config.FALCONER_URL === undefined ? {} : { FALCONER_URL: config.FALCONER_URL },
  }
}

async function addressed({ http, token = false, toolsets, readOnly }: Given, cli: Cli): Promise<Reached> {
  const { InputError } = await import('../../domain/errors.ts')
  const config = await configOf(cli)
  const given =
    typeof http === 'string' ? http : (config.FALCONER_URL ?? config.FALCONER_PUBLIC_URL ?? `http://localhost:${config.FALCONER_PORT}`)
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) throw new InputError(`“${given}” is no address. One is http://localhost:8765.`)
  const url = new URL(given)
  if (!url.pathname.endsWith('/mcp')) url.pathname = `${url.pathname.replace(/\/$/, '')}/mcp`
  if (toolsets !== undefined) url.searchParams.set('toolsets', toolsets)
  if (readOnly === true) url.searchParams.set('readonly', 'true')
  return { url: url.href.replaceAll('%2C', ','), token }
}

const origin = (reached: Reached): string => ('url' in reached ? new URL(reached.url).href.replace(/\/mcp(\?.*)?$/, '') : '')

async function configOf(cli: Cli) {
  const { loadConfig } = await import('../../config/config.ts')
  return loadConfig(cli.overrides())
}
