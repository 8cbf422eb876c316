/** The real command line as a child process: its output as it comes, and its end; or run in this process. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type MockInstance, vi } from 'vitest'
import { runProgram } from '../../apps/cli/program.ts'

export const falconerProgram = fileURLToPath(new URL('../../bin/falconer', import.meta.url))
export type Running = {
  child: ChildProcess
  output(): string
  errors(): string
  /** Resolves with the match when the output has it. */
  says(pattern: RegExp, limitMs?: number): Promise<RegExpExecArray>
  /** Resolves when the process has taken this from its standard input; only what fits into a pipe may still be on its way. */
  feed(text: string): Promise<void>
  ended: Promise<number | null>
}

/** `stdin` null leaves standard input open, to be fed. */
export function run(args: readonly string[], env: Record<string, string> = {}, stdin: string | null = ''): Running {
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
  if (stdin !== null) child.stdin.end(stdin)
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  return {
    child,
    ended,
    output: () => output,
    errors: () => errors,
    feed: (text) =>
      new Promise((resolve) => {
        child.stdin.write(text, () => resolve())
      }),
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
  stdin?: string | null,
): Promise<{ code: number | null; output: string; errors: string }> {
  const running = run(args, env, stdin)
  return { code: await running.ended, output: running.output(), errors: running.errors() }
}

/** Runs a command in this process, which costs no start; for what needs no process of its own. */
export async function runHere(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string; errors: string }> {
  let [output, errors] = ['', '']
  const written = (stream: NodeJS.WriteStream, keep: (text: string) => void): MockInstance =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      keep(String(text))
      return true
    })
  const spies = [
    written(process.stdout, (text) => {
      output += text
    }),
    written(process.stderr, (text) => {
      errors += text
    }),
  ]
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const before = process.exitCode
  process.exitCode = 0
  try {
    await runProgram(args)
    return { code: Number(process.exitCode), output, errors }
  } finally {
    process.exitCode = before
    vi.unstubAllEnvs()
    for (const spy of spies) spy.mockRestore()
  }
}
