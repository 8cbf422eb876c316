/**
 * Threads of chat and their turns. Questions of a thread are answered one after another: a turn begins only when none before it is open. Whoever took a
 * question holds a claim; one that lapsed, because its holder died, leaves the question unanswered, to be asked again. None is answered twice.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Answer, Thread, Turn, TurnState } from '../domain/chat.ts'
import { newId } from '../domain/ids.ts'
import type { Channel } from '../domain/principal.ts'
import type { Database, Queryable } from './database.ts'
import { escapeText, json, unescapeDeep, unescapeText } from './values.ts'

type ThreadRow = { id: string; incident_id: string | null; owner_id: string; owner_name: string; channel: Channel; created_at: Date }
const threadColumns = sql`t.id::text, t.incident_id::text, t.owner_id, t.owner_name, t.channel, t.created_at`
const threadFrom = (row: ThreadRow): Thread => ({
  id: row.id,
  incidentId: row.incident_id,
  owner: { personId: row.owner_id, name: unescapeText(row.owner_name) },
  channel: row.channel,
  createdAt: row.created_at,
})

export async function insertThread(db: Queryable, thread: Omit<Thread, 'id' | 'createdAt'>, at: Date): Promise<Thread> {
  const made = { ...thread, id: newId(), createdAt: at }
  await db.query(sql`insert into threads (id, incident_id, owner_id, owner_name, channel, created_at)
    values (${made.id}, ${made.incidentId}, ${made.owner.personId}, ${escapeText(made.owner.name)}, ${made.channel}, ${at})`)
  return made
}

export async function getThread(db: Queryable, id: string): Promise<Thread | undefined> {
  const [row] = await db.query(sql<ThreadRow>`select ${threadColumns} from threads t where t.id = ${id}`)
  return row && threadFrom(row)
}

/** A thread as a list shows it: how it began, and what became of its newest question. */
export type ThreadLine = Thread & { first: string | null; turns: number; newestAt: Date; state: TurnState | null }
type LineRow = ThreadRow & { first: string | null; turns: number; newest_at: Date; state: TurnState | null }

/** Whose owner this is, or, with `incidentId`, about that incident whoever owns them; the newest first. */
export async function listThreads(db: Queryable, by: { ownerId: string } | { incidentId: string }, limit = 30): Promise<ThreadLine[]> {
  const wanted: RawBuilder<unknown> =
    'ownerId' in by
      ? sql`t.owner_id = ${by.ownerId}`
      : sql`(t.incident_id = ${by.incidentId} or t.incident_id in (select id from incidents where merged_into = ${by.incidentId}))`
  const rows =
    await db.query(sql<LineRow>`select ${threadColumns}, n.first, n.turns, coalesce(n.newest_at, t.created_at) as newest_at, n.state
    from threads t left join lateral (select count(*)::int as turns, max(asked_at) as newest_at, (array_agg(text order by number))[1] as first,
      (array_agg(state order by number desc))[1] as state from thread_turns where thread_id = t.id) n on true
    where ${wanted} order by coalesce(n.newest_at, t.created_at) desc, t.id desc limit ${limit}`)
  return rows.map((row) => ({
    ...threadFrom(row),
    first: row.first === null ? null : unescapeText(row.first),
    turns: row.turns,
    newestAt: row.newest_at,
    state: row.state,
  }))
}

type TurnRow = {
  number: number
  asked_by: string
  asked_name: string
  text: string
  model: boolean
  asked_at: Date
  state: TurnState
  answer: Answer | null
  answered_at: Date | null
  error: string | null
  first_step: number | null
}
const turnColumns = sql`number, asked_by, asked_name, text, model, asked_at, state, answer, answered_at, error, first_step`
const turnFrom = (row: TurnRow): Turn => ({
  number: row.number,
  askedBy: { personId: row.asked_by, name: unescapeText(row.asked_name) },
  text: unescapeText(row.text),
  model: row.model,
  askedAt: row.asked_at,
  state: row.state,
  answer: row.answer === null ? null : unescapeDeep(row.answer),
  answeredAt: row.answered_at,
  error: row.error === null ? null : unescapeText(row.error),
  firstStep: row.first_step,
})

/** In order; the newest `limit`. */
export async function turnsOf(db: Queryable, threadId: string, { limit = 50 } = {}): Promise<Turn[]> {
  const rows = await db.query(
    sql<TurnRow>`select ${turnColumns} from thread_turns where thread_id = ${threadId} order by number desc limit ${limit}`,
  )
  return rows.reverse().map(turnFrom)
}

