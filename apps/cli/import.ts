/**
 * `falconer import`: every file read once, every document accounted for: read = accepted + duplicates + internal + deadLetters;
 * skipped are lines that are no record. Stopped in the middle it keeps what is committed and says what to do.
 */
import { createReadStream } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { walkFiles } from '../../collectors/files.ts'
import { collectors } from '../../collectors/registry.generated.ts'
import { InputError } from '../../domain/errors.ts'
import { ApiError, type Client } from './client.ts'
import { place } from './command.ts'
import { print, remark, safe, table } from './output.ts'
import { megabytes, type Progress } from './progress.ts'
import { Interrupted } from './stop.ts'

const names = ['read', 'accepted', 'duplicates', 'internal', 'skipped', 'scans', 'deadLetters'] as const
type Counts = Record<(typeof names)[number], number>
type FileResult = { path: string; format: string | null } & Counts & { error?: string }
export type ImportOptions = { cluster?: string; format?: string; json?: boolean; signal: AbortSignal; progress: Progress }

const none: Counts = { read: 0, accepted: 0, duplicates: 0, internal: 0, skipped: 0, scans: 0, deadLetters: 0 }

/** Before anything is opened: throws InputError for a path or a format that is not there. */
export async function checkImport(paths: readonly string[], format: string | undefined): Promise<void> {
  if (format !== undefined && !collectors.some((one) => one.name === format))
    throw new InputError(`There is no format “${format}”. There are: ${collectors.map((one) => one.name).join(', ')}.`)
  const first = await walkFiles(paths)[Symbol.asyncIterator]().next()
  if (first.done === true) throw new InputError(`There is no file in ${paths.join(', ')}.`)
  for (const path of paths)
    if (path !== '-')
      await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
        throw new InputError(`${path} ${error.code === 'EACCES' ? 'may not be read by you' : 'does not exist or cannot be read'}.`, {
          cause: error,
        })
      })
}

/** Answers false when a file that was named itself could not be read. Throws Interrupted. */
export async function importFiles(client: Client, paths: readonly string[], options: ImportOptions): Promise<boolean> {
  const { signal, progress } = options
  const files: FileResult[] = []
  let held = true
  for await (const { path, named } of walkFiles(paths)) {
    if (signal.aborted) break
    const file = await importFile(client, path, options)
    if (signal.aborted) break
    // A file among others in a folder that is no input of ours is told, and is no failure.
    if (file.error !== undefined && named) held = false
    files.push(file)
  }
  if (!signal.aborted && files.some((file) => file.read > 0)) {
    progress.say('correlating and investigating …')
    await client.settle()
  }
  progress.clear()
  report(files, options.json === true, signal.aborted)
  if (signal.aborted)
    throw new Interrupted(
      'Stopped. What was read is kept, complete in itself; import the same again for the rest: nothing is stored twice.',
    )
  return held
}

async function importFile(client: Client, path: string, options: ImportOptions): Promise<FileResult> {
  const named = path === '-' ? 'standard input' : path
  const size = path === '-' ? null : (await stat(path)).size
  const input = path === '-' ? process.stdin : createReadStream(path)
  // A pipe that gives nothing must not keep Ctrl-C waiting.
  const stop = (): void => {
    input.destroy(new InputError('stopped'))
  }
  options.signal.addEventListener('abort', stop, { once: true })
  let readBytes = 0
  async function* content(): AsyncIterable<Uint8Array> {
    for await (const part of input) {
      readBytes += (part as Uint8Array).length
      options.progress.say(named, size === null ? megabytes(readBytes) : `${megabytes(readBytes)} of ${megabytes(size)}`)
      yield part as Uint8Array
    }
  }
  try {
    options.progress.say(named)
    const answer = await client.upload(
      place('/import', { path: named.slice(-1_000), scope: options.cluster, format: options.format }),
      content(),
    )
    const { format, ...counts } = JSON.parse(answer) as { format: string } & Counts
    return { path, format, ...none, ...Object.fromEntries(names.map((name) => [name, counts[name]])) }
  } catch (error) {
    if (options.signal.aborted) return { path, format: null, ...none }
    if (!(error instanceof ApiError) || error.code !== 'input') throw error
    return { path, format: null, ...none, error: error.message.startsWith(named) ? error.message : `${named}: ${error.message}` }
  } finally {
    options.signal.removeEventListener('abort', stop)
    input.destroy()
  }
}

function report(files: readonly FileResult[], json: boolean, stopped: boolean): void {
  const totals = Object.fromEntries(names.map((name) => [name, files.reduce((sum, file) => sum + file[name], 0)]))
  if (json) {
    print(JSON.stringify({ files, totals, ...(stopped ? { stopped } : {}) }))
    return
  }
  print(
    table(
      ['file', 'format', ...names.map((name) => (name === 'deadLetters' ? 'dead' : name))],
      [
        ...files.map((file) => [safe(file.path, 80), file.format ?? '–', ...names.map((name) => String(file[name]))]),
        ['total', '', ...names.map((name) => String(totals[name]))],
      ],
    ),
  )
  for (const { path, error, read, skipped, scans, deadLetters } of files)
    if (error !== undefined) remark(`not read: ${safe(error, 400)}`)
    else if (read === 0 && scans > 0 && deadLetters === 0)
      remark(`${safe(path, 80)}: an empty scan. It says that somebody looked, not that there is nothing.`)
    else if (read === 0 && skipped > 0) remark(`${safe(path, 80)}: nothing in it is a record`)
  if ((totals.deadLetters ?? 0) > 0) remark('What could not be read is kept with its reason: falconer dead-letters')
}
