/** `falconer export`: fetches page by page and writes each event as a line, no faster than whoever reads it; constant memory. */
import { once } from 'node:events'
import type { Client } from './client.ts'
import { place } from './command.ts'
import { remark } from './output.ts'

const pageSize = 200

export async function exportEvents(client: Client, what: string, since: string | undefined): Promise<void> {
  let written = 0
  let cursor: string | null = null
  do {
    const answer: string = await client.call('GET', place(`/ocsf/${what}`, { since, cursor: cursor ?? undefined, limit: pageSize }))
    const { events, next } = JSON.parse(answer) as { events: object[]; next: string | null }
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('')
    if (lines !== '' && !process.stdout.write(lines)) await once(process.stdout, 'drain')
    written += events.length
    cursor = next
  } while (cursor !== null)
  remark(`${written} ${written === 1 ? 'event' : 'events'} written.`)
}
