/** `falconer`: the command line. Exit codes: 0 it held, 1 it failed, 2 it was used wrongly. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { type Config, loadConfig } from '../../config/config.ts'
import { FalconerError, InputError } from '../../domain/errors.ts'
import { roles } from '../../domain/principal.ts'
import { severities } from '../../domain/severity.ts'
import { openDatabase } from '../../store/database.ts'
import { type Client, openClient } from './client.ts'
import { plainSentence, print, remark, safe, shortTime, table } from './output.ts'

type Overrides = Partial<Record<keyof Config, string>>
const program = new Command('falconer')
  .description('Falco alerts in, incidents investigated, responses proposed; a person approves.')
  .option('--data <folder>', 'folder of the embedded database (default: FALCONER_DATA or .falconer)')
  .showHelpAfterError('(add --help for the options)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  $ falconer demo                          a recorded attack on a simulated cluster; approve the response on the page
  $ falconer serve                         for real: prints what to put into falco.yaml and a sign-in link
  $ falconer import alerts.jsonl --cluster prod
  $ falconer incidents --severity high --json | jq '.incidents[].title'

Where data is: --data or FALCONER_DATA (embedded), or DATABASE_URL (a Postgres server with pgvector).
With a server running, commands talk to it with FALCONER_TOKEN; make one on its account page.`,
  )

const overrides = (): Overrides => {
  const { data } = program.opts<{ data?: string }>()
  return data === undefined ? {} : { FALCONER_DATA: data }
}
const jsonOption = (): Option => new Option('--json', 'print JSON')
const count = (text: string): number => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number is needed')
  return Number(text)
}

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await openClient(overrides())
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}
/** Calls, and prints the answer as JSON or by `show`. */
async function show<T>(
  options: { json?: boolean },
  path: string,
  toText: (answer: T) => string,
  send: { method?: 'POST' | 'DELETE'; body?: unknown } = {},
): Promise<void> {
  await withClient(async (client) => {
    const text = await client.call(send.method ?? 'GET', path, send.body)
    print(options.json === true ? text : toText(JSON.parse(text) as T))
  })
}
const place = (path: string, query: Record<string, string | number | undefined> = {}): string => {
  const given = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  return given.length === 0
    ? path
    : `${path}?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)])))}`
}
const encode = encodeURIComponent

program
  .command('serve')
  .description('run the server: ingest, investigation, pages')
  .option('--port <port>', 'port to listen on')
  .option('--host <address>', 'address to listen on')
  .action(async (options: { port?: string; host?: string }) =>
    (await import('./serve.ts')).serve({ ...overrides(), FALCONER_PORT: options.port, FALCONER_HOST: options.host }),
  )

program
  .command('demo')
  .description('a recorded attack on a simulated cluster, from alert to approved action')
  .option('--exit', 'decide as the demo principal, and leave with 0 only if every step held')
  .addOption(jsonOption())
  .option('--port <port>', 'port to listen on')
  .option('--scenario <name>', 'which recording', 'shop-checkout-intrusion')
  .option('--seed <number>', 'change every name, id, rule, gap and order by this seed', count)
  .option('--no-inventory', 'as if nobody had collected inventory')
  .action(async (options: { exit?: boolean; json?: boolean; port?: string; scenario: string; seed?: number; inventory: boolean }) => {
    const { scenarioNames } = await import('../../evals/scenario.ts')
    if (!scenarioNames().includes(options.scenario))
      throw new InputError(`There is no scenario “${options.scenario}”. There are: ${scenarioNames().join(', ')}.`)
    const { data } = program.opts<{ data?: string }>()
    const held = await (
      await import('./demo.ts')
    ).demo(
      {
        exit: options.exit === true,
        json: options.json === true,
        seed: options.seed,
        inventory: options.inventory,
        scenario: options.scenario,
        data,
      },
      { FALCONER_PORT: options.port },
    )
    if (!held) process.exitCode = 1
  })

