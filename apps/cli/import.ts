/** `falconer import`: every file read once, every document accounted for. read = accepted + duplicates + internal + deadLetters. */
import { createReadStream } from 'node:fs'
import { walkFiles } from '../../collectors/files.ts'
import { ApiError, type Client } from './client.ts'
import { print, remark, safe, table } from './output.ts'

type Counts = { read: number; accepted: number; duplicates: number; internal: number; skipped: number; deadLetters: number }
type FileResult = Counts & { path: string; format: string | null; error?: string }
const names = ['read', 'accepted', 'duplicates', 'internal', 'skipped', 'deadLetters'] as const

/** Answers false when a file that was named itself could not be read. */
export async function importFiles(
  client: Client,
  paths: readonly string[],
  options: { cluster?: string; format?: string; json?: boolean },
): Promise<boolean> {
  const files: FileResult[] = []
  let held = true
  for await (const { path, named } of walkFiles(paths)) {
    if (process.stderr.isTTY) remark(`reading ${safe(path)}`)
    const query = new URLSearchParams({
      path,
      ...(options.cluster === undefined ? {} : { scope: options.cluster }),
      ...(options.format === undefined ? {} : { format: options.format }),
    })
    try {
      const {
        path: name,
        format,
        ...counts
      } = JSON.parse(await client.upload(`/import?${query}`, path === '-' ? process.stdin : createReadStream(path))) as FileResult & {
        entities?: number
      }
      files.push({ path: name, format, ...(Object.fromEntries(names.map((one) => [one, counts[one]])) as Counts) })
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 400) throw error
      // A file among others in a folder that is no input of ours is told, and is no failure.
      if (named) held = false
      files.push({ path, format: null, read: 0, accepted: 0, duplicates: 0, internal: 0, skipped: 0, deadLetters: 0, error: error.message })
    }
  }
  await client.settle()
  const totals = Object.fromEntries(names.map((name) => [name, files.reduce((sum, file) => sum + file[name], 0)]))
  if (options.json === true) print(JSON.stringify({ files, totals }))
  else {
    print(
      table(
        ['file', 'format', ...names.map((name) => (name === 'deadLetters' ? 'dead' : name))],
        [
          ...files.map((file) => [safe(file.path, 80), file.format ?? '–', ...names.map((name) => String(file[name]))]),
          ['total', '', ...names.map((name) => String(totals[name]))],
        ],
      ),
    )
    for (const file of files) if (file.error !== undefined) remark(`not read: ${safe(file.error, 400)}`)
  }
  return held
}
