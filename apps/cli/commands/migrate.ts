import { type CliCommand, examples } from '../command.ts'
import { print } from '../output.ts'

export const migrateCommand: CliCommand = {
  group: 'Administration',
  register: (program, cli) =>
    program
      .command('migrate')
      .description('bring the database schema up to date, and nothing else')
      .addHelpText('after', examples('DATABASE_URL=postgres://… falconer migrate'))
      .action(async () => {
        const [{ loadConfig }, { openDatabase }] = await Promise.all([
          import('../../../config/config.ts'),
          import('../../../store/database.ts'),
        ])
        const { DATABASE_URL, FALCONER_DATA } = loadConfig(cli.overrides())
        await (await openDatabase(DATABASE_URL === undefined ? { dataDir: FALCONER_DATA } : { url: DATABASE_URL.reveal() })).close()
        print('The schema is up to date.')
      }),
}