program
  .command('import')
  .description('read alerts and inventory from files, folders or standard input (-)')
  .argument('<path...>')
  .addOption(jsonOption())
  .option('--cluster <name>', 'cluster the records belong to')
  .option('--format <name>', 'name the format instead of having it recognised')
  .addHelpText(
    'after',
    '\nExamples:\n  $ falconer import falco.log\n  $ kubectl get pods,nodes -A -o json | falconer import - --cluster prod',
  )
  .action(async (paths: string[], options: { cluster?: string; format?: string; json?: boolean }) => {
    const { importFiles } = await import('./import.ts')
    if (!(await withClient((client) => importFiles(client, paths, options)))) process.exitCode = 1
  })

type IncidentRow = {
  shortId: string
  severity: string
  state: string
  verdict: string | null
  alerts: number
  lastAt: string
  title: string
  scope: string
  firstAt: string
}
program
  .command('incidents')
  .description('list incidents, worst first')
  .addOption(jsonOption())
  .addOption(new Option('--severity <least>', 'at least this severe').choices([...severities]))
  .addOption(new Option('--state <state>').choices(['open', 'contained', 'closed']))
  .option('--cluster <name>')
  .option('--limit <number>', 'at most so many', count, 50)
  .option('--cursor <cursor>', '`next` of the page before')
  .action((options: { json?: boolean; severity?: string; state?: string; cluster?: string; limit: number; cursor?: string }) =>
    show<{ incidents: IncidentRow[]; next: string | null }>(
      options,
      place('/incidents', {
        severity: options.severity,
        state: options.state,
        scope: options.cluster,
        limit: options.limit,
        cursor: options.cursor,
      }),
      ({ incidents, next }) =>
        `${table(
          ['incident', 'severity', 'state', 'verdict', 'alerts', 'last', 'what'],
          incidents.map((one) => [
            one.shortId,
            one.severity,
            one.state,
            one.verdict ?? '–',
            String(one.alerts),
            shortTime(one.lastAt),
            safe(one.title),
          ]),
        )}${next === null ? '' : `\nmore: --cursor ${next}`}`,
    ),
  )

type ClaimRow = { text: string; grounded: boolean }
type InvestigationRow = {
  analyst: string
  status: string
  error: string | null
  report: {
    verdict: string
    confidence: string
    analyst: string
    summary: ClaimRow[]
    reasons: ClaimRow[]
    unknowns: string[]
    ungrounded: number
    actions: { action: string; blocked: string | null; reason: string }[]
  } | null
}
const reportText = (investigation: InvestigationRow | null): string => {
  if (investigation === null) return 'Not investigated: falconer investigate <incident>'
  const { report } = investigation
  if (report === null)
    return `The investigation is ${investigation.status}${investigation.error === null ? '' : `: ${investigation.error}`}`
  const claims = (given: ClaimRow[]): string[] =>
    given.map((claim) => `  · ${plainSentence(claim.text)}${claim.grounded ? '' : '  [hypothesis]'}`)
  return [
    `Verdict: ${report.verdict} (${report.confidence} confidence), by the ${report.analyst}`,
    ...claims(report.summary),
    'Why:',
    ...claims(report.reasons),
    'Not known:',
    ...report.unknowns.map((one) => `  · ${safe(one, 400)}`),
    ...report.actions.map((one) => `Recommended: ${one.action}${one.blocked === null ? '' : `, not possible: ${safe(one.blocked, 300)}`}`),
  ].join('\n')
}
program
  .command('incident')
  .description('one incident: what happened, why, what is proposed')
  .argument('<incident>', 'inc-… or id')
  .addOption(jsonOption())
  .action((id: string, options: { json?: boolean }) =>
    show<{
      incident: IncidentRow
      investigation: InvestigationRow | null
      proposals: { shortId: string; action: string; state: string; target: { name: string } }[]
    }>(options, `/incidents/${encode(id)}`, ({ incident, investigation, proposals }) =>
      [
        `${incident.shortId}  ${incident.severity}  ${incident.state}  ${safe(incident.title, 200)}`,
        `${incident.alerts} alerts, ${shortTime(incident.firstAt)} – ${shortTime(incident.lastAt)}, cluster ${safe(incident.scope)}`,
        '',
        reportText(investigation),
        ...(proposals.length === 0
          ? []
          : [
              '',
              table(
                ['proposal', 'state', 'action', 'target'],
                proposals.map((one) => [one.shortId, one.state, one.action, safe(one.target.name)]),
              ),
            ]),
      ].join('\n'),
    ),
  )

