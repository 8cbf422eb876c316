/** A storm: 29,465 alerts of one rule in a day, and three others among them. It must neither drown the page nor vanish. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertLines } from '../../bench/ingest-load.ts'
import { listIncidents } from '../../store/incidents.ts'
import { openSite, type Site } from '../support/site.ts'

const many = 29_465
const container = 'c0ffee000001'

/** A line of the storm, a few seconds after the one before; every 10,000th is followed by a rare, critical one. */
function storm(): string[] {
  const [line = ''] = alertLines(1, new Date('2026-11-22T12:00:00Z'), 0)
  const template = JSON.parse(line) as { output_fields: Record<string, unknown> } & Record<string, unknown>
  const at = (index: number, over: Record<string, unknown>, pid: number): string => {
    const time = new Date(Date.parse('2026-11-22T12:00:00Z') + index * 2_900).toISOString()
    const fields = { ...template.output_fields, 'evt.time': undefined, 'container.id': container, 'proc.pid': pid }
    return JSON.stringify({ ...template, time, output: null, ...over, output_fields: fields })
  }
  return Array.from({ length: many }, (_, index) => {
    const usual = at(index, { rule: 'Read sensitive file untrusted', priority: 'Warning' }, index)
    return index % 10_000 === 5_000
      ? [usual, at(index, { rule: 'Drop and execute new binary in container', priority: 'Critical' }, index)]
      : [usual]
  }).flat()
}

describe('a storm of one rule', () => {
  let site: Site
  let path = ''
  beforeAll(async () => {
    site = await openSite()
    const lines = storm()
    for (let from = 0; from < lines.length; from += 5_000)
      expect((await site.ingest(lines.slice(from, from + 5_000).join('\n'))).status).toBe(200)
    await site.settle()
    const { incidents } = await listIncidents(site.db, {}, { limit: 10 })
    expect(incidents.map((incident) => incident.alertCount)).toEqual([many + 3])
    path = `/incidents/${incidents[0]?.id}`
  }, 300_000)
  afterAll(() => site.close())

  const page = async (at: string): Promise<string> => {
    const answer = await site.ask(at, { as: site.people.viewer })
    expect(answer.status).toBe(200)
    return answer.text()
  }

  it('is one incident, whose page counts it, shows what is rare in it, and stays small', async () => {
    const text = await page(path)
    expect(text).toContain('29,465')
    expect(text).toContain('All 29,468 alerts')
    expect(text.match(/<h2 id="timeline">[^]*Drop and execute new binary in container/)).not.toBeNull()
    expect(text).toContain(`${(many - 5).toLocaleString('en')} more alerts`)
    expect(text.length).toBeLessThan(200_000)
  })

  it('was investigated with what is rare in it, and the report says how much was not read one by one', async () => {
    const text = await page(path)
    expect(text).toMatch(/Rule <code>Drop and execute new binary in container<\/code> \(3 alerts of the 200 that were read\)/)
    expect(text).toContain('29268 of 29468 alerts were counted but not read one by one')
  })

  it('keeps its history: every alert of it can be reached, rule by rule', async () => {
    const rare = await page(`${path}/alerts?rule=${encodeURIComponent('Drop and execute new binary in container')}`)
    expect(rare.match(/data-label="Rule"/g)).toHaveLength(3)
    let seen = 0
    let next: string | undefined = `${path}/alerts?rule=${encodeURIComponent('Read sensitive file untrusted')}`
    for (let pages = 0; next !== undefined && pages < 3; pages += 1) {
      const text = await page(next)
      seen += text.match(/data-label="Rule"/g)?.length ?? 0
      next = /href="([^"]*cursor=[^"]*)">Earlier/.exec(text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(seen).toBe(300)
    expect(await page(`${path}/alerts?rule=none`)).toContain('No alert')
  })
})
