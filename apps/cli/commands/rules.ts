import { type CliCommand, defaultCommand, examples, type JsonOption, jsonOption, part, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'
import type { RuleRow, RulesFileRow, RuleSummaryRow } from '../rows.ts'

type Given = JsonOption & { cluster?: string }
type Answer = { rules: RuleSummaryRow[]; files: RulesFileRow[]; problems: string[] }

export const rulesCommand: CliCommand = {
  group: 'Incidents and responses',
  register: (program, cli) => {
    const rules = program.command('rules').description('Falco’s rules as it holds them once all its files are loaded')
    defaultCommand(rules, 'list')
      .description('list the rules, and the files in the order they are loaded')
      .addOption(jsonOption())
      .option('--cluster <name>', 'only of this cluster')
      .addHelpText('after', examples('falconer rules', 'falconer rules list --cluster prod --json'))
      .action(({ cluster: scope, ...options }: Given) => cli.show<Answer>(options, place('/rules', { scope }), shown))
    rules
      .command('show')
      .description('one rule: its condition as written and in full, its exceptions, and what changed it where')
      .argument('<rule>', 'its name')
      .addOption(jsonOption())
      .option('--cluster <name>', 'needed where several clusters have it')
      .addHelpText('after', examples("falconer rules show 'Terminal shell in container'"))
      .action((name: string, { cluster: scope, ...options }: Given) =>
        cli.show<RuleRow>(options, place(`/rules/${part(name)}`, { scope }), ruleText),
      )
    return rules.addHelpText('after', examples('falconer rules', "falconer rules show 'Terminal shell in container'"))
  },
}

function shown({ rules, files, problems }: Answer): string {
  if (files.length === 0)
    return 'Falconer was given no rules files yet: falconer import /etc/falco/falco_rules.yaml /etc/falco/falco_rules.local.yaml /etc/falco/rules.d --cluster NAME'
  const list = table(
    ['rule', 'priority', 'source', 'enabled', 'defined in', 'changed in', 'cluster', 'problems'],
    rules.map((one) => [
      safe(one.name, 70),
      one.priority ?? '–',
      safe(one.source, 20),
      one.enabled ? 'yes' : 'no',
      safe(one.file, 40),
      safe(one.changedIn.join(', ') || '–', 60),
      safe(one.scope, 30),
      safe(one.problems.join('; '), 120),
    ]),
  )
  const loaded = files.map(
    (one) =>
      `${safe(one.file, 60)} (${one.items === 1 ? '1 item' : `${one.items} items`}, ${safe(one.scope, 30)}, ${shortTime(one.loadedAt)} UTC)`,
  )
  return [list, `loaded, in this order: ${loaded.join(', ')}`, ...problems.map((text) => `not used: ${safe(text, 300)}`)].join('\n')
}

function ruleText(rule: RuleRow): string {
  const lines = (text: string): string[] =>
    text
      .trim()
      .split('\n')
      .map((line) => `  ${safe(line, 20_000)}`)
  return [
    safe(rule.name, 500),
    `${rule.priority ?? 'no priority'}, ${safe(rule.source, 40)}, ${rule.enabled ? 'enabled' : 'not enabled'}, cluster ${safe(rule.scope, 100)}`,
    ...(rule.desc === '' ? [] : lines(rule.desc)),
    ...(rule.tags.length === 0 ? [] : [`tags: ${safe(rule.tags.join(', '), 500)}`]),
    ...rule.problems.map((text) => `problem: ${safe(text, 300)}`),
    ...rule.parts.map((one) => `${safe(one.file, 100)}, item ${one.item}: ${safe(one.does, 200)} (loaded ${shortTime(one.loadedAt)} UTC)`),
    '\ncondition as defined',
    ...lines(rule.written),
    ...(rule.condition.trim() === rule.written.trim() ? [] : ['\nwith appends and exceptions', ...lines(rule.condition)]),
    '\nin full',
    ...lines(rule.expanded),
    ...(rule.exceptions.length === 0 ? [] : [`\nexceptions: ${safe(rule.exceptions.map((one) => String(one.name)).join(', '), 1_000)}`]),
    '\noutput',
    ...lines(rule.output),
  ].join('\n')
}