program
  .command('investigate')
  .description('investigate an incident now')
  .argument('<incident>', 'inc-… or id')
  .addOption(jsonOption())
  .action((id: string, options: { json?: boolean }) =>
    show<InvestigationRow>(options, `/incidents/${encode(id)}/investigate`, reportText, { method: 'POST', body: {} }),
  )

type ProposalRow = {
  id: string
  shortId: string
  state: string
  action: string
  target: { name: string; namespace: string | null }
  stateReason: string | null
  reason: string
  planHash: string | null
  plan: { summary: string; diff: string; simulated: boolean; warnings: string[] } | null
}
program
  .command('proposals')
  .description('list proposed actions, or show one')
  .argument('[proposal]', 'prp-… or id')
  .addOption(jsonOption())
  .option('--state <state>', 'only in this state')
  .option('--limit <number>', 'at most so many', count, 50)
  .action((id: string | undefined, options: { json?: boolean; state?: string; limit: number }) =>
    id === undefined
      ? show<{ proposals: ProposalRow[] }>(options, place('/proposals', { state: options.state, limit: options.limit }), ({ proposals }) =>
          table(
            ['proposal', 'state', 'action', 'target', 'what'],
            proposals.map((one) => [
              one.shortId,
              one.state,
              one.action,
              safe(`${one.target.namespace ?? ''}/${one.target.name}`),
              safe(one.plan?.summary ?? one.stateReason ?? one.reason),
            ]),
          ),
        )
      : show<ProposalRow>(options, `/proposals/${encode(id)}`, (one) =>
          [
            `${one.shortId}  ${one.state}  ${one.action}`,
            one.plan === null
              ? safe(one.stateReason ?? 'no plan yet', 400)
              : `${safe(one.plan.summary, 300)}\n\n${one.plan.diff
                  .split('\n')
                  .map((line) => safe(line, 300))
                  .join('\n')}\n\n${one.plan.warnings.map((warning) => `! ${safe(warning, 300)}`).join('\n')}`,
          ].join('\n'),
        ),
  )

for (const verb of ['approve', 'reject'] as const)
  program
    .command(verb)
    .description(
      verb === 'approve' ? 'approve a proposal on a simulated cluster; for a real one, the page to open is printed' : 'reject a proposal',
    )
    .argument('<proposal>', 'prp-… or id')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(jsonOption())
    .action((id: string, options: { reason: string; json?: boolean }) =>
      withClient(async (client) => {
        const proposal = JSON.parse(await client.call('GET', `/proposals/${encode(id)}`)) as ProposalRow
        if (client.url !== null || proposal.plan?.simulated === false) {
          remark(
            `Only a signed-in person decides, after reading the plan. Open ${client.url ?? 'the page of the server'}/proposals/${proposal.id}`,
          )
          process.exitCode = 1
          return
        }
        const text = await client.call('POST', `/proposals/${encode(proposal.id)}/${verb}`, {
          planHash: proposal.planHash ?? '',
          reason: options.reason,
        })
        print(options.json === true ? text : `${proposal.shortId} is ${(JSON.parse(text) as ProposalRow).state}.`)
      }),
    )

