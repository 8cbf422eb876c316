/**
 * Questions as people ask them: short, misspelt, going on from the one before. Each is taken for its kind and answered with what the records of a shop that is
 * called otherwise than any example hold; what is not known is said to be, and nothing is called safe.
 */
import { beforeAll, expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import type { Turn } from '../../domain/chat.ts'
import { parseExact, stringifyExact } from '../../domain/exact-json.ts'
import { shortId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Principal } from '../../domain/principal.ts'
import type { Scenario } from '../../evals/scenario.ts'
import { deriveFixes } from '../../graph/fix-first.ts'
import { HeldGraph } from '../../graph/held.ts'
import { decide } from '../../incidents/decide.ts'
import { listEntities } from '../../store/entities.ts'
import { insertApproval, insertProposal } from '../../store/proposals.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { recordStory } from '../../test/support/story.ts'
import { toolsets } from '../../tools/tool.ts'
import { connectHands } from '../hands.ts'
import { answer } from './answer.ts'
import { asked } from './asked.ts'
import { continued } from './continued.ts'
import { kindOf } from './rules.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const viewer: Principal = { id: 'v', kind: 'user', name: 'Vera', role: 'viewer', personId: 'v', mayApprove: true }
const admin: Principal = {
  id: '0198c1d2-3b4c-7d5e-8f60-718293a4b5c6',
  kind: 'user',
  name: 'Ines',
  role: 'administrator',
  personId: 'i',
  mayApprove: true,
}
const scope = 'lab-west'
/** The same story of a bakery and its oven. */
const renamed = (scenario: Scenario): Scenario =>
  parseExact(stringifyExact(scenario).replaceAll('checkout', 'oven').replaceAll('shop', 'bakery')) as Scenario

/** Question; its kind; what its answer has, as it is read. A `+` goes on in the thread of the question above. */
const questions: readonly (readonly [string, string, RegExp])[] = [
  ['what happened in the critical incident?', 'what-happened', /inc-\w+ is critical and open: .*\n.*Run shell untrusted/],
  ['whats the worst incident right now', 'what-happened', /is critical and open.*newest alert/s],
  ['tell me about the latest incident', 'what-happened', /is critical and open/],
  ['when did the last incident start', 'what-happened', /critical and open: .* from 2026-11-24T/],
  ['what happened in the low incident', 'what-happened', /^No low incident is known\./m],
  ['summarise the incident', 'what-happened', /is critical and open/],
  ['what happened in the incident in bakery/oven', 'what-happened', /is critical and open/],
  ['what happened in the "Read sensitive file untrusted" incident', 'what-happened', /is critical and open/],
  ['what happened in the unicorn incident', 'what-happened', /No incident has .*unicorn.* in its title/],
  ['wat happend', 'what-happened', /Say which incident/],
  ['what did the attacker download', 'what-happened', /Say which incident/],
  ['which incidents are open', 'open-incidents', /^1 open incident\./],
  ['any open incidnets?', 'open-incidents', /^1 open incident\./],
  ['is anything on fire?', 'open-incidents', /^1 open incident\./],
  ['are we under attack', 'open-incidents', /^1 open incident\./],
  ['open incidents in bakery', 'open-incidents', /critical, open: .*with a place in that namespace/s],
  ['open incidents in payroll', 'open-incidents', /No namespace or cluster called “payroll” is recorded/],
  ['how bad is it', 'blast-radius', /Say of what/],
  ['what should i fix first', 'fix-first', /^1\. Update ejs in registry\.example\.com\/bakery\/oven/],
  ['what shoud I patch first in bakery', 'fix-first', /^1\. Update ejs/],
  ['what to fix in namespace payroll', 'fix-first', /No namespace or cluster called “payroll” is recorded/],
  ['which single change cuts most paths?', 'choke-points', /^1\. Take away Ingress bakery\/oven.*: it cuts off \d+ of \d+ targets/],
  ['what are the choke points', 'choke-points', /^1\. .*removes \d+ of the cheapest paths/],
  ['which fix breaks the most attack paths', 'choke-points', /^1\. Take away/],
  ['who approved the isolation of the pod', 'decided', /approved by Grace Ώ \(responder\), 2026-11-24T11:00:00/],
  ['who decided what', 'decided', /kubernetes\.isolate_pod on pod bakery\/.*approved by Grace/],
  ['what was approved since yesterday', 'decided', /approved by Grace/],
  ['what was approved in the last 10 minutes', 'decided', /No decision of a person is recorded since 2026-11-24 11:50 UTC/],
  ['who closed the incident', 'decided', /Say which incident/],
  ['what changed since yesterday', 'changed-since', /inc-\w+ began, critical, open: .*Since 2026-11-23 00:00 UTC: 1 incidents/s],
  ["what's new since yesterday", 'changed-since', /began, critical, open/],
  ['what happened today', 'changed-since', /began, critical, open/],
  ['what happened overnight?', 'changed-since', /began, critical, open/],
  ['anything new in the last 2 minutes', 'changed-since', /Since 2026-11-24 11:58 UTC: \d incidents/],
  ['is payroll safe', 'safe', /That is not “safe”|that is not “safe”/],
  ['is namespace payroll safe?', 'safe', /No namespace or cluster called “payroll” is recorded/],
  ['is deployment/bakery/oven clean?', 'safe', /critical and open.*nothing is called safe here/s],
  ['are we secure', 'safe', /critical and open.*nothing is called safe here/s],
  ['is bakery ok?', 'safe', /critical and open.*nothing is called safe here/s],
  ['is the image bakery/oven vulnerable', 'findings', /^CVE-2022-29078 in ejs of registry/],
  ['which critical vulns are there', 'findings', /^CVE-2022-29078/],
  ['log4shell?', 'cve-here', /No scanner reported CVE-2021-44228/],
  ['are we affected by cve-2022-29078', 'cve-here', /CVE-2022-29078 in ejs 3\.1\.6/],
  ['what is the blast radius of oven', 'blast-radius', /^From oven, \d+ things are within reach/],
  ['what can an attacker reach from deployment/bakery/oven', 'blast-radius', /^From oven, \d+ things/],
  ['what is the blast radius of toaster', 'blast-radius', /Nothing that is recorded is called “toaster”/],
  ['is oven exposed to the internet', 'attack-paths', /from the internet to oven/],
  ['is toaster exposed to the internet', 'attack-paths', /Nothing that is recorded is called “toaster”/],
  ['which secrets can oven read', 'attack-paths', /from oven to bakery\/Secret\/oven-ledger/],
  ['how could someone get from the internet to a secret', 'attack-paths', /from the internet to .*Secret/],
  ['how many alerts today', 'alerts-there', /\d+ alerts since 2026-11-24 00:00 UTC/],
  [
    'were there alerts in payroll',
    'alerts-there',
    /I don’t know: no source of alerts was ever set up\..*No namespace or cluster called “payroll”/s,
  ],
  ["what can't you see", 'coverage', /What never reported is not counted/],
  ['is falco running on all nodes', 'coverage', /a node without a sensor is not in this list/],
  ['when was the last scan', 'coverage', /What never reported is not counted/],
  ['what does Run shell untrusted mean', 'explain-rule', /was not given the rules files/],
  ['what is waiting for approval', 'waiting', /No proposal is waiting for approval/],
  ['what is prp-0000000000', 'waiting', /There is no proposal prp-0000000000/],
  ['approve it', 'not-here', /approves, closes and changes nothing/],
  ['please isolate the pod now', 'not-here', /approves, closes and changes nothing/],
  ['show me the password in secret oven-ledger', 'not-here', /Secrets are not told/],
  ['help', 'hello', /Ask about incidents/],
  ['thanks', 'hello', /Ask further/],
  ['was data stolen', 'anything-else', /I am not sure what is asked, and so this is no answer to it/],
  ['how many pods do we have', 'anything-else', /I am not sure what is asked/],
  ['what should i fix first?', 'fix-first', /^1\. Update ejs/],
  ['+what about payroll', 'fix-first', /No change is known to be needed in payroll/],
  ['+and in namespace bakery', 'fix-first', /^1\. Update ejs/],
  ['+why?', 'anything-else', /I am not sure what is asked/],
  ['what happened in the latest incident?', 'what-happened', /critical and open/],
  ['+and how did they get in', 'root-cause', /CVE-2022-29078|Candidate/],
  ['+why?', 'root-cause', /CVE-2022-29078|Candidate/],
  ['+and how bad is it', 'blast-radius', /within reach/],
  ['+who decided what about this', 'decided', /of the incident: note/],
  ['+is it safe now', 'safe', /critical and open.*nothing is called safe here/s],
  ['+who else', 'anything-else', /I am not sure what is asked/],
]

eachDatabase('questions as people ask them', (database) => {
  let incident: Incident
  beforeAll(async () => {
    const db = database()
    incident = await recordStory(db, clock, scope, renamed)
    while ((await deriveFixes(db, clock)).more);
    const pod = (await listEntities(db, { kind: 'pod', limit: 50 })).find(({ origin }) => origin === 'inventory')
    if (pod === undefined) throw new Error('the story has no pod')
    const target = {
      scope,
      kind: 'pod' as const,
      entityId: String(pod.id),
      uid: 'u',
      namespace: pod.namespace,
      name: pod.name,
      workloadKind: null,
    }
    await db.transaction(async (tx) => {
      const { proposal } = await insertProposal(
        tx,
        {
          incidentId: incident.id,
          investigationId: null,
          action: 'kubernetes.isolate_pod',
          params: {},
          target,
          reason: 'to stop it',
          proposedBy: { kind: 'user', id: admin.id, name: 'Ines' } as never,
          quorum: 1,
        },
        clock.now(),
      )
      await insertApproval(tx, {
        proposalId: proposal.id,
        principalId: admin.id,
        personId: 'g',
        name: 'Grace Ώ',
        role: 'responder',
        decision: 'approve',
        planHash: 'h',
        reason: '',
        channel: 'web',
        at: new Date('2026-11-24T11:00:00Z'),
      })
    })
    await decide(db, clock, admin, 'web', { kind: 'note', incident: incident.id, text: 'Baker called' }, 'Baker called')
  }, 120_000)

  let earlier: Turn[] = []
  it.each(questions)('%s', async (line, kind, says) => {
    if (!line.startsWith('+')) earlier = []
    const question = { text: line.replace(/^\+/, ''), thread: { id: 't' }, principal: viewer, about: null, earlier }
    expect(kindOf(asked(continued(question))).name).toBe(kind)
    const db = database()
    const found = await answer(question, {
      db,
      clock,
      models: null,
      signal: new AbortController().signal,
      tell: async () => {},
      hands: () =>
        connectHands({
          context: {
            db,
            clock,
            graph: new HeldGraph(db),
            principal: viewer,
            channel: 'web',
            pages: 'http://localhost',
            responses: {} as never,
          },
          choice: { toolsets, readOnly: true },
          version: '0',
          failed: (tool, error) => {
            throw new Error(`${tool} failed`, { cause: error })
          },
        }),
    })
    const turn = { number: earlier.length + 1, text: question.text, answer: found } as Turn
    earlier = [...earlier, turn]
    for (const claim of found.claims) expect(claim, claim.text).toMatchObject({ grounded: true })
    const said = [
      ...found.claims.map(({ text }) => text.replaceAll(/[⟦⟧]/g, '')),
      ...found.unknowns,
      found.partial ?? '',
      ...found.notes,
    ].join('\n')
    expect(said).toMatch(says)
    expect(said).not.toMatch(/\b(is|are) (safe|clean|secure)\b/)
  })

  it('tells an incident by what is in its thread, and takes no place for one', async () => {
    const about = { text: 'what happened in this incident', thread: { id: 't' }, principal: viewer, about: incident, earlier: [] }
    expect(asked(about)).toMatchObject({ incident: shortId('incident', incident.id), said: null, place: null })
    expect(asked({ ...about, text: 'and in the latest incident?' })).toMatchObject({ incident: null, said: { by: 'latest' }, place: null })
    expect(asked({ ...about, about: null, text: 'what happened in the critical incident' })).toMatchObject({ place: null, namespace: null })
  })
})
