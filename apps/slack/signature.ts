/**
 * Whether a request comes from Slack: HMAC-SHA256 with the signing secret over the very bytes that came, with a time of no more than five minutes ago or
 * ahead. One form of each header is taken and no other; compared in constant time.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../domain/redact.ts'

const mostSeconds = 300

export type Signed = { body: Uint8Array; signature: string | null; timestamp: string | null }

export function isFromSlack(secret: Secret, { body, signature, timestamp }: Signed, now: Date): boolean {
  if (signature === null || !/^v0=[0-9a-f]{64}$/.test(signature)) return false
  if (timestamp === null || !/^[1-9]\d{9}$/.test(timestamp)) return false
  if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > mostSeconds) return false
  const ours = createHmac('sha256', secret.reveal()).update(`v0:${timestamp}:`).update(body).digest()
  return timingSafeEqual(ours, Buffer.from(signature.slice('v0='.length), 'hex'))
}
