import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { incidentFacts } from '../../test/support/incident-facts.ts'
import { Pace } from './pace.ts'
import { isQuiet, QuietHours } from './quiet.ts'
import { channelsIn, loadSlackRoutes, type Routed, routedOf, routeOf } from './routes.ts'

const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'falconer-routes-')), 'routes.yaml')
  writeFileSync(path, text)
  return path
}
const yaml = `version: 1
routes:
  - { severity: critical, channel: C0ONCALL1 }
  - { cluster: prod, namespace: [shop, shop-*], channel: C0SHOP001 }
  - { team: payments, channel: C0PAY0001 }
  - { cluster: lab, channel: null }
`

describe('routes', () => {
  const routes = loadSlackRoutes(file(yaml))
  const of = (over: Partial<Routed>): string | null =>
    routeOf(routes, 'C0DEFAULT', { cluster: 'x', namespaces: [], teams: [], severity: 'low', ...over }).channel

  it('are taken in their order, the first that fits; else the default', () => {
    expect(of({ severity: 'critical', cluster: 'lab' })).toBe('C0ONCALL1')
    expect(of({ cluster: 'prod', namespaces: ['a', 'shop'] })).toBe('C0SHOP001')
    expect(of({ cluster: 'prod', namespaces: ['shop-eu'] })).toBe('C0SHOP001')
    expect(of({ cluster: 'prod', namespaces: ['shopping'] })).toBe('C0DEFAULT')
    expect(of({ teams: ['payments'] })).toBe('C0PAY0001')
    expect(of({ cluster: 'lab' })).toBeNull()
    expect(of({})).toBe('C0DEFAULT')
    expect(channelsIn(routes, 'C0DEFAULT')).toEqual(['C0ONCALL1', 'C0SHOP001', 'C0PAY0001', 'C0DEFAULT'])
  })

  it('read cluster, namespaces and teams off the record', () => {
    expect(routedOf(incidentFacts({ namespaces: ['web'] }), routes)).toEqual({
      cluster: 'lab',
      namespaces: ['web', 'shop'],
      teams: ['payments'],
      severity: 'high',
    })
  })

  it.each([
    ['version: 2', 'version: '],
    ['version: 1\nroutes:\n  - { channel: "#general" }', 'routes.0.channel: is the id of a channel'],
    ['version: 1\nroutes:\n  - { namespaces: a, channel: C0DEFAULT }', 'Unrecognized key: "namespaces"'],
    ['version: 1\nquiet: { from: "25:00", to: "07:00", zone: Europe/Berlin }', 'quiet.from: is a time of day'],
    ['version: 1\nquiet: { from: "22:00", to: "07:00", zone: Mars/Base }', 'quiet.zone: is no time zone'],
    ['version: 1\nmention: { critical: everyone }', 'mention.critical: '],
    ['{', 'cannot be read'],
  ])('that cannot be used are refused with words: %j', (text, words) => {
    expect(() => loadSlackRoutes(file(text))).toThrow(words)
    expect(() => loadSlackRoutes(file(text))).toThrow('FALCONER_SLACK_ROUTES')
  })
})

describe('quiet hours', () => {
  it('are those of the zone, past midnight and through its change of time', () => {
    const hours = QuietHours.parse({ from: '22:00', to: '07:00', zone: 'Europe/Berlin' })
    const quiet = (at: string): boolean => isQuiet(hours, new Date(at))
    expect(['2026-01-10T20:59Z', '2026-01-10T21:00Z', '2026-01-11T05:59Z', '2026-01-11T06:00Z'].map(quiet)).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(['2026-07-10T19:59Z', '2026-07-10T20:00Z', '2026-07-11T04:59Z', '2026-07-11T05:00Z'].map(quiet)).toEqual([
      false,
      true,
      true,
      false,
    ])
    const noon = QuietHours.parse({ from: '12:00', to: '13:00', zone: 'UTC' })
    expect(['2026-01-10T11:59Z', '2026-01-10T12:00Z', '2026-01-10T13:00Z'].map((at) => isQuiet(noon, new Date(at)))).toEqual([
      false,
      true,
      false,
    ])
    expect(isQuiet(null, new Date())).toBe(false)
  })
})

describe('pace', () => {
  it('lets one message a second into a channel, and fewer updates a minute than Slack takes', () => {
    const clock = new FixedClock('2026-11-24T12:00:00Z')
    const pace = new Pace(clock)
    const taken = { post: 0, other: 0, update: 0 }
    for (let tick = 0; tick < 600; tick += 1) {
      if (pace.take('post', 'a') === 0) taken.post += 1
      if (pace.take('post', 'b') === 0) taken.other += 1
      if (pace.take('update', tick % 2 === 0 ? 'a' : 'b') === 0) taken.update += 1
      clock.advance(100)
    }
    expect(taken).toMatchObject({ post: 55, other: 55 })
    expect(taken.update).toBeGreaterThan(40)
    expect(taken.update).toBeLessThan(50)
  })
})
