/**
 * A webhook: CloudEvents 1.0 in structured mode, with the incident as OCSF, signed as Standard Webhooks says. Redirects are not followed: what was
 * meant for one place goes to no other. Nothing of the address but its host, and nothing of the answer but its status, is ever told.
 */
import { createHmac } from 'node:crypto'
import type { Clock } from '../../domain/clock.ts'
import type { Secret } from '../../domain/redact.ts'
import type { Note } from '../../store/outside-notes.ts'
import type { Channel, Notification, Outcome } from '../notification.ts'
import { ocsfVersion } from '../ocsf/event.ts'
import { incidentFinding } from '../ocsf/incident.ts'

export type WebhookOptions = {
  url: Secret
  /** Null: events are not signed. */ secret: Secret | null
  /** Which Falconer tells: its own address. */ source: () => string
  clock: Clock
  timeoutMs?: number
}

export function webhook({ url, secret, source, clock, timeoutMs = 10_000 }: WebhookOptions): Channel {
  const to = new URL(url.reveal())
  return {
    name: `webhook ${to.host}`,
    send: (notification, stop) => post(notification.id, cloudEvent(notification, source()), stop),
    note: (note, stop) => post(note.id, noteEvent(note, source()), stop),
  }

  async function post(id: string, event: Record<string, unknown>, stop: AbortSignal): Promise<Outcome> {
    const body = JSON.stringify(event)
    const timestamp = Math.floor(clock.now().getTime() / 1_000)
    const signature = secret === null ? {} : { 'webhook-signature': signatureOf(secret, id, timestamp, body) }
    try {
      const answer = await fetch(to, {
        method: 'POST',
        body,
        redirect: 'manual',
        signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
        headers: {
          'content-type': 'application/cloudevents+json; charset=utf-8',
          'user-agent': 'Falconer',
          'webhook-id': id,
          'webhook-timestamp': String(timestamp),
          ...signature,
        },
      })
      await answer.body?.cancel().catch(() => {})
      return outcomeOf(answer.status, retryAfter(answer.headers.get('retry-after'), clock))
    } catch (error) {
      return { outcome: 'away', reason: whyNot(error, timeoutMs), retryAfterMs: null }
    }
  }
}

/** What is about no incident. */
const noteEvent = ({ id, type, at, data }: Note, source: string): Record<string, unknown> => ({
  specversion: '1.0',
  id,
  source,
  type: `io.falconer.${type}`,
  time: at.toISOString(),
  datacontenttype: 'application/json',
  data,
})

export function cloudEvent({ id, change, version, facts }: Notification, source: string): Record<string, unknown> {
  const { incident } = facts
  return {
    specversion: '1.0',
    id,
    source,
    type: `io.falconer.incident.${change}`,
    subject: `incidents/${incident.id}`,
    time: incident.updatedAt.toISOString(),
    // The extension “sequence”: of one incident the greater is the later.
    sequence: String(version).padStart(10, '0'),
    datacontenttype: 'application/json',
    dataschema: `https://schema.ocsf.io/${ocsfVersion}/classes/incident_finding`,
    data: incidentFinding(facts, change),
  }
}

/** Standard Webhooks: HMAC-SHA256 over id, timestamp and body. A secret that begins with whsec_ is base64, any other is its own bytes. */
export function signatureOf(secret: Secret, id: string, timestamp: number, body: string): string {
  const text = secret.reveal()
  const key = text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : Buffer.from(text)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

/** 4xx that speak of this one event; others, as 401, 404, 410 and redirects, will be answered to the next one too. */
const ofTheEvent = new Set([400, 409, 413, 415, 422])

function outcomeOf(status: number, retryAfterMs: number | null): Outcome {
  if (status >= 200 && status < 300) return { outcome: 'taken' }
  if (ofTheEvent.has(status)) return { outcome: 'refused', reason: `it answers ${status}` }
  const redirects = status >= 300 && status < 400 ? ', a redirect, which is not followed' : ''
  return { outcome: 'away', reason: `it answers ${status}${redirects}`, retryAfterMs }
}

/** Seconds, or a date. */
function retryAfter(text: string | null, clock: Clock): number | null {
  if (text === null) return null
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.now().getTime()
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

/** Codes only: the message of a failed request may hold its address. */
function whyNot(error: unknown, timeoutMs: number): string {
  if ((error as Error | null)?.name === 'TimeoutError') return `it did not answer within ${timeoutMs / 1_000} s`
  const code = ((error as { cause?: { code?: unknown } } | null)?.cause?.code ?? '') as string
  return `it cannot be reached${/^[A-Z0-9_]{3,60}$/.test(code) ? ` (${code})` : ''}`
}
