import { type CliCommand, examples, type JsonOption, jsonOption } from '../command.ts'

export const importCommand: CliCommand = {
  group: 'Input',
  register: (program, cli) =>
    program
      .command('import')
      .description('read alerts, scanners’ reports, audit logs, rules and inventory from files, folders or standard input (-)')
      .argument('<path...>', 'files and folders; the format of each is recognised; gzip is unpacked')
      .addOption(jsonOption())
      .option('--cluster <name>', 'cluster the records belong to (default: FALCONER_SCOPE)')
      .option('--format <name>', 'name the format instead of having it recognised')
      .addHelpText(
        'after',
        `${examples(
          'falconer import /var/log/falco --cluster prod',
          'trivy image --format json nginx:1.25 | falconer import - --cluster prod',
          'kubectl get nodes,pods,deployments,replicasets -A -o json | falconer import - --cluster prod',
        )}

Nothing is stored twice: an import that was interrupted can simply be run again. What cannot be read is kept: falconer dead-letters.
Exit code 2 when a file that was named itself is none of ours; one in a folder is told, and the rest goes on.`,
      )
      .action(async (paths: string[], options: JsonOption & { cluster?: string; format?: string }) => {
        const [{ checkImport, importFiles }, { stopSignal }, { progressOn }] = await Promise.all([
          import('../import.ts'),
          import('../stop.ts'),
          import('../progress.ts'),
        ])
        await checkImport(paths, options.format)
        const signal = stopSignal()
        const held = await cli.withClient((client) =>
          importFiles(client, paths, { ...options, signal, progress: progressOn(process.stderr) }),
        )
        if (!held) process.exitCode = 2
      }),
}
