/** `falconer`: runs one command. */
import { runProgram } from './program.ts'

// Whoever reads our output may have read enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

await runProgram(process.argv.slice(2))
