/** `falconer login`: through the browser's consent page with a real process, by a pasted token, and out again; what it leaves is its user's alone. */
import { mkdtemp, readFile, rm, stat, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notePort } from '../../apps/server/urls.ts'
import { tokenPrincipal } from '../../auth/people.ts'
import { listening } from '../support/listening.ts'
import { consent } from '../support/oauth.ts'
import { run, runHere, runToEnd } from '../support/process.ts'
import { openSite, type Site } from '../support/site.ts'

describe('falconer login', () => {
  let site: Site
  let url: string
  let folder: string
  let file: string
  let env: Record<string, string>
  let close: () => Promise<void>
  beforeAll(async () => {
    site = await openSite()
    const server = await listening(site.app.fetch)
    const { port } = server
    close = server.close
    notePort(site.falconer, port)
    url = `http://localhost:${port}`
    folder = await mkdtemp(join(tmpdir(), 'falconer-login-'))
    file = join(folder, 'falconer', 'credentials.json')
    env = { XDG_CONFIG_HOME: folder, FALCONER_URL: url }
  })
  afterAll(async () => {
    await close()
    await site.close()
    await rm(folder, { recursive: true, force: true })
  })
  const stored = async (): Promise<string> =>
    (JSON.parse(await readFile(file, 'utf8')) as Record<string, { token: string }>)[url]?.token ?? ''
  const principal = async (token: string) => tokenPrincipal(site.falconer.auth, token)

  it('is let in on the page; commands and MCP act for whoever pressed the button, until logout', async () => {
    const login = run(['login', '--data', join(folder, 'none')], env)
    const [address] = await login.says(/http:\/\/localhost:\d+\/oauth\/authorize\?\S+/)
    const { page, location } = await consent(site, new URL(address), site.people.responder)
    expect(page).toContain('falconer command line')
    const forged = new URL(location)
    forged.searchParams.set('state', 'guessed')
    expect((await fetch(forged)).status).toBe(400)
    expect(await (await fetch(location)).text()).toMatch(/signed in/)
    expect(await login.ended, login.errors()).toBe(0)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'falconer'))).mode & 0o777).toBe(0o700)
    const token = await stored()
    expect(login.output() + login.errors()).not.toContain(token)
    expect(await principal(token)).toMatchObject({ role: 'responder', mayApprove: false, personId: site.people.responder.id })

    expect(await runHere(['incidents', '--json'], env)).toMatchObject({ code: 0, errors: '' })
    const call = { jsonrpc: '2.0', id: 1, method: 'initialize' }
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    const ide = run(['mcp'], env, null)
    await ide.feed(`${JSON.stringify({ ...call, params: hello })}\n`)
    await ide.says(/"serverInfo":\{"name":"falconer"/)
    ide.child.stdin?.end()
    await ide.ended

    expect(await runHere(['logout'], env)).toMatchObject({ code: 0, errors: expect.stringContaining('revoked') })
    expect(await principal(token)).toBeUndefined()
    expect(await readFile(file, 'utf8')).not.toContain(token)
    expect(await runHere(['incidents'], env)).toMatchObject({ code: 1, errors: expect.stringContaining('falconer login') })
    expect(await runHere(['logout'], env)).toMatchObject({ code: 1, errors: expect.stringContaining('Nobody is logged in') })
  })

  it('is refused on the page', async () => {
    const login = run(['login'], env)
    const [address] = await login.says(/http:\/\/localhost:\d+\/oauth\/authorize\?\S+/)
    const { location } = await consent(site, new URL(address), site.people.viewer, { answer: 'refuse' })
    expect(location.searchParams.get('error')).toBe('access_denied')
    await fetch(location)
    expect(await login.ended).toBe(1)
    expect(login.errors()).toContain('refused on the page')
  })

  it('takes a pasted token that is good, keeps it from other servers, and refuses a file that others can read', async () => {
    expect(await runToEnd(['login', '--token'], env, 'flc_000000000000000000000000000000000000\n')).toMatchObject({ code: 1 })
    expect(await runToEnd(['login', '--token'], env, 'nonsense\n')).toMatchObject({ code: 1, errors: expect.stringContaining('flc_') })
    const { token } = site.people.viewer
    expect(await runToEnd(['login', '--token'], env, `${token}\n`)).toMatchObject({ code: 0 })
    expect(await stored()).toBe(token)
    expect(await runHere(['incidents'], { ...env, FALCONER_URL: url.replace('localhost', '127.0.0.1') })).toMatchObject({ code: 0 })
    expect(await runHere(['incidents'], { ...env, FALCONER_URL: 'http://localhost:9' })).toMatchObject({
      code: 1,
      errors: expect.stringContaining('Make an API token at http://localhost:9/account'),
    })
    await chmod(file, 0o644)
    expect(await runHere(['incidents'], env)).toMatchObject({ code: 1, errors: expect.stringContaining('chmod 600') })
    await writeFile(file, '{')
    await chmod(file, 0o600)
    expect(await runHere(['incidents'], env)).toMatchObject({ code: 1, errors: expect.stringContaining('log in again') })
  })
})
