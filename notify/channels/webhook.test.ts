import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { Secret } from '../../domain/redact.ts'
import { answers, type Received, Receiver } from '../../test/support/receiver.ts'
import { incidentFacts, noReport } from '../../test/support/incident-facts.ts'
import { Event } from '../../test/support/ocsf-schema.ts'
import { type Notification } from '../notification.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import { cloudEvent, signatureOf, webhook, type WebhookOptions } from './webhook.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const secret = new Secret('a shared secret of 30 characters')
const notification: Notification = { id: 'inc.3.created', change: 'created', version: 3, facts: incidentFacts() }
const stop = new AbortController().signal

describe('the signature', () => {
  it('is that of Standard Webhooks’ own example', () => {
    const given = new Secret('whsec_plJ3nmyCDGBKInavdOK15jsl')
    const body = '{"event_type":"ping","data":{"success":true}}'
    expect(signatureOf(given, 'msg_loFOjxBNrRLzqYUf', 1_731_705_121, body)).toBe('v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=')
  })

  it('takes a secret that is no whsec_ as it is, and depends on id, time and body', () => {
    const of = (id: string, at: number, body: string): string => signatureOf(secret, id, at, body)
    const expected = createHmac('sha256', 'a shared secret of 30 characters').update('a.1.{}').digest('base64')
    expect(of('a', 1, '{}')).toBe(`v1,${expected}`)
    expect(new Set([of('a', 1, '{}'), of('b', 1, '{}'), of('a', 2, '{}'), of('a', 1, '{ }')]).size).toBe(4)
  })
})

describe('a CloudEvent', () => {
  it('has what CloudEvents requires, says which incident, and carries a valid OCSF Incident Finding', () => {
    const { data, ...event } = cloudEvent(notification, 'https://falconer.example.org')
    const { incident } = notification.facts
    expect(event).toEqual({
      specversion: '1.0',
      id: 'inc.3.created',
      source: 'https://falconer.example.org',
      type: 'io.falconer.incident.created',
      subject: `incidents/${incident.id}`,
      time: incident.updatedAt.toISOString(),
      sequence: '0000000003',
      datacontenttype: 'application/json',
      dataschema: 'https://schema.ocsf.io/1.8.0/classes/incident_finding',
    })
    expect(Event.parse(JSON.parse(JSON.stringify(data)))).toMatchObject({ class_uid: 2005, activity_id: 1 })
  })
})

describe('docs/output.md', () => {
  it('shows an event exactly as it is sent', () => {
    const shown = /```json\n([\s\S]*?)\n```/.exec(readFileSync('docs/output.md', 'utf8'))?.[1] ?? ''
    const report = { ...noReport, verdict: 'true_positive' as const, confidence: 'high' as const } satisfies IncidentFacts['report']
    const facts = incidentFacts({ report, incident: { scope: 'prod' } })
    const id = `${facts.incident.id}.2.updated`
    const sent = cloudEvent({ id, change: 'updated', version: 2, facts }, 'https://falconer.example.org')
    expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(sent)))
  })
})

describe('a webhook', () => {
  const receiver = new Receiver()
  beforeAll(async () => receiver.listen())
  afterAll(async () => receiver.close())
  beforeEach(() => {
    receiver.received.length = 0
    receiver.answer = answers.ok
  })
  const send = (over: Partial<WebhookOptions> = {}) =>
    webhook({ url: new Secret(receiver.url), secret, source: () => 'http://here', clock, timeoutMs: 300, ...over }).send(notification, stop)

  it('sends structured mode, signed over the very bytes', async () => {
    expect(await send()).toEqual({ outcome: 'taken' })
    const { headers, body, path } = receiver.received[0] as Received
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
    expect([headers['webhook-id'], headers['webhook-timestamp']]).toEqual(['inc.3.created', String(clock.now().getTime() / 1_000)])
    expect(headers['webhook-signature']).toBe(signatureOf(secret, 'inc.3.created', clock.now().getTime() / 1_000, body))
    expect(path).toBe('/hook-of-nobody-else?key=only-ours-4711')
    await send({ secret: null })
    expect(receiver.received[1]?.headers['webhook-signature']).toBeUndefined()
  })

  it.each([
    [200, {}, { outcome: 'taken' }],
    [202, {}, { outcome: 'taken' }],
    [400, {}, { outcome: 'refused', reason: 'it answers 400' }],
    [413, {}, { outcome: 'refused', reason: 'it answers 413' }],
    [401, {}, { outcome: 'away', reason: 'it answers 401', retryAfterMs: null }],
    [410, {}, { outcome: 'away', reason: 'it answers 410', retryAfterMs: null }],
    [429, { 'retry-after': '17' }, { outcome: 'away', reason: 'it answers 429', retryAfterMs: 17_000 }],
    [503, { 'retry-after': 'Tue, 24 Nov 2026 12:02:00 GMT' }, { outcome: 'away', reason: 'it answers 503', retryAfterMs: 120_000 }],
    [500, { 'retry-after': 'soon' }, { outcome: 'away', reason: 'it answers 500', retryAfterMs: null }],
  ])('%d %o', async (status, headers, expected) => {
    receiver.answer = answers.status(status, headers as Record<string, string>)
    expect(await send()).toEqual(expected)
  })

  it.each([301, 302, 303, 307, 308])('does not follow %d', async (status) => {
    let visited = 0
    const elsewhere = createServer((_request, response) => {
      visited += 1
      response.end()
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
    receiver.answer = answers.status(status, { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` })
    expect(await send()).toMatchObject({ outcome: 'away', reason: `it answers ${status}, a redirect, which is not followed` })
    elsewhere.close()
    expect(visited).toBe(0)
  })

  it('gives up on one that says nothing, hangs up, or is not there, and tells nothing of its address', async () => {
    receiver.answer = answers.never
    expect(await send()).toMatchObject({ outcome: 'away', reason: 'it did not answer within 0.3 s' })
    receiver.answer = answers.cut
    expect(await send()).toMatchObject({ outcome: 'away', reason: expect.stringMatching(/^it cannot be reached/) })
    const nowhere = await send({ url: new Secret('http://127.0.0.1:9/hook-of-nobody-else') })
    expect(nowhere).toMatchObject({ outcome: 'away', reason: expect.stringMatching(/^it cannot be reached( \([A-Z_]+\))?$/) })
    expect(JSON.stringify(nowhere)).not.toMatch(/hook|127/)
    expect(webhook({ url: new Secret(receiver.url), secret, source: () => '', clock }).name).toMatch(/^webhook 127\.0\.0\.1:\d+$/)
  })
})
