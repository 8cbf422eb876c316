import { type CliCommand, examples, type JsonOption, jsonOption, limitOption, place } from '../command.ts'
import { safe, shortTime, table } from '../output.ts'

type Entry = { seq: string; at: string; principal: { name: string }; channel: string; action: string; subject: string }
type Checked = { entries: string; broken: string | null; head: { seq: string; hash: string } | null }
type Given = JsonOption & { verify?: boolean; limit: number; before?: string; subject?: string; seq?: string; hash?: string }

export const auditCommand: CliCommand = {
  group: 'Administration',
  register: (program, cli) =>
    program
      .command('audit')
      .description('the audit log, newest first; --verify walks its chain')
      .addOption(jsonOption())
      .option('--verify', 'check the chain and print its head; exit code 1 when it is broken')
      .option('--seq <number>', 'with --verify: a head that you kept elsewhere …')
      .option('--hash <hash>', '… so that a log cut short shows too')
      .option('--subject <subject>', 'only about this, e.g. proposal/<id>')
      .addOption(limitOption(500))
      .option('--before <number>', 'older than this entry')
      .addHelpText('after', examples('falconer audit --limit 20', 'falconer audit --verify --json > head.json'))
      .action(({ verify, limit, before, subject, seq, hash, ...options }: Given) =>
        verify === true
          ? cli.show<Checked>(options, place('/audit/verify', { seq, hash }), checkedText, { held: ({ broken }) => broken === null })
          : cli.show<{ entries: Entry[] }>(options, place('/audit', { limit, before, subject }), ({ entries }) => entryTable(entries)),
      ),
}

const checkedText = ({ entries, broken, head }: Checked): string =>
  broken === null
    ? `Whole: ${entries} entries${head === null ? '' : `; keep its head elsewhere: --seq ${head.seq} --hash ${head.hash}`}`
    : `BROKEN: entry ${broken} does not fit the one before it.`

const entryTable = (entries: readonly Entry[]): string =>
  table(
    ['#', 'at (UTC)', 'who', 'by', 'what', 'about'],
    entries.map((one) => [one.seq, shortTime(one.at), safe(one.principal.name), one.channel, safe(one.action), safe(one.subject)]),
  )
