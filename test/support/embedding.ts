/** Somebody's embedder on this machine: speaks as OpenAI, Voyage and Ollama do, and fails as a test says. A vector's first number is its text's length. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Fault = 'none' | 'down' | '500' | '429' | 'cut' | 'nonsense' | 'few' | 'nan' | 'zero' | 'huge' | 'moved' | 'slow'
export type Embedding = {
  url: string
  origin: string
  fault: Fault
  last: { path: string; body: string; authorization: string | undefined }
  requests: number
  /** What was sent, in order: by whose key, which texts. */ heard: { by: string; texts: string[] }[]
  /** Waited for before an answer. */ pause(): Promise<void>
  close(): Promise<void>
}

export async function startEmbedding(): Promise<Embedding> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      embedding.requests += 1
      const body = Buffer.concat(parts).toString()
      embedding.last = { path: request.url ?? '', body, authorization: request.headers.authorization }
      const { path, authorization } = embedding.last
      const { input: texts } = JSON.parse(body) as { input: string[] }
      embedding.heard.push({ by: authorization?.replace('Bearer ', '') ?? '', texts })
      if (failed(embedding.fault, response)) return
      void embedding.pause().then(() => answer(embedding.fault, path, texts, response))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const embedding: Embedding = {
    url: `${origin}/v1`,
    origin,
    fault: 'none',
    last: { path: '', body: '', authorization: undefined },
    requests: 0,
    heard: [],
    pause: async () => {},
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return embedding
}

function failed(fault: Fault, response: ServerResponse): boolean {
  if (fault === 'slow') return true
  if (fault === 'down') response.destroy()
  else if (fault === '500' || fault === '429') response.writeHead(Number(fault), { 'retry-after': '7' }).end('{}')
  else if (fault === 'cut') response.writeHead(200, { 'content-length': '500' }).write('{"data":[', () => response.destroy())
  else if (fault === 'nonsense') response.end('{"data":"none"}')
  else if (fault === 'huge') response.end(`{"data":"${'x'.repeat(17 * 1024 * 1024)}"}`)
  else if (fault === 'moved') response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()
  return response.destroyed || response.headersSent || response.writableEnded
}

function answer(fault: Fault, path: string, input: readonly string[], response: ServerResponse): void {
  const bad = { nan: null, zero: 0 }[fault as 'nan' | 'zero']
  const vectors = input.map((text) =>
    Array.from({ length: 16 }, (_each, place) => (bad === undefined ? (place === 0 ? text.length : text.charCodeAt(place) || 1) : bad)),
  )
  const kept = fault === 'few' ? vectors.slice(1) : vectors
  // Not in their order: providers number them.
  const data = kept.map((embedding, index) => ({ object: 'embedding', index, embedding })).reverse()
  response.end(JSON.stringify(path === '/api/embed' ? { embeddings: kept } : { object: 'list', data }))
}
