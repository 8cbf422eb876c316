/** The real command line as a child process: its output as it comes, and its end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const falconerProgram = fileURLToPath(new URL('../../bin/falconer', import.meta.url))
export type Running = {
  child: ChildProcess
  output(): string
  errors(): string
  /** Resolves with the match when the output has it. */ says(pattern: RegExp, limitMs?: number): Promise<RegExpExecArray>
  ended: Promise<number | null>
}

export function run(args: readonly string[], env: Record<string, string> = {}, stdin?: string): Running {
  const child = spawn(falconerProgram, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (part: Buffer) => {
    output += part.toString()
  })
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString()
  })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin ?? '')
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  return {
    child,
    ended,
    output: () => output,
    errors: () => errors,
    says: async (pattern, limitMs = 45_000) => {
      const until = performance.now() + limitMs
      for (;;) {
        const match = pattern.exec(output)
        if (match !== null) return match
        if (performance.now() > until || child.exitCode !== null)
          throw new Error(`${args.join(' ')} never said ${pattern}. It said:\n${output}\n${errors}`)
        await new Promise((resume) => {
          setTimeout(resume, 50)
        })
      }
    },
  }
}

/** Runs it to its end. */
export async function runToEnd(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin?: string,
): Promise<{ code: number | null; output: string; errors: string }> {
  const running = run(args, env, stdin)
  return { code: await running.ended, output: running.output(), errors: running.errors() }
}
