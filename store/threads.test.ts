/** Threads: questions in order, one at a time, each finished by whoever holds it; what died is unanswered. */
import { expect, it } from 'vitest'
import type { Answer } from '../domain/chat.ts'
import { eachDatabase } from '../test/support/database.ts'
import { addStep } from './analyst-steps.ts'
import {
  beginTurn,
  finishTurn,
  getThread,
  giveUpInterrupted,
  insertThread,
  insertTurn,
  keepClaim,
  listThreads,
  stopTurn,
  turnsOf,
} from './threads.ts'

const at = new Date('2026-11-23T12:00:00Z')
const until = new Date('2026-11-23T12:01:00Z')
const after = new Date('2026-11-23T12:01:01Z')
const ada = { personId: 'ada', name: 'Ada\0' }
const answer: Answer = {
  by: 'rules',
  claims: [],
  unknowns: ['\0 and \ud800'],
  notes: [],
  links: [],
  followUps: [],
  partial: null,
  spend: null,
}

eachDatabase('threads', (database) => {
  const open = () => insertThread(database(), { incidentId: null, owner: ada, channel: 'web' }, at)
  const ask = (thread: string, text: string) =>
    insertTurn(database(), thread, { askedBy: ada, text, model: true }, { at, until, mostWaiting: 3 })

  it('keep what was asked and answered as it was', async () => {
    const thread = await open()
    expect(await getThread(database(), thread.id)).toEqual(thread)
    const taken = await ask(thread.id, 'what\0 happened?')
    await addStep(database(), thread.id, { kind: 'said', text: 'of another question' }, at)
    expect(await beginTurn(database(), thread.id, taken?.claim ?? '', at)).toMatchObject({
      state: 'working',
      text: 'what\0 happened?',
      firstStep: 2,
    })
    expect(await finishTurn(database(), thread.id, taken?.claim ?? '', { answer }, at)).toMatchObject({ state: 'answered', answer })
    expect(await turnsOf(database(), thread.id)).toMatchObject([{ number: 1, askedBy: ada, state: 'answered', answer, error: null }])
    expect(await listThreads(database(), { ownerId: 'ada' })).toMatchObject([
      { id: thread.id, first: 'what\0 happened?', turns: 1, state: 'answered' },
    ])
    expect(await listThreads(database(), { ownerId: 'bob' })).toEqual([])
  })

  it('are answered in the order they were asked, one at a time, whoever asks for a turn first', async () => {
    const { id } = await open()
    const taken = await Promise.all(['a', 'b', 'c'].map((text) => ask(id, text)))
    expect(taken.map((one) => one?.turn.number).toSorted()).toEqual([1, 2, 3])
    expect(await ask(id, 'one too many')).toBeUndefined()
    const [first, second, third] = taken.toSorted((a, b) => (a?.turn.number ?? 0) - (b?.turn.number ?? 0)).map((one) => one?.claim ?? '')
    expect(await beginTurn(database(), id, second ?? '', at)).toBe('later')
    expect(await beginTurn(database(), id, first ?? '', at)).toMatchObject({ number: 1 })
    expect(await beginTurn(database(), id, second ?? '', at)).toBe('later')
    await finishTurn(database(), id, first ?? '', { answer }, at)
    expect(await beginTurn(database(), id, third ?? '', at)).toBe('later')
    expect(await beginTurn(database(), id, second ?? '', at)).toMatchObject({ number: 2 })
  })

  it('are unanswered once their claim lapsed, and nobody else’s answer is written', async () => {
    const { id } = await open()
    const died = await ask(id, 'asked of one that dies')
    const waits = await ask(id, 'asked after it')
    await beginTurn(database(), id, died?.claim ?? '', at)
    expect(await keepClaim(database(), id, waits?.claim ?? '', new Date(after.getTime() + 60_000))).toBe(true)
    expect(await beginTurn(database(), id, waits?.claim ?? '', after)).toMatchObject({ text: 'asked after it', state: 'working' })
    expect(await finishTurn(database(), id, died?.claim ?? '', { answer }, after)).toBeUndefined()
    expect(await keepClaim(database(), id, died?.claim ?? '', after)).toBe(false)
    expect((await turnsOf(database(), id)).map(({ state }) => state)).toEqual(['unanswered', 'working'])
    expect(await giveUpInterrupted(database(), after, 'all')).toBeGreaterThan(0)
    expect((await turnsOf(database(), id))[1]).toMatchObject({ state: 'unanswered', error: expect.stringContaining('Ask it again') })
  })

  it('are given up by who asked, begun or not, and nothing is written for them any more; what was answered stays', async () => {
    const { id } = await open()
    const [first, second, third] = [await ask(id, 'a'), await ask(id, 'b'), await ask(id, 'c')]
    await beginTurn(database(), id, first?.claim ?? '', at)
    expect(await stopTurn(database(), id, 1)).toBe(first?.claim)
    expect(await stopTurn(database(), id, 1)).toBeUndefined()
    expect(await keepClaim(database(), id, first?.claim ?? '', until)).toBe(false)
    expect(await finishTurn(database(), id, first?.claim ?? '', { answer }, at)).toBeUndefined()
    expect(await stopTurn(database(), id, 2)).toBe(second?.claim)
    expect(await beginTurn(database(), id, second?.claim ?? '', at)).toBe('lost')
    expect(await beginTurn(database(), id, third?.claim ?? '', at)).toMatchObject({ number: 3 })
    await finishTurn(database(), id, third?.claim ?? '', { answer }, at)
    expect(await stopTurn(database(), id, 3)).toBeUndefined()
    expect((await turnsOf(database(), id)).map(({ state, error }) => [state, error !== null])).toEqual([
      ['unanswered', true],
      ['unanswered', true],
      ['answered', false],
    ])
  })
})
