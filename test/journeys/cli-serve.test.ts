/**
 * `falconer serve` as a platform engineer meets it: what it prints is what to put where, commands beside it speak with it by
 * token, kill -9 loses nothing it answered, and a second start gives no secret away.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createToken, invite } from '../../auth/people.ts'
import { systemClock } from '../../domain/clock.ts'
import { systemPrincipal } from '../../domain/principal.ts'
import { loadScenario, toJsonLines } from '../../evals/scenario.ts'
import { embeddedDatabase } from '../support/database.ts'
import { run, runHere, type Running, runToEnd } from '../support/process.ts'

const story = loadScenario('shop-checkout-intrusion', new Date())
const reading = ['incidents', 'proposals', 'sources', 'dead-letters', 'users', 'tokens', 'audit', 'doctor'] as const

describe('falconer serve', { timeout: 240_000 }, () => {
  let folder: string
  let token: string
  let server: Running
  let url: string
  let first: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-serve-'))
    const db = await embeddedDatabase(folder)
    const context = { db, clock: systemClock }
    const by = { principal: systemPrincipal, channel: 'cli' } as const
    const { user } = await invite(context, by, 'Ada', 'administrator')
    ;({ token } = await createToken(context, by, { userId: user.id, name: 'tests', role: 'administrator', days: 1 }))
    await db.close()
    ;[server, first] = await start()
    url = (/serves at (\S+)/.exec(first) as RegExpExecArray)[1] as string
  }, 240_000)
  afterAll(async () => {
    server?.child.kill('SIGKILL')
    await server?.ended
    await rm(folder, { recursive: true })
  })

  async function start(): Promise<[Running, string]> {
    const started = run(['--data', folder, 'serve', '--port', '0'], { FALCONER_LOG: 'warn' })
    await started.says(/Ctrl-C stops it/, 200_000)
    return [started, started.output()]
  }
  const falconer = (args: readonly string[], env: Record<string, string> = { FALCONER_TOKEN: token }): ReturnType<typeof runHere> =>
    runHere(['--data', folder, ...args], env)
  const json = async (...args: string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await falconer([...args, '--json'])).output) as Record<string, unknown>

  it('prints what goes into falco.yaml, exactly, and Falco’s posts to it are accepted', async () => {
    const falco = parse(/\n(json_output: [\s\S]*?)\n\n/.exec(first)?.[1] ?? '') as {
      json_output: boolean
      http_output: { enabled: boolean; url: string }
    }
    expect(falco).toMatchObject({ json_output: true, json_include_output_fields_property: true, http_output: { enabled: true } })
    const answer = await fetch(falco.http_output.url, { method: 'POST', body: toJsonLines(story.alerts.slice(0, 1)) })
    expect(await answer.json()).toMatchObject({ accepted: 1 })
  })

  it('prints what goes into falcosidekick’s configuration, exactly, and its posts are accepted', async () => {
    const { webhook } = parse(/\n(webhook:\n[\s\S]*?)\n\n/.exec(first)?.[1] ?? '') as {
      webhook: { address: string; customHeaders: Record<string, string> }
    }
    const answer = await fetch(webhook.address, {
      method: 'POST',
      headers: webhook.customHeaders,
      body: toJsonLines(story.alerts.slice(1)),
    })
    expect(await answer.json()).toMatchObject({ accepted: story.alerts.length - 1 })
  })

  it('prints one sign-in link, which opens, and says how to be reached from elsewhere', async () => {
    const links = first.match(/http:\/\/localhost:\d+\/sign-in\/\S+/g) ?? []
    expect(links).toHaveLength(1)
    expect((await fetch(links[0] as string)).status).toBe(200)
    expect(first).toMatch(/this machine only[\s\S]*FALCONER_HOST=0\.0\.0\.0[\s\S]*FALCONER_PUBLIC_URL=/)
    expect(first).toContain('Cluster  none. Set FALCONER_KUBECONFIG or FALCONER_IN_CLUSTER=true')
  })

  it.each(reading)('%s speaks with it, as a table and as JSON', async (command) => {
    const [table, asJson] = [await falconer([command]), await falconer([command, '--json'])]
    expect([table.code, asJson.code, `${table.errors}${asJson.errors}`]).toEqual([0, 0, ''])
    expect(table.output.trim()).not.toBe('')
    expect(Object.keys(JSON.parse(asJson.output) as object)).not.toEqual([])
  })

  it('shows one incident with its verdict, and investigates it when asked', async () => {
    const until = Date.now() + 120_000
    let found: { shortId: string; verdict: string | null } | undefined
    while (found?.verdict == null && Date.now() < until) {
      ;[found] = (await json('incidents')).incidents as [typeof found]
    }
    expect(found).toMatchObject({ verdict: 'true_positive', alerts: story.alerts.length })
    const one = await falconer(['incident', found?.shortId ?? ''])
    expect(one.output).toMatch(
      /^inc-[0-9a-f]{10} {2}critical[\s\S]*Verdict: true positive \(high confidence\), by the playbook[\s\S]*Why:\n/,
    )
    expect(one.output).toContain('--api-key=[redacted]” → “sh -i”')
    expect(`${one.output}${JSON.stringify(await json('investigate', found?.shortId ?? ''))}`).not.toContain('fx92hf81kq03')
  })

  it('is told by commands what is wrong, where, and what to do', async () => {
    const expected: [readonly string[], Record<string, string> | undefined, number, RegExp][] = [
      [['incidents'], {}, 1, new RegExp(`Make an API token at ${url}/account and set FALCONER_TOKEN`)],
      [
        ['incidents'],
        { FALCONER_TOKEN: 'flc_00000000000000000000000000000000' },
        1,
        /does not accept FALCONER_TOKEN: it is unknown, revoked or expired. Make another at/,
      ],
      [['incidents'], { FALCONER_URL: 'http://localhost:9', FALCONER_TOKEN: token }, 1, /Falconer at http:\/\/localhost:9 does not answer/],
      [['incident', 'inc-0000000000'], undefined, 1, /There is no incident inc-0000000000/],
      [['sources', 'add', 'Not Allowed'], undefined, 2, /A source’s name has 1 to 63 small letters/],
      [['users', 'invite', 'Eve'], undefined, 1, /A token cannot invite people/],
    ]
    for (const [args, env, code, says] of expected) {
      const refused = await falconer(args, env)
      expect({ args, ...refused }).toMatchObject({ args, code, output: '', errors: expect.stringMatching(says) })
    }
    const second = await runToEnd(['--data', folder, 'serve', '--port', '0'])
    expect(second).toMatchObject({
      code: 1,
      errors: expect.stringContaining(`is in use by another Falconer (pid ${server.child.pid}, ${url})`),
    })
  })

  it('killed with kill -9 and started again, it has all it answered, and gives neither the secret nor a used address away', async () => {
    const before = (await json('sources')).sources as { name: string; accepted: number }[]
    server.child.kill('SIGKILL')
    await server.ended
    const [again, second] = await start()
    server = again
    const secret = /fls_[\w-]+/.exec(first)?.[0] as string
    expect(second).not.toMatch(/fls_|falco\.yaml/)
    expect(second.match(/\/sign-in\/\S+/g)).toHaveLength(1)
    const { port } = new URL((/serves at (\S+)/.exec(second) as RegExpExecArray)[1] as string)
    const repeated = await fetch(`http://localhost:${port}/ingest/falco/${secret}`, { method: 'POST', body: toJsonLines(story.alerts) })
    expect(await repeated.json()).toMatchObject({ accepted: 0, duplicates: story.alerts.length })
    expect(before).toMatchObject([{ name: 'falco', accepted: story.alerts.length }])
    expect(await json('audit', '--verify')).toMatchObject({ broken: null })
  })

  it('imports through the server, and leaves with 0 at Ctrl-C', async () => {
    const imported = await runToEnd(
      ['--data', folder, 'import', '-', '--json', '--cluster', 'other'],
      { FALCONER_TOKEN: token },
      toJsonLines(story.alerts),
    )
    expect(JSON.parse(imported.output)).toMatchObject({ totals: { read: story.alerts.length, accepted: story.alerts.length } })
    server.child.kill('SIGINT')
    expect(await server.ended).toBe(0)
    expect(server.output()).toMatch(/Stopping\.\n$/)
    expect(server.errors()).toBe('')
  })
})
