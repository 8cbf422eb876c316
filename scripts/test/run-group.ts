/**
 * Runs a program as the leader of a process group, so that at its end, at Ctrl-C, or when its time is up, everything it
 * started can be ended with it. A server that a test forgot must not outlive the tests.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export type Ended = { code: number | null; leftBehind: string[]; timedOut: boolean }

export async function runGroup(program: string, args: readonly string[], limitMs: number): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true })
  const group = child.pid ?? 0
  const end = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-group, signal)
    } catch {
      // nobody is left
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      end(signal)
      setTimeout(() => {
        end('SIGKILL')
        process.exit(1)
      }, 5_000)
    })
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    end('SIGKILL')
  }, limitMs)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  clearTimeout(timer)
  const leftBehind = commandsOf(group)
  end('SIGKILL')
  return { code, leftBehind, timedOut }
}

/** Who is in the group still; where there is no /proc, nobody is known. */
function commandsOf(group: number): string[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          // After the command's name, which is in brackets: state, parent, group.
          const [state, , itsGroup] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
          if (Number(itsGroup) !== group || state === 'Z') return []
          return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200)]
        } catch {
          return []
        }
      })
  } catch {
    return []
  }
}
