/**
 * The answerer with a model: it reads with the asking person's tools and hands in sentences whose citations code looks up; what does not hold is given back
 * once. Whatever stops it ends in ChatStopped, with what it took. It proposes only where the person's own words ask for it, never because a record says so.
 */
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages'
import type { Turn } from '../../domain/chat.ts'
import { shortId } from '../../domain/ids.ts'
import { redact } from '../../domain/redact.ts'
import type { Claim, GroundedClaim } from '../../domain/report.ts'
import { visible } from '../../domain/untrusted.ts'
import { groundSaid, type Home, type RecordReader } from '../../incidents/grounding.ts'
import { analystPrompt, fillPrompt } from '../../prompts/analyst-prompt.ts'
import { tools as catalog } from '../../tools/catalog/registry.generated.ts'
import { quote } from '../../tools/quoted.ts'
import { cited, sentencesOf } from '../claude/cite.ts'
import type { OpenModel } from '../model/model.ts'
import { stoppedWords } from '../model/turns.ts'
import { type Answerer, ChatStopped, type Draft, type Question } from './answer.ts'
import { linksOf } from './links.ts'
import type { SaidAnswer } from './said-answer.ts'
import { openTalk } from './talk.ts'

const turns = 8
const mostSentences = 16
const mostUnknowns = 8
const remembered = 6
const longestLine = 600

const readable = catalog.filter(({ access, listed }) => access === 'read' && listed).map(({ name }) => name)
/** Words of a person who wants something done. */
const wantsAction =
  /\b(?:propos\w*|isolat\w*|contain\w*|quarantin\w*|cordon\w*|scale|delete|kill|stop|restart|block\w*|respond|response|evict\w*)\b/i
const mayPropose =
  'The engineer’s question may ask for an action. If it does, and only then, you may ask for it with `propose_action`: find its target with `get_entity` first. That only proposes: people read and approve it on the page. Say that it waits there.'
const mayNotPropose = 'You have no tool that proposes or acts.'

export const withModel: Answerer = async (question, desk) => {
  const { models, reader, home } = desk
  if (models === null) throw new ChatStopped('No model is configured.', null)
  let model: OpenModel | null = null
  const hands = await desk.hands('model')
  try {
    model = await models.open('chat', question.thread.id, { signal: desk.signal })
    const proposing = wantsAction.test(question.text)
    const proposals: string[] = []
    const talk = await openTalk({
      model,
      hands,
      system: fillPrompt(analystPrompt('chat'), { calls: String(turns), proposing: proposing ? mayPropose : mayNotPropose }),
      tools: new Set([...readable, ...(proposing ? ['propose_action'] : [])]),
      turns,
      tell: desk.tell,
      heard: (tool, structured) => {
        const id = (structured as { proposal?: { id?: unknown } } | null)?.proposal?.id
        if (tool === 'propose_action' && typeof id === 'string') proposals.push(id)
      },
      signal: desk.signal,
    })
    const first = await talk([...earlier(question.earlier), asked(question)])
    let { said } = first
    let claims = await claimsOf(said, reader)
    const doubts = await doubtsOf(claims, reader, home)
    if (doubts.length > 0) {
      await desk.tell({ kind: 'mended', text: `${doubts.length} sentences were not borne out by what they cite, and were given back.` })
      const mended = await talk([...first.messages, mendMessage(doubts)]).catch((error: unknown) => {
        if (desk.signal.aborted) throw error
        return null
      })
      const second = mended === null ? null : await claimsOf(mended.said, reader)
      if (mended !== null && second !== null && (await isBetter(second, claims, doubts.length, (those) => doubtsOf(those, reader, home))))
        [said, claims] = [mended.said, second]
    }
    return draft(said, claims, proposals, model)
  } catch (error) {
    if (desk.signal.aborted) throw error
    throw new ChatStopped(stoppedWords(error) ?? 'It could not be asked; see the server’s log.', model?.spent() ?? null, { cause: error })
  } finally {
    await hands.close()
  }
}

const claimsOf = async (said: SaidAnswer, reader: RecordReader): Promise<Claim[]> =>
  Promise.all(
    said.sentences
      .flatMap(sentencesOf)
      .slice(0, mostSentences)
      .map((one) => cited(one, reader)),
  )

const doubtsOf = async (claims: readonly Claim[], reader: RecordReader, home: Home): Promise<GroundedClaim[]> =>
  (await Promise.all(claims.map((claim) => groundSaid(claim, reader, home)))).filter(({ grounded }) => !grounded)

/** Fewer sentences that do not hold; and it has not thrown away all that held to get there. */
async function isBetter(
  second: readonly Claim[],
  first: readonly Claim[],
  doubted: number,
  doubts: (claims: readonly Claim[]) => Promise<GroundedClaim[]>,
): Promise<boolean> {
  const left = (await doubts(second)).length
  return left < doubted && (second.length > left || first.length === doubted)
}

function draft(said: SaidAnswer, claims: Claim[], proposals: readonly string[], model: OpenModel): Draft {
  return {
    by: model.name,
    claims,
    unknowns: said.unknowns.slice(0, mostUnknowns).map((line) => line.slice(0, longestLine)),
    notes:
      proposals.length === 0
        ? []
        : [`Proposed, not done: ${proposals.map((id) => shortId('proposal', id)).join(', ')} waits for people on the page.`],
    links: [
      ...proposals.map((id) => ({ label: `Proposal ${shortId('proposal', id)}`, path: `/proposals/${encodeURIComponent(id)}` })),
      ...linksOf(claims),
    ],
    followUps: said.follow_ups.slice(0, 3).map((line) => line.slice(0, 200)),
    partial: null,
    spend: model.spent(),
  }
}

/** The question, last, and what the thread is about: nothing of a record but an id. */
function asked({ text, about, principal }: Question): BaseMessage {
  const where =
    about === null ? '' : `The thread is about incident ${about.id} (${shortId('incident', about.id)}), unless the question names another. `
  return new HumanMessage(`${where}The engineer has the role ${principal.role}. Their question:\n${visible(redact(text), 2_000)}`)
}

/** What held when it was checked, by whomever it was answered; fenced, for it quotes records. */
const earlier = (before: readonly Turn[]): BaseMessage[] =>
  before.slice(-remembered).flatMap(({ text, answer }) => {
    const held = answer?.claims.filter(({ grounded }) => grounded).slice(0, 12) ?? []
    const lines = held.map((claim) => `- ${quote(claim.text, 400)} (${citesOf(claim)})`)
    return [
      new HumanMessage(`Asked before:\n${visible(redact(text), 500)}`),
      new AIMessage(lines.join('\n') || 'Nothing that I could confirm.'),
    ]
  })
const citesOf = ({ evidence }: GroundedClaim): string =>
  [...new Set(evidence.map(({ record, id }) => `${record}:${id}`))]
    .slice(0, 6)
    .map((one) => visible(one, 120))
    .join(', ')

const mendMessage = (doubts: readonly GroundedClaim[]): BaseMessage =>
  new HumanMessage(
    `Code read the records that you cite. These sentences are not borne out by them:\n${doubts.map(({ text, problems }) => `- ${quote(text, 400)}: ${problems.join('; ')}`).join('\n')}\nWrite the whole answer again: correct them, cite what bears them out, or leave them out.`,
  )
