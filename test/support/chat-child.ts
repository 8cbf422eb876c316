/** A question of chat as a process that can be killed: the real database, the tools over it, a model at an address. Says its thread, then what came of it. */
import { ask, askAgain, openThread } from '../../apps/server/chat.ts'
import { composeFalconer } from '../../apps/server/falconer.ts'
import { loadConfig } from '../../config/config.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { giveUpInterrupted, turnsOf } from '../../store/threads.ts'

/** `thread` null: a new one. `again`: the question that was left unanswered. `earlier`: asked before it, of the rules. */
export type ChatTask = { settings: Record<string, string>; thread: string | null; text: string; earlier: string; again: boolean }

const { settings, thread: given, text, earlier, again } = JSON.parse(process.argv[2] ?? '') as ChatTask
const falconer = await composeFalconer(loadConfig(settings, {}), { as: 'command', quietMs: 3_600_000 })
const { db, clock } = falconer
const asker = { principal: operatorPrincipal, channel: 'cli' } as const
const thread = given ?? (await openThread(falconer, asker, null)).id
process.stdout.write(`${thread}\n`)
if (given === null) await (await ask(falconer, asker, thread, { text: earlier, model: false })).answered
// As a server does: at once where no other can be at it, else when the claim has lapsed.
const later = new Date(clock.now().getTime() + 61_000)
await giveUpInterrupted(db, later, db.kind === 'embedded' ? 'all' : 'lapsed')
const left = (await turnsOf(db, thread)).at(-1)
const taken = again ? await askAgain(falconer, asker, thread, left?.number ?? 0) : await ask(falconer, asker, thread, { text, model: true })
await taken.answered
process.stdout.write(`${JSON.stringify((await turnsOf(db, thread)).find(({ number }) => number === taken.turn.number))}\n`)
await falconer.close()
