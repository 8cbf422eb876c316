/** A command at a real terminal: a pseudo-terminal of util-linux’s `script`, of a width, fed as by hand. What it shows is both streams, as they came. */
import { type ChildProcess, spawn } from 'node:child_process'
import { falconerProgram } from './process.ts'

export type Terminal = {
  child: ChildProcess
  shown(): string
  /** Resolves when what was shown since the last look has it, and begins the next look behind it. */ until(
    pattern: RegExp,
    limitMs?: number,
  ): Promise<string>
  type(text: string): void
  ended: Promise<number | null>
}
export const keys = { interrupt: '\u0003', end: '\u0004', enter: '\r' }

export function atTerminal(args: readonly string[], { width, env = {} }: { width: number; env?: Record<string, string> }): Terminal {
  const quoted = [falconerProgram, ...args].map((one) => `'${one.replaceAll("'", "'\\''")}'`).join(' ')
  const child = spawn('script', ['-qfec', `stty cols ${width} rows 40; exec ${quoted}`, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  let looked = 0
  child.stdout.on('data', (part: Buffer) => (output += part.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    child,
    ended,
    shown: () => output,
    type: (text) => void child.stdin.write(text),
    async until(pattern, limitMs = 45_000) {
      const until = performance.now() + limitMs
      for (;;) {
        const match = pattern.exec(output.slice(looked))
        if (match !== null) {
          const seen = output.slice(looked, looked + match.index + match[0].length)
          looked += seen.length
          return seen
        }
        if (performance.now() > until || child.exitCode !== null)
          throw new Error(`${args.join(' ')} never showed ${pattern}. It showed:\n${output}`)
        await new Promise((resume) => setTimeout(resume, 30))
      }
    },
  }
}
