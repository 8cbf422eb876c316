/** What clients are configured with, in their own formats. */
import { describe, expect, it } from 'vitest'
import { mcpClients, snippetFor } from './mcp-config.ts'

const process = { command: '/opt/falconer/bin/falconer', args: ['--data', '/var/falconer', 'mcp', '--read-only'], env: {} }
const address = { url: 'https://falconer.example/mcp?toolsets=graph,alerts', token: false }

describe('falconer mcp config', () => {
  it('starts a process, for every client', () => {
    for (const client of mcpClients) {
      const { snippet, where } = snippetFor(client, process) ?? {}
      const servers = (snippet as Record<string, Record<string, Record<string, unknown>>>)[client === 'vscode' ? 'servers' : 'mcpServers']
      expect(servers?.falconer).toMatchObject({ command: process.command, args: process.args })
      expect(where).not.toBe('')
    }
  })

  it('reaches an address, where the client signs in or sends a token that is nowhere in the snippet', () => {
    expect(snippetFor('vscode', address)?.snippet).toEqual({ servers: { falconer: { type: 'http', url: address.url } } })
    expect(snippetFor('vscode', { ...address, token: true })?.snippet).toEqual({
      inputs: [{ type: 'promptString', id: 'falconer-token', description: 'API token of Falconer', password: true }],
      servers: { falconer: { type: 'http', url: address.url, headers: { Authorization: 'Bearer ${input:falconer-token}' } } },
    })
    expect(snippetFor('cursor', { ...address, token: true })?.snippet).toEqual({
      mcpServers: { falconer: { url: address.url, headers: { Authorization: 'Bearer ${env:FALCONER_TOKEN}' } } },
    })
    expect(snippetFor('claude-code', { ...address, token: true })?.snippet).toEqual({
      mcpServers: { falconer: { type: 'http', url: address.url, headers: { Authorization: 'Bearer ${FALCONER_TOKEN}' } } },
    })
  })

  it('passes on through a process where the client reaches no address by itself', () => {
    for (const client of ['claude-desktop', 'jetbrains'] as const) expect(snippetFor(client, address)).toBeNull()
  })
})
