/**
 * One HTTP request to a Kubernetes API server, signed in as the kubeconfig says (@kubernetes/client-node does
 * credentials, certificates and exec plug-ins). Bodies are sent as they are given; nothing is converted on the way.
 * Every request ends within its time, also when the answer comes drop by drop. Nothing is ever sent a second time.
 */
import http from 'node:http'
import https from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { UpstreamError } from '../domain/errors.ts'
import { KubernetesApiError } from './contract.ts'

export type ApiRequest = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string>
  body?: unknown
  contentType?: string
  accept?: string
  /** From the first byte sent to the last one received. */
  timeoutMs?: number
}
export type ApiResponse = { text: string; simulated: boolean }

const maxAnswerBytes = 128 * 1024 * 1024
const defaultTimeoutMs = 30_000

/** Sends it. Throws KubernetesApiError for the server's refusals, UpstreamError when it cannot be reached. */
export async function sendRequest(kubeConfig: KubeConfig, request: ApiRequest): Promise<ApiResponse> {
  const server = kubeConfig.getCurrentCluster()?.server
  if (server === undefined) throw new UpstreamError('The kubeconfig names no cluster', { retryable: false })
  const url = new URL(server.replace(/\/$/, '') + request.path)
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value)
  const options: https.RequestOptions = { method: request.method, headers: { accept: request.accept ?? 'application/json' } }
  await kubeConfig.applyToHTTPSOptions(options)
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  if (body !== undefined)
    options.headers = {
      ...(options.headers as http.OutgoingHttpHeaders),
      'content-type': request.contentType ?? 'application/json',
      'content-length': Buffer.byteLength(body),
    }
  const { status, text, simulated } = await exchange(url, options, body, request.timeoutMs ?? defaultTimeoutMs)
  if (status >= 200 && status < 300) return { text, simulated }
  throw new KubernetesApiError(status, `the API server answered ${status}: ${messageOf(text)}`)
}

async function exchange(
  url: URL,
  options: https.RequestOptions,
  body: string | undefined,
  timeoutMs: number,
): Promise<{ status: number; text: string; simulated: boolean }> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new UpstreamError(`The cluster at ${url.host} cannot be reached: ${error.message}`, { cause: error, retryable: true }))
    const outgoing = (url.protocol === 'https:' ? https : http).request(url, options, (incoming) => {
      const parts: Buffer[] = []
      let size = 0
      incoming.on('data', (part: Buffer) => {
        size += part.length
        if (size > maxAnswerBytes) outgoing.destroy(new Error(`its answer is larger than ${maxAnswerBytes} bytes`))
        else parts.push(part)
      })
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          text: Buffer.concat(parts).toString('utf8'),
          // Only a cluster on this machine may say so: who is believed to be simulated is spared what protects real ones.
          simulated: incoming.headers['x-falconer-simulated'] === 'true' && isLoopback(url.hostname),
        }),
      )
      incoming.on('error', fail)
    })
    const timer = setTimeout(() => outgoing.destroy(new Error(`it did not answer within ${timeoutMs / 1_000} s`)), timeoutMs)
    outgoing.on('close', () => clearTimeout(timer))
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

/** An answer's body. Throws UpstreamError where a proxy answered in the API server's stead. */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UpstreamError('The cluster’s answer is not JSON: something else than an API server answers there.', {
      cause: error,
      retryable: true,
    })
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text).slice(0, 500)
  } catch {
    return text.slice(0, 200)
  }
}
