/** Socket Mode: no public address. Heard, acknowledged, heard again on a new connection when Slack asks for one or goes away; refused tokens end nothing. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startSlack, type SlackApp } from '../../apps/slack/app.ts'
import { coverage } from '../../store/coverage-ledger.ts'
import { openSite, type Site } from '../support/site.ts'
import { codeAt, linkIn } from '../support/slack-people.ts'
import { SlackSocket } from '../support/slack-socket.ts'
import { botToken, SlackWorkspace } from '../support/slack-workspace.ts'

let workspace: SlackWorkspace
let socket: SlackSocket
let site: Site
let slack: SlackApp
beforeAll(async () => {
  workspace = await SlackWorkspace.open()
  socket = await SlackSocket.open()
  const config = {
    FALCONER_SLACK_BOT_TOKEN: botToken,
    FALCONER_SLACK_APP_TOKEN: 'xapp-of-this-test-only',
    FALCONER_SLACK_API_URL: workspace.url,
  }
  site = await openSite({ config })
  slack = await startSlack(site.falconer, { stepMs: 20 })
}, 120_000)
/** What coverage says of hearing Slack. */
const gap = async () => (await coverage(site.falconer, { limit: 10 })).covered.find(({ by }) => by === 'Socket Mode')?.gaps[0]
afterAll(async () => {
  await slack.stop()
  await site.close()
  await socket.close()
  await workspace.close()
})
const until = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 50 })

it('is heard once Slack takes the token, and on each new connection; what is sent again does nothing', async () => {
  // Refused at first: an app token that was not yet allowed.
  await until(() => expect(site.logged.join()).toContain('invalid_auth'))
  expect(slack.connected()).toBe(false)
  const since = site.clock.now()
  expect(await gap()).toBeUndefined()
  site.clock.advance(91_000)
  await until(async () =>
    expect(await gap()).toMatchObject({ kind: 'silent', since, says: expect.stringContaining('FALCONER_SLACK_APP_TOKEN (invalid_auth)') }),
  )
  workspace.socketUrl = socket.url
  await until(() => expect(slack.connected()).toBe(true))
  await until(async () => expect(await gap()).toBeUndefined())

  const first = socket.send(workspace.command('ada', 'link'))
  await until(() => expect(socket.answerTo(first)).toBeDefined())
  const path = linkIn(JSON.stringify(socket.answerTo(first)?.payload))
  const linked = socket.send(workspace.command('ada', `link ${await codeAt(site, path, site.people.viewer)}`))
  await until(() => expect(JSON.stringify(socket.answerTo(linked)?.payload)).toContain('in Falconer now'))

  const question = await workspace.mention('ada', 'is anything silent?')
  const sent = socket.send(question)
  await until(() => expect(workspace.of('chat.update').length).toBeGreaterThan(0))
  await slack.settle()
  expect(socket.answerTo(sent)).toBeDefined()
  const calls = workspace.of('chat.postMessage').length
  const again = socket.send(question, 1)
  await until(() => expect(socket.answerTo(again)).toBeDefined())
  await slack.settle()
  expect(workspace.of('chat.postMessage').length).toBe(calls)

  const before = socket.connections
  socket.refresh()
  await until(() => expect(socket.connections).toBe(before + 1))
  await until(() => expect(slack.connected()).toBe(true))
  const help = socket.send(workspace.command('ada', 'help'))
  await until(() => expect(JSON.stringify(socket.answerTo(help)?.payload)).toContain('/falconer incidents'))
  expect(slack.receive).toBeNull()
  expect((await site.ask('/slack/events', { method: 'POST', body: '{}' })).status).toBe(404)
}, 120_000)

it('that it is not heard is shown in coverage with since when, to whoever asks, and that it is again', async () => {
  await until(() => expect(slack.connected()).toBe(true))
  site.clock.advance(3_600_000)
  const port = Number(new URL(socket.url).port)
  const since = site.clock.now()
  await socket.close()
  await until(() => expect(slack.connected()).toBe(false))
  site.clock.advance(60_000)
  await until(async () => expect(await gap()).toBeUndefined())
  site.clock.advance(31_000)
  const words = async (): Promise<string> => (await site.ask('/coverage', { as: site.people.viewer })).text()
  await until(async () => expect(await gap()).toMatchObject({ kind: 'silent', since }))
  expect(await words()).toContain('Slack is not heard since then: ')
  const told = (await (await site.ask('/api/v1/coverage', { as: site.people.viewer })).json()) as {
    covered: { name: string; gaps: unknown[] }[]
  }
  expect(told.covered.find(({ name }) => name === 'questions in Slack')?.gaps).toMatchObject([{ since: since.toISOString() }])

  socket = await SlackSocket.open(port)
  await until(() => expect(slack.connected()).toBe(true))
  await until(async () => expect(await gap()).toBeUndefined())
  expect(await words()).not.toContain('Slack is not heard')
}, 120_000)