type SourceRow = {
  name: string
  collector: string
  scope: string
  lastSeenAt: string | null
  accepted: number
  duplicates: number
  deadLetters: number
  disabledAt: string | null
}
const sources = program.command('sources').description('what may send records, and when each was last heard')
sources
  .command('list', { isDefault: true })
  .description('list sources')
  .addOption(jsonOption())
  .action((options: { json?: boolean }) =>
    show<{ sources: SourceRow[] }>(options, '/sources', (answer) =>
      table(
        ['source', 'collector', 'cluster', 'last heard', 'accepted', 'repeated', 'dead'],
        answer.sources.map((one) => [
          `${safe(one.name)}${one.disabledAt === null ? '' : ' (disabled)'}`,
          one.collector,
          safe(one.scope),
          shortTime(one.lastSeenAt),
          String(one.accepted),
          String(one.duplicates),
          String(one.deadLetters),
        ]),
      ),
    ),
  )
const withSecret = ({ source, secret, connect }: { source: SourceRow; secret: string; connect: string }): string =>
  `Source ${source.name}; its secret is shown this once: ${secret}\n\n${connect}`
sources
  .command('add')
  .description('add a source and show its secret once')
  .argument('<name>')
  .option('--collector <name>', 'what it sends', 'falco')
  .option('--cluster <name>')
  .addOption(jsonOption())
  .action((name: string, options: { collector: string; cluster?: string; json?: boolean }) =>
    show(options, '/sources', withSecret, { method: 'POST', body: { name, collector: options.collector, scope: options.cluster } }),
  )
sources
  .command('rotate')
  .description('give a source a new secret; the old one stops working')
  .argument('<name>')
  .addOption(jsonOption())
  .action((name: string, options: { json?: boolean }) =>
    show(options, `/sources/${encode(name)}/rotate`, withSecret, { method: 'POST', body: {} }),
  )
for (const to of ['disable', 'enable'] as const)
  sources
    .command(to)
    .description(`${to} a source`)
    .argument('<name>')
    .addOption(jsonOption())
    .action((name: string, options: { json?: boolean }) =>
      show<SourceRow>(options, `/sources/${encode(name)}/${to}`, (one) => `${one.name} is ${to}d.`, { method: 'POST', body: {} }),
    )

type UserRow = { name: string; role: string; lastSeenAt: string | null; disabledAt: string | null }
const users = program.command('users').description('people, their roles and sign-in links')
users
  .command('list', { isDefault: true })
  .description('list people')
  .addOption(jsonOption())
  .action((options: { json?: boolean }) =>
    show<{ users: UserRow[] }>(options, '/users', (answer) =>
      table(
        ['name', 'role', 'last seen'],
        answer.users.map((one) => [
          `${safe(one.name)}${one.disabledAt === null ? '' : ' (disabled)'}`,
          one.role,
          shortTime(one.lastSeenAt),
        ]),
      ),
    ),
  )
const linkText = ({ user, url, expiresAt }: { user: UserRow; url: string; expiresAt: string }): string =>
  `One-time link for ${safe(user.name)}, until ${shortTime(expiresAt)} UTC:\n${url}`
users
  .command('invite')
  .description('add somebody and print their one-time link')
  .argument('<name>')
  .addOption(new Option('--role <role>').choices([...roles]).default('responder'))
  .addOption(jsonOption())
  .action((name: string, options: { role: string; json?: boolean }) =>
    show(options, '/users', linkText, { method: 'POST', body: { name, role: options.role } }),
  )
users
  .command('link')
  .description('print a fresh one-time link')
  .argument('<name>')
  .addOption(jsonOption())
  .action((name: string, options: { json?: boolean }) =>
    show(options, `/users/${encode(name)}/link`, linkText, { method: 'POST', body: {} }),
  )
users
  .command('role')
  .description('change a role')
  .argument('<name>')
  .addArgument(program.createArgument('<role>').choices([...roles]))
  .addOption(jsonOption())
  .action((name: string, role: string, options: { json?: boolean }) =>
    show<UserRow>(options, `/users/${encode(name)}`, (one) => `${safe(one.name)} is ${one.role}.`, { method: 'POST', body: { role } }),
  )
