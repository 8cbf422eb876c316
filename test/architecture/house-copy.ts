/** A copy of the house to break things in: every file git knows or would take, and the same installed packages. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** What git holds or would take, that is there. */
export const filesOfTheHouse = (): string[] =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && statSync(path, { throwIfNoEntry: false })?.isFile() === true)

export function copyInto(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(path, join(folder, path))
  }
}

/** Returns the copy's folder; the caller removes it. */
export function copyOfTheHouse(planted: readonly { file: string; text: string }[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'falconer-house-'))
  copyInto(folder, filesOfTheHouse())
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  for (const { file, text } of planted) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), `${text}\n`)
  }
  return folder
}