/** Undefined: `mostWaiting` questions wait already. `claim` is what it is answered with, until then or as long as that is moved on. */
export async function insertTurn(
  db: Database,
  threadId: string,
  asked: Pick<Turn, 'askedBy' | 'text' | 'model'>,
  { at, until, mostWaiting }: { at: Date; until: Date; mostWaiting: number },
): Promise<{ turn: Turn; claim: string } | undefined> {
  const claim = newId()
  return db.transaction(async (tx) => {
    // Questions that come at once get their numbers one after another.
    await tx.query(sql`select 1 from threads where id = ${threadId} for update`)
    const [row] =
      await tx.query(sql<TurnRow>`insert into thread_turns (thread_id, number, asked_by, asked_name, text, model, asked_at, state, claim, claimed_until)
      select ${threadId}, coalesce(max(number), 0) + 1, ${asked.askedBy.personId}, ${escapeText(asked.askedBy.name)}, ${escapeText(asked.text)}, ${asked.model}, ${at}, 'waiting', ${claim}, ${until}
      from thread_turns where thread_id = ${threadId} having count(*) filter (where state in ('waiting', 'working')) < ${mostWaiting}
      returning ${turnColumns}`)
    return row && { turn: turnFrom(row), claim }
  })
}

/** `later`: a question before it is not answered yet. `lost`: the claim lapsed, and it was given up. */
export async function beginTurn(db: Database, threadId: string, claim: string, at: Date): Promise<Turn | 'later' | 'lost'> {
  return db.transaction(async (tx) => {
    await tx.query(sql`select 1 from threads where id = ${threadId} for update`)
    await giveUp(tx, sql`thread_id = ${threadId} and claimed_until <= ${at}`)
    const [row] =
      await tx.query(sql<TurnRow>`update thread_turns set state = 'working', first_step = (select coalesce(max(number), 0) + 1 from analyst_steps where about = ${threadId})
      where thread_id = ${threadId} and claim = ${claim} and state = 'waiting'
        and number = (select min(number) from thread_turns where thread_id = ${threadId} and state in ('waiting', 'working')) returning ${turnColumns}`)
    if (row !== undefined) return turnFrom(row)
    const [held] = await tx.query(sql`select 1 from thread_turns where thread_id = ${threadId} and claim = ${claim} and state = 'waiting'`)
    return held === undefined ? 'lost' : 'later'
  })
}

/** False: the claim is no longer held, so whoever held it must not answer. */
export async function keepClaim(db: Queryable, threadId: string, claim: string, until: Date): Promise<boolean> {
  const rows = await db.query(
    sql`update thread_turns set claimed_until = ${until} where thread_id = ${threadId} and claim = ${claim} and state in ('waiting', 'working') returning 1`,
  )
  return rows.length > 0
}

/** Undefined: the claim was no longer held, and nothing was written. */
export async function finishTurn(
  db: Queryable,
  threadId: string,
  claim: string,
  outcome: { answer: Answer } | { error: string },
  at: Date,
): Promise<Turn | undefined> {
  const [answer, error] = 'answer' in outcome ? [json(outcome.answer), null] : [null, escapeText(outcome.error)]
  const [row] =
    await db.query(sql<TurnRow>`update thread_turns set state = ${'answer' in outcome ? 'answered' : 'unanswered'}, answer = ${answer}, error = ${error}, answered_at = ${at}, claim = null, claimed_until = null
    where thread_id = ${threadId} and claim = ${claim} and state in ('waiting', 'working') returning ${turnColumns}`)
  return row && turnFrom(row)
}

/** Given up by who asked it: answers the claim it was held with until now. Undefined: nobody is at it. */
export async function stopTurn(db: Queryable, threadId: string, number: number): Promise<string | undefined> {
  const [row] = await db.query(
    sql<{
      claim: string
    }>`update thread_turns t set state = 'unanswered', error = 'Whoever asked this gave it up.', claim = null, claimed_until = null
      from (select thread_id, number, claim::text from thread_turns where thread_id = ${threadId} and number = ${number} and state in ('waiting', 'working') for update) held
      where t.thread_id = held.thread_id and t.number = held.number returning held.claim`,
  )
  return row?.claim
}

const interruptedText = 'Falconer stopped before this was answered. Ask it again.'

/** What died under whoever was at it: `all` where no other server can be at it, else what is no longer claimed. */
export const giveUpInterrupted = (db: Queryable, at: Date, which: 'all' | 'lapsed'): Promise<number> =>
  giveUp(db, which === 'all' ? sql`true` : sql`claimed_until <= ${at}`)

async function giveUp(db: Queryable, which: RawBuilder<unknown>): Promise<number> {
  const rows = await db.query(
    sql`update thread_turns set state = 'unanswered', error = ${interruptedText}, claim = null, claimed_until = null where state in ('waiting', 'working') and ${which} returning 1`,
  )
  return rows.length
}
