/**
 * Guarantee 18: a request that Slack did not sign, or signed long ago, or that was heard before, does nothing. 100 vectors that each damage one thing of a
 * good one; the good one beside them works, so that a door that refuses everything fails here too.
 */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isFromSlack } from '../../apps/slack/signature.ts'
import { Secret } from '../../domain/redact.ts'
import { slackUsersOf } from '../../store/slack-links.ts'
import { type InSlack, inSlack, linkIn, slackConfig } from '../support/slack-people.ts'
import { openSite, type Site } from '../support/site.ts'
import { signatureOf, signed, signingSecret, SlackWorkspace } from '../support/slack-workspace.ts'

type Sent = { body: string; signature: string | null; timestamp: string | null }
const at = new Date('2026-11-24T12:00:00Z')
const seconds = at.getTime() / 1_000
const hmac = (text: string, secret = signingSecret, hash = 'sha256', as: 'hex' | 'base64' = 'hex'): string =>
  createHmac(hash, secret).update(text).digest(as)

/** Each damages one thing. */
function badVectors(body: string): [string, Sent][] {
  const timestamp = String(seconds)
  const good = signatureOf(body, timestamp)
  const hex = good.slice(3)
  const flip = (place: number): string =>
    `v0=${hex.slice(0, place)}${((Number.parseInt(hex[place] ?? '0', 16) + 1) % 16).toString(16)}${hex.slice(place + 1)}`
  const bySignature = (name: string, signature: string | null): [string, Sent] => [name, { body, signature, timestamp }]
  const byTime = (name: string, time: string | null): [string, Sent] => [
    name,
    { body, signature: time === null ? good : signatureOf(body, time), timestamp: time },
  ]
  const byBody = (name: string, other: string): [string, Sent] => [name, { body: other, signature: good, timestamp }]
  return [
    ...Array.from({ length: 64 }, (_, place): [string, Sent] => bySignature(`digit ${place} is another`, flip(place))),
    ...['', 'x', `${signingSecret} `, ` ${signingSecret}`, signingSecret.toUpperCase(), signingSecret.slice(1)].map(
      (secret): [string, Sent] => bySignature(`another secret (${JSON.stringify(secret)})`, signatureOf(body, timestamp, secret)),
    ),
    bySignature('none', null),
    bySignature('empty', ''),
    bySignature('only its version', 'v0='),
    bySignature('without its version', hex),
    ...['v1', 'V0', 'v00', 'v', 'sha256'].map((version): [string, Sent] => bySignature(`version ${version}`, `${version}=${hex}`)),
    bySignature('another version, signed as such', `v1=${hmac(`v1:${timestamp}:${body}`)}`),
    bySignature('in capitals', `v0=${hex.toUpperCase()}`),
    bySignature('a digit short', good.slice(0, -1)),
    bySignature('a digit long', `${good}0`),
    bySignature('twice', `${good},${good}`),
    bySignature('with more behind it', `${good}=`),
    bySignature('a list that ends well', `v0=${'0'.repeat(64)},${good}`),
    bySignature('zeros', `v0=${'0'.repeat(64)}`),
    bySignature('in base64', `v0=${hmac(`v0:${timestamp}:${body}`, signingSecret, 'sha256', 'base64')}`),
    bySignature('SHA-1', `v0=${hmac(`v0:${timestamp}:${body}`, signingSecret, 'sha1')}`),
    bySignature('SHA-512', `v0=${hmac(`v0:${timestamp}:${body}`, signingSecret, 'sha512')}`),
    bySignature('SHA-512, cut', `v0=${hmac(`v0:${timestamp}:${body}`, signingSecret, 'sha512').slice(0, 64)}`),
    bySignature('of the body alone', `v0=${hmac(body)}`),
    bySignature('of no body', `v0=${hmac(`v0:${timestamp}:`)}`),
    bySignature('in another order', `v0=${hmac(`v0:${body}:${timestamp}`)}`),
    bySignature('of the time of another request', signatureOf(body, String(seconds - 1))),
    byTime('no time', null),
    ...[
      '',
      '0',
      '-1',
      'NaN',
      'now',
      '1e9',
      `${seconds}.0`,
      `0${seconds}`,
      `+${seconds}`,
      `0x${seconds.toString(16)}`,
      `${seconds * 1_000}`,
      `${seconds},${seconds}`,
    ].map((time): [string, Sent] => byTime(`time ${JSON.stringify(time)}`, time)),
    ...[301, 302, 600, 3_600, 86_400, 31_536_000].map((age): [string, Sent] => byTime(`${age} s old`, String(seconds - age))),
    ...[301, 600, 86_400].map((ahead): [string, Sent] => byTime(`${ahead} s ahead`, String(seconds + ahead))),
    byBody('a space behind', `${body} `),
    byBody('a line behind', `${body}\n`),
    byBody('a space before', ` ${body}`),
    byBody('cut', body.slice(0, -1)),
    byBody('no body', ''),
    byBody('encoded anew: %20 for +', body.replace('+', '%20')),
    byBody(
      'encoded anew: small hex',
      body.replace(/%[0-9A-F]{2}/g, (one) => one.toLowerCase()),
    ),
    byBody('encoded anew: decoded', decodeURIComponent(body)),
    byBody('a field more', `${body}&user_id=U0`),
    byBody('fields in another order', body.split('&').toReversed().join('&')),
    byBody('another user', body.replace(/user_id=\w+/, 'user_id=UOTHER')),
    byBody('a byte order mark', `\ufeff${body}`),
  ]
}

