/** `falconer`: runs one command. Exit codes: 0 it held, 1 it failed, 2 it was used wrongly, 130 it was stopped. */
import { CommanderError } from 'commander'
import { FalconerError, InputError } from '../../domain/errors.ts'
import { remark } from './output.ts'
import { buildProgram } from './program.ts'

// Whoever reads our output may have read enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  await buildProgram().parseAsync()
} catch (error) {
  process.exitCode = told(error)
}

/** Says what went wrong, in words for whoever typed the command; answers the exit code. */
function told(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (!(error instanceof FalconerError)) {
    remark(`falconer: a fault of ours\n${error instanceof Error ? error.stack : String(error)}`)
    return 1
  }
  remark(`falconer: ${error.message}`)
  if (error.code === 'interrupted') return 130
  return error instanceof InputError || error.code === 'input' ? 2 : 1
}
