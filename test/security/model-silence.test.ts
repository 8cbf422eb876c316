/** Nothing phones home: what LangChain would send to LangSmith when the environment says so is never sent. */
import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silenceTracing } from '../../config/config.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let server: Server
let heard: string[] = []
beforeEach(async () => {
  heard = []
  server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`)
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))

/** A process whose environment asks for tracing runs a model of LangChain, with or without our configuration read before. */
async function traced(before: string): Promise<string> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const source = `${before}
    const { FakeListChatModel } = await import('@langchain/core/utils/testing')
    console.log((await new FakeListChatModel({ responses: ['said'] }).invoke('secret words')).text)
    await new Promise((resolve) => setTimeout(resolve, 1_500))`
  const names = ['TRACING', 'TRACING_V2'].flatMap((name) => [`LANGSMITH_${name}`, `LANGCHAIN_${name}`])
  const places = ['ENDPOINT', 'BASE_URL'].flatMap((name) => [`LANGSMITH_${name}`, `LANGCHAIN_${name}`])
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', source],
    {
      cwd: root,
      timeout: 30_000,
      env: {
        PATH: process.env.PATH ?? '',
        LANGSMITH_API_KEY: 'lsv2_pt_nobody',
        LANGCHAIN_API_KEY: 'lsv2_pt_nobody',
        LANGCHAIN_CALLBACKS_BACKGROUND: 'false',
        ...Object.fromEntries(names.map((name) => [name, 'true'])),
        ...Object.fromEntries(places.map((name) => [name, url])),
      },
    },
  )
  return stdout.trim()
}

describe('tracing', () => {
  it('cannot be switched on by the environment', async () => {
    expect(await traced(`const { loadConfig } = await import('./config/config.ts'); loadConfig()`)).toBe('said')
    expect(heard).toEqual([])
  })

  it('would be, if the environment were left as it is', async () => {
    expect(await traced('')).toBe('said')
    expect(heard).not.toEqual([])
  })

  it('is silenced by taking away what LangChain reads, and nothing else', () => {
    const environment = {
      LANGSMITH_TRACING: 'true',
      LANGCHAIN_TRACING_V2: 'true',
      LANGSMITH_GATEWAY: 'true',
      LANGCHAIN_VERBOSE: 'true',
      PATH: '/bin',
      OTEL_ENABLED: 'true',
    }
    silenceTracing(environment)
    expect(environment).toEqual({ PATH: '/bin' })
  })
})