describe('guarantee 18: signatures of Slack', () => {
  let workspace: SlackWorkspace
  let site: Site
  let there: InSlack
  beforeAll(async () => {
    workspace = await SlackWorkspace.open()
    site = await openSite({ now: at.toISOString(), config: slackConfig(workspace) })
    there = await inSlack(site, workspace)
  }, 120_000)
  afterAll(async () => {
    await there.slack.stop()
    await site.close()
    await workspace.close()
  })
  const post = async ({ body, signature, timestamp }: Sent): Promise<Response> => {
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' }
    if (signature !== null) headers['x-slack-signature'] = signature
    if (timestamp !== null) headers['x-slack-request-timestamp'] = timestamp
    const answer = await site.ask('/slack/events', { method: 'POST', body, headers })
    await there.slack.settle()
    return answer
  }

  it('refuses at least 100 bad ones and heeds none of them, and takes the good one', async () => {
    const { body } = signed(workspace.command('ada', 'link '), { at })
    const vectors = badVectors(body)
    expect(vectors.length).toBeGreaterThanOrEqual(100)
    expect(new Set(vectors.map(([name]) => name)).size).toBe(vectors.length)
    const good = { body, signature: signatureOf(body, String(seconds)), timestamp: String(seconds) }
    for (const [name, sent] of vectors) {
      expect([name, sent]).not.toEqual([name, good])
      const answer = await post(sent)
      expect([name, answer.status]).toEqual([name, 401])
      expect(await answer.text()).not.toContain('link')
    }
    const answer = await post(good)
    expect([answer.status, linkIn(await answer.text())]).toEqual([200, expect.stringContaining('/slack/link/')])
    // Once more, byte for byte: heard, and without effect.
    const again = await post(good)
    expect([again.status, await again.text()]).toEqual([200, ''])
    // Encoded anew and signed anew it would need the secret; the same click under a new signature is still the same click.
    const later = { body, timestamp: String(seconds + 1), signature: signatureOf(body, String(seconds + 1)) }
    expect(await (await post(later)).text()).toBe('')
    console.log(`${vectors.length} bad vectors refused`)
  })

  it('takes a signature for five minutes to the second, in either direction', () => {
    const secret = new Secret(signingSecret)
    const sent = { body: Buffer.from('x'), timestamp: String(seconds), signature: signatureOf('x', String(seconds)) }
    for (const [off, held] of [
      [0, true],
      [300_000, true],
      [300_001, false],
      [-300_000, true],
      [-300_001, false],
    ] as const)
      expect([off, isFromSlack(secret, sent, new Date(at.getTime() + off))]).toEqual([off, held])
  })

  it('is over the bytes that came, not over what they say', () => {
    const secret = new Secret(signingSecret)
    const bytes = Buffer.from([0x7b, 0xff, 0x7d])
    const signature = `v0=${createHmac('sha256', signingSecret).update(`v0:${seconds}:`).update(bytes).digest('hex')}`
    expect(isFromSlack(secret, { body: bytes, timestamp: String(seconds), signature }, at)).toBe(true)
    expect(isFromSlack(secret, { body: Buffer.from(bytes.toString()), timestamp: String(seconds), signature }, at)).toBe(false)
  })

  it('a session of a browser, a token, or a foreign Host do not stand in for a signature', async () => {
    const { body } = signed(workspace.command('eve', 'link'), { at })
    for (const as of [site.people.administrator, { token: site.people.administrator.token }])
      expect((await site.ask('/slack/events', { method: 'POST', body, as })).status).toBe(401)
    const { headers } = signed(workspace.command('eve', 'link'), { at })
    expect((await site.ask('/slack/events', { method: 'POST', body, headers: { ...headers, host: 'evil.example' } })).status).toBe(403)
    expect(await slackUsersOf(site.db, site.people.administrator.id)).toEqual([])
  })

  it('answers Slack’s question whether this address is ours, when signed', async () => {
    const asked = signed({ type: 'url_verification', challenge: 'c-4711' }, { at })
    const answer = await site.ask('/slack/events', { method: 'POST', ...asked })
    expect(await answer.json()).toEqual({ challenge: 'c-4711' })
    expect((await site.ask('/slack/events', { method: 'POST', ...asked, body: asked.body.replace('4711', '4712') })).status).toBe(401)
  })
})
