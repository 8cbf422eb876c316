/** What an alert’s rule says: from the rules files as they are imported to the rule as Falco holds it, in the API, on the alert’s page and on its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSite, type Site } from '../support/site.ts'

const rules = `
- list: shells
  items: [bash, zsh]
- macro: spawned
  condition: evt.type=execve
- rule: Shell in <b>container</b>/pod
  desc: A shell was <script>started</script>.
  condition: spawned and proc.name in (shells)
  output: Shell (cmd=%proc.cmdline)
  priority: NOTICE
  tags: [container]
  exceptions:
    - name: known
      fields: [proc.pname]
      comps: [in]
      values:
        - [[entrypoint]]
- rule: Other
  desc: Another.
  condition: nowhere and evt.type=open
  output: Other
  priority: WARNING
`
const local = `
- list: shells
  items: [fish]
  override: { items: append }
- rule: Shell in <b>container</b>/pod
  condition: and container.id != host
  priority: CRITICAL
  override: { condition: append, priority: replace }
`
const alert = JSON.stringify({
  hostname: 'node-1',
  output: 'Shell',
  priority: 'Critical',
  rule: 'Shell in <b>container</b>/pod',
  source: 'syscall',
  time: '2026-11-23T11:59:00Z',
  output_fields: { 'proc.cmdline': 'bash' },
})
type Rule = { name: string; scope: string; priority: string; condition: string; written: string; expanded: string; problems: string[] }
type Part = { file: string; item: number; mode: string; does: string }
const textOf = (page: string): string => page.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

describe('Falco’s rules', () => {
  let site: Site
  beforeEach(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z' })
  })
  afterEach(async () => site.close())

  async function give(file: string, body: string, scope = 'lab'): Promise<void> {
    const as = { token: site.people.responder.token }
    const answer = await site.ask(`/api/v1/import?path=/etc/falco/${file}&scope=${scope}`, { method: 'POST', as, body })
    expect(await answer.json()).toMatchObject({ format: 'falco-rules', deadLetters: 0 })
    site.clock.advance(1_000)
  }
  const read = async <T>(path: string, status = 200): Promise<T> => {
    const answer = await site.ask(`/api/v1${path}`, { as: { token: site.people.viewer.token } })
    expect(answer.status, path).toBe(status)
    return (await answer.json()) as T
  }
  const order = async (): Promise<string[]> => (await read<{ files: { file: string }[] }>('/rules')).files.map((one) => one.file)
  const path = (name: string, scope = ''): string => `/rules/${encodeURIComponent(name)}${scope === '' ? '' : `?scope=${scope}`}`

  it('are told as they are loaded: what was defined, what changed it where, and in full', async () => {
    await give('falco_rules.yaml', rules)
    await give('falco_rules.local.yaml', local)
    const listed = await read<{ rules: Rule[]; problems: string[] }>('/rules')
    expect(listed).toMatchObject({
      rules: [
        {
          name: 'Shell in <b>container</b>/pod',
          priority: 'Critical',
          file: 'falco_rules.yaml',
          changedIn: ['falco_rules.local.yaml'],
          problems: [],
        },
        { name: 'Other', priority: 'Warning', changedIn: [], problems: ['it uses the macro nowhere, which is not defined before it'] },
      ],
      problems: [],
    })
    expect(listed.rules[0]).not.toHaveProperty('expanded')
    const rule = await read<Rule & { parts: Part[]; exceptions: unknown[] }>(path('Shell in <b>container</b>/pod'))
    expect(rule.written).toBe('spawned and proc.name in (shells)')
    expect(rule.condition).toContain('and container.id != host')
    expect(rule.expanded).toMatch(/evt\.type=execve.*proc\.name in \(bash, zsh, fish\).*not \(*proc\.pname in \(entrypoint\)/)
    expect(rule.exceptions).toMatchObject([{ name: 'known' }])
    expect(rule.parts).toMatchObject([
      { file: 'falco_rules.yaml', item: 3, mode: 'define', does: 'defines it' },
      { file: 'falco_rules.local.yaml', item: 2, mode: 'override', does: 'replaces priority, appends to condition' },
    ])
  })

  it('are loaded in the order they were given, Falco’s own file first; read again a file keeps its place', async () => {
    await give('z-first.yaml', '- list: one\n  items: [a]\n')
    await give('falco_rules.local.yaml', local)
    await give('falco_rules.yaml', rules)
    await give('a-last.yaml', '- list: two\n  items: [a]\n')
    const all = ['falco_rules.yaml', 'z-first.yaml', 'falco_rules.local.yaml', 'a-last.yaml']
    expect(await order()).toEqual(all)
    await give('falco_rules.yaml', `${rules}- list: new\n  items: [a]\n`)
    await give('z-first.yaml', '- list: one\n  items: [a]\n- list: three\n  items: [a]\n')
    expect(await order()).toEqual(all)
    expect(await read<{ problems: string[] }>('/rules')).toMatchObject({ problems: [] })
  })

  it('of one moment stand in the order of Falco’s own settings', async () => {
    for (const file of ['b.yaml', 'a.yaml', 'falco_rules.local.yaml', 'falco_rules.yaml']) {
      await give(file, file.startsWith('falco') ? (file.includes('local') ? local : rules) : `- list: ${file[0]}\n  items: [a]\n`)
      site.clock.advance(-1_000)
    }
    expect(await order()).toEqual(['falco_rules.yaml', 'falco_rules.local.yaml', 'a.yaml', 'b.yaml'])
  })

  it('say what is wrong with them, which cluster is meant, and how to give them', async () => {
    expect(await read(path('Other'), 404)).toMatchObject({
      detail: expect.stringMatching(/not given the rules files: .*falconer import \/etc\/falco\/falco_rules\.yaml/),
    })
    await give('falco_rules.local.yaml', local)
    expect(await read('/rules')).toMatchObject({
      rules: [],
      problems: [
        'shells: falco_rules.local.yaml, item 1: it adds to a list that is not defined before it',
        'Shell in <b>container</b>/pod: falco_rules.local.yaml, item 2: it changes a rule that is not defined before it',
      ],
    })
    await give('falco_rules.yaml', rules)
    await give('falco_rules.yaml', rules.replace('Another.', 'Elsewhere.'), 'far')
    expect(await read(path('Other'), 400)).toMatchObject({ detail: expect.stringContaining('far, lab. Say which one.') })
    expect(await read(path('Other', 'far'))).toMatchObject({ scope: 'far', desc: 'Elsewhere.' })
    expect(await read(path('No such', 'far'), 404)).toMatchObject({ detail: expect.stringContaining('(falco_rules.yaml)') })
    expect((await site.ask('/api/v1/rules')).status).toBe(401)
  })

  it('stand on the alert’s page and have a page, as text', async () => {
    await site.ingest(alert)
    await site.settle()
    const as = site.people.viewer
    const { alerts } = await read<{ alerts: { id: string }[] }>('/alerts')
    const shown = async (at: string): Promise<string> => (await site.ask(at, { as })).text()
    expect(textOf(await shown(`/alerts/${alerts[0]?.id}`))).toMatch(/The rule What it looks for is not known here: .*--cluster lab/)
    await give('falco_rules.yaml', rules)
    await give('falco_rules.local.yaml', local)
    const page = await shown(`/alerts/${alerts[0]?.id}`)
    expect(page).toContain('A shell was &lt;script&gt;started&lt;/script&gt;.')
    const [, link = ''] = /href="(\/rules\/[^"]+)"/.exec(page) ?? []
    const own = await shown(link.replaceAll('&amp;', '&'))
    expect(own).not.toMatch(/<script>started|<b>container/)
    expect(textOf(own)).toMatch(
      /As defined spawned and proc\.name in \(shells\) With what was added to it .* falco_rules\.local\.yaml , item 2: replaces priority, appends to condition/,
    )
    expect((await site.ask('/rules/No%20such', { as })).status).toBe(404)
    await site.ingest(JSON.stringify({ ...JSON.parse(alert), rule: 'half \ud800 pair', time: '2026-11-23T11:58:00Z' }))
    const odd = (await read<{ alerts: { id: string }[] }>('/alerts')).alerts
    for (const one of odd) expect((await site.ask(`/alerts/${one.id}`, { as })).status).toBe(200)
  })
})
