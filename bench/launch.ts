/** A program under measurement: started, listened to, weighed (its resident memory, from /proc), and ended with its children. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type Launched = {
  pid: number
  /** Milliseconds (performance.now) just before it was started. */
  startedAt: number
  /** Resolves when its output matches. Rejects when it ends first, or after two minutes. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Ends it as Ctrl-C would, and waits for it. */
  stop(): Promise<void>
}

const limitMs = 120_000

export function launch(program: string, args: readonly string[], env: Record<string, string> = {}): Launched {
  const startedAt = performance.now()
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => {
      output += part.toString()
    })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  return {
    pid: child.pid ?? 0,
    startedAt,
    async says(pattern) {
      while (performance.now() - startedAt < limitMs) {
        const match = pattern.exec(output)
        if (match !== null) return match
        if (child.exitCode !== null) break
        await pause(5)
      }
      throw new Error(`${program} ${args.join(' ')} never said ${pattern}. It said:\n${output}`)
    },
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Megabytes of resident memory. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1_024
}

export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resume) => {
    setTimeout(resume, milliseconds)
  })
