import { type CliCommand, examples } from '../command.ts'

export const serveCommand: CliCommand = {
  group: 'Start',
  register: (program, cli) =>
    program
      .command('serve')
      .description('run the server: ingest, investigation, pages')
      .option('--port <port>', 'port to listen on, 0 picks a free one (default: FALCONER_PORT or 8765)')
      .option('--host <address>', 'address to listen on (default: FALCONER_HOST or 127.0.0.1)')
      .addHelpText(
        'after',
        examples(
          'falconer serve',
          'FALCONER_PUBLIC_URL=https://falconer.example.org falconer serve --host 0.0.0.0',
          'DATABASE_URL=postgres://… FALCONER_KUBECONFIG=~/.kube/config falconer serve',
        ),
      )
      .action(async (options: { port?: string; host?: string }) =>
        (await import('../serve.ts')).serve({ ...cli.overrides(), FALCONER_PORT: options.port, FALCONER_HOST: options.host }),
      ),
}
