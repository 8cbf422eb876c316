/** What Slack says of our tokens, in words that say what to do, against a Slack on this machine; and the line of `falconer doctor`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import { ConfigError, UpstreamError } from '../../domain/errors.ts'
import { embeddedDatabase } from '../../test/support/database.ts'
import { runHere } from '../../test/support/process.ts'
import { botToken, SlackWorkspace } from '../../test/support/slack-workspace.ts'
import { slackCheck } from './check.ts'
import { botScopes } from './manifest.ts'

let workspace: SlackWorkspace
beforeAll(async () => {
  workspace = await SlackWorkspace.open()
})
afterAll(async () => workspace.close())
beforeEach(() => {
  workspace.fails = () => null
  workspace.socketUrl = 'ws://127.0.0.1:9/never-opened'
  workspace.scopes = Object.keys(botScopes)
})

const appToken = 'xapp-of-this-test-only'
const settings = (over: Record<string, string | undefined> = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries({
      FALCONER_SLACK_BOT_TOKEN: botToken,
      FALCONER_SLACK_APP_TOKEN: appToken,
      FALCONER_SLACK_API_URL: workspace.url,
      ...over,
    }).filter((one): one is [string, string] => one[1] !== undefined),
  )
const check = (over: Record<string, string | undefined> = {}) => slackCheck(loadConfig(settings(over), {}))
const refused = (method: string, error: string): void => {
  workspace.fails = (call) => (call.method === method ? { ok: false, error } : null)
}

describe('slackCheck', () => {
  it('says as what, where and how Slack hears it', async () => {
    expect(await check()).toMatch(/^falconer in .+ \(T000000001\), heard over Socket Mode$/)
    const http = { FALCONER_SLACK_APP_TOKEN: undefined, FALCONER_SLACK_SIGNING_SECRET: 'a-signing-secret-of-slack' }
    expect(await check({ ...http, FALCONER_PUBLIC_URL: 'https://falconer.example.org' })).toMatch(/heard over HTTP at \/slack\/events$/)
    expect(await check(http)).toEqual({ note: expect.stringContaining('FALCONER_PUBLIC_URL, which is not set') as string })
  })

  it('says what a bot token alone can do', async () => {
    expect(await check({ FALCONER_SLACK_APP_TOKEN: undefined })).toEqual({
      note: expect.stringMatching(
        /posts cards, but hears nothing: set FALCONER_SLACK_APP_TOKEN or FALCONER_SLACK_SIGNING_SECRET/,
      ) as string,
    })
  })

  it.each(Object.keys(botScopes))('misses %s', async (scope) => {
    workspace.scopes = Object.keys(botScopes).filter((one) => one !== scope)
    expect(await check()).toEqual({
      note: expect.stringMatching(new RegExp(`scopes that are missing: ${scope}\\. Install the app anew`)) as string,
    })
  })

  it('does not call scopes given that Slack said nothing of', async () => {
    workspace.scopes = null
    expect(await check()).toEqual({ note: expect.stringContaining('did not say which scopes') as string })
  })

  it.each([
    ['auth.test', 'token_revoked', /FALCONER_SLACK_BOT_TOKEN: it was revoked\. Install the app again .*\(token_revoked\)/],
    ['auth.test', 'account_inactive', /FALCONER_SLACK_BOT_TOKEN: the app was removed/],
    ['auth.test', 'invalid_auth', /FALCONER_SLACK_BOT_TOKEN: Slack does not know it/],
    ['auth.test', 'org_login_required', /FALCONER_SLACK_BOT_TOKEN: org_login_required$/],
    ['apps.connections.open', 'not_allowed_token_type', /FALCONER_SLACK_APP_TOKEN: it is a token of another kind/],
    ['apps.connections.open', 'missing_scope', /FALCONER_SLACK_APP_TOKEN: it lacks a scope/],
  ])('%s answers %s: what to do', async (method, error, says) => {
    refused(method, error)
    const thrown = await check().catch((one: unknown) => one)
    expect(thrown).toBeInstanceOf(ConfigError)
    expect((thrown as Error).message).toMatch(says)
    expect((thrown as Error).message).not.toMatch(/xoxb-|xapp-/)
  })

  it('blames no token for a Slack that is away', async () => {
    const thrown = await check({ FALCONER_SLACK_API_URL: 'http://127.0.0.1:9/api/' }).catch((one: unknown) => one)
    expect(thrown).toBeInstanceOf(UpstreamError)
    expect((thrown as Error).message).toMatch(/^Slack does not answer: /)
  })

  it('says which token is not there', async () => {
    await expect(check({ FALCONER_SLACK_BOT_TOKEN: undefined })).rejects.toThrow(/FALCONER_SLACK_BOT_TOKEN is not set: docs\/slack\.md/)
  })
})

describe('falconer doctor', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'falconer-slack-doctor-'))
  beforeAll(async () => (await embeddedDatabase(folder)).close())
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const doctor = async (env: Record<string, string>) => {
    const { code, output } = await runHere(['doctor'], { FALCONER_DATA: folder, ...env })
    expect(output).not.toMatch(/xoxb-|xapp-/)
    return { code, line: /^.*\bslack {2,}.*$/m.exec(output)?.[0] }
  }

  it('has one line for Slack: well, refused, half set up, and not there', async () => {
    expect(await doctor(settings())).toEqual({
      code: 0,
      line: expect.stringMatching(/^ok {6}slack +falconer in .+, heard over Socket Mode$/) as string,
    })
    refused('auth.test', 'token_revoked')
    expect(await doctor(settings())).toEqual({
      code: 1,
      line: expect.stringMatching(/^FAILED {2}slack +Slack does not take FALCONER_SLACK_BOT_TOKEN: it was revoked/) as string,
    })
    workspace.fails = () => null
    workspace.scopes = ['chat:write']
    expect(await doctor(settings())).toEqual({ code: 0, line: expect.stringMatching(/^note {4}slack .*missing: .*commands/) as string })
    expect(await doctor({ FALCONER_SLACK_APP_TOKEN: appToken })).toEqual({
      code: 1,
      line: expect.stringMatching(/^FAILED {2}slack +FALCONER_SLACK_BOT_TOKEN is not set/) as string,
    })
    expect(await doctor({})).toEqual({
      code: 0,
      line: expect.stringMatching(/^note {4}slack +not there: FALCONER_SLACK_BOT_TOKEN is not set/) as string,
    })
  })
})