for (const to of ['disable', 'enable'] as const)
  users
    .command(to)
    .description(`${to} somebody${to === 'disable' ? ', ending their sessions' : ''}`)
    .argument('<name>')
    .addOption(jsonOption())
    .action((name: string, options: { json?: boolean }) =>
      show<UserRow>(options, `/users/${encode(name)}`, (one) => `${safe(one.name)} is ${to}d.`, {
        method: 'POST',
        body: { disabled: to === 'disable' },
      }),
    )

type TokenRow = { id: string; name: string; role: string; owner: string; expiresAt: string; revokedAt: string | null }
const tokens = program.command('tokens').description('API tokens; none can approve')
tokens
  .command('list', { isDefault: true })
  .description('list tokens')
  .addOption(jsonOption())
  .action((options: { json?: boolean }) =>
    show<{ tokens: TokenRow[] }>(options, '/tokens', (answer) =>
      table(
        ['token', 'name', 'role', 'owner', 'expires'],
        answer.tokens.map((one) => [
          one.id,
          safe(one.name),
          one.role,
          safe(one.owner),
          one.revokedAt === null ? shortTime(one.expiresAt) : 'revoked',
        ]),
      ),
    ),
  )
tokens
  .command('add')
  .description('make a token and print it once')
  .argument('<name>')
  .addOption(new Option('--role <role>').choices([...roles]).default('viewer'))
  .option('--days <days>', 'valid for so many days', count, 90)
  .option('--user <name>', 'whose', 'admin')
  .addOption(jsonOption())
  .action((name: string, options: { role: string; days: number; user: string; json?: boolean }) =>
    show<{ token: string; expiresAt: string }>(
      options,
      '/tokens',
      (one) => `${one.token}\n(shown this once; valid until ${shortTime(one.expiresAt)} UTC)`,
      { method: 'POST', body: { name, role: options.role, days: options.days, user: options.user } },
    ),
  )
tokens
  .command('revoke')
  .description('revoke a token')
  .argument('<id>')
  .addOption(jsonOption())
  .action((id: string, options: { json?: boolean }) => show(options, `/tokens/${encode(id)}`, () => 'Revoked.', { method: 'DELETE' }))

program
  .command('audit')
  .description('the audit log; --verify walks its chain')
  .addOption(jsonOption())
  .option('--verify', 'check the chain and print its head')
  .option('--limit <number>', 'at most so many', count, 50)
  .action((options: { json?: boolean; verify?: boolean; limit: number }) =>
    options.verify === true
      ? show<{ entries: string; broken: string | null; head: { seq: string; hash: string } | null }>(options, '/audit/verify', (one) => {
          if (one.broken !== null) process.exitCode = 1
          return one.broken === null ? `whole: ${one.entries} entries, head ${one.head?.hash ?? '–'}` : `BROKEN at entry ${one.broken}`
        })
      : show<{ entries: { seq: string; at: string; principal: { name: string }; action: string; subject: string }[] }>(
          options,
          place('/audit', { limit: options.limit }),
          (answer) =>
            table(
              ['#', 'at', 'who', 'what', 'about'],
              answer.entries.map((one) => [one.seq, shortTime(one.at), safe(one.principal.name), safe(one.action), safe(one.subject)]),
            ),
        ),
  )

program
  .command('migrate')
  .description('bring the database schema up to date, and nothing else')
  .action(async () => {
    const config = loadConfig(overrides())
    await (
      await openDatabase(config.DATABASE_URL === undefined ? { dataDir: config.FALCONER_DATA } : { url: config.DATABASE_URL.reveal() })
    ).close()
    print('The schema is up to date.')
  })
program
  .command('doctor')
  .description('check what a start needs')
  .addOption(jsonOption())
  .action(async (options: { json?: boolean }) => {
    if (!(await (await import('./doctor.ts')).doctor(overrides(), options.json === true))) process.exitCode = 1
  })

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (error instanceof FalconerError) {
    remark(`falconer: ${error.message}`)
    process.exitCode = error instanceof InputError ? 2 : 1
  } else {
    remark(`falconer: a fault of ours\n${error instanceof Error ? error.stack : String(error)}`)
    process.exitCode = 1
  }
}
