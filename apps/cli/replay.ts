/** `falconer dead-letters replay`: each letter on its own; one that still cannot be read stays, and the others go on. */
import type { Cli, JsonOption } from './command.ts'
import { ApiError, type Client } from './client.ts'
import { part, place } from './command.ts'
import { print, safe } from './output.ts'
import type { DeadLetterRow } from './rows.ts'

type Replayed = { id: string; accepted: number; deadLetters: number; format: string | null; error?: string }
const pageSize = 200

export async function replayLetters(cli: Cli, which: readonly string[] | 'all', options: JsonOption): Promise<void> {
  await cli.withClient(async (client) => {
    const replayed: Replayed[] = []
    for (const id of which === 'all' ? await unread(client) : which) replayed.push(await replayOne(client, id))
    await client.settle()
    const still = replayed.filter((one) => one.error !== undefined || one.deadLetters > 0).length
    if (still > 0) process.exitCode = 1
    if (options.json === true) print(JSON.stringify({ replayed }))
    else {
      for (const one of replayed)
        print(
          `${one.id}  ${one.error !== undefined ? safe(one.error, 300) : one.deadLetters > 0 ? 'still cannot be read' : `read as ${one.format}: ${one.accepted} new`}`,
        )
      print(`${replayed.length - still} read, ${still} not.`)
    }
  })
}

async function replayOne(client: Client, id: string): Promise<Replayed> {
  try {
    return { id, ...(JSON.parse(await client.call('POST', `/dead-letters/${part(id)}/replay`, {})) as Omit<Replayed, 'id'>) }
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 404)) throw error
    return { id, accepted: 0, deadLetters: 1, format: null, error: error.message }
  }
}

async function unread(client: Client): Promise<string[]> {
  const ids: string[] = []
  for (let before: string | undefined; ;) {
    const { deadLetters } = JSON.parse(await client.call('GET', place('/dead-letters', { limit: pageSize, before }))) as {
      deadLetters: DeadLetterRow[]
    }
    ids.push(...deadLetters.filter((one) => one.replayedAt === null).map((one) => one.id))
    before = deadLetters.at(-1)?.id
    if (deadLetters.length < pageSize) return ids
  }
}
