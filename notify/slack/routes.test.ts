import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { incidentFacts } from '../../test/support/incident-facts.ts'
import { isQuiet, isQuietUntil, QuietHours } from './quiet.ts'
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

  it('are known to last until a moment, to the minute, also through the change of time', () => {
    const hours = QuietHours.parse({ from: '22:00', to: '07:00', zone: 'Europe/Berlin' })
    const lasts = (from: string, until: string): boolean => isQuietUntil(hours, new Date(from), new Date(until))
    expect(lasts('2026-01-10T21:00:30Z', '2026-01-11T05:59:59Z')).toBe(true)
    expect(lasts('2026-01-10T21:00:30Z', '2026-01-11T06:00:00Z')).toBe(false)
    expect(lasts('2026-01-10T20:59:59Z', '2026-01-11T05:00:00Z')).toBe(false)
    // A whole day later it is quiet again, and was not between.
    expect(lasts('2026-01-10T23:00:00Z', '2026-01-11T23:00:00Z')).toBe(false)
    // There the night is an hour shorter, then an hour longer.
    expect(['2026-03-29T04:59:00Z', '2026-03-29T05:00:00Z'].map((until) => lasts('2026-03-28T22:00:00Z', until))).toEqual([true, false])
    expect(['2026-10-25T05:59:00Z', '2026-10-25T06:00:00Z'].map((until) => lasts('2026-10-24T22:00:00Z', until))).toEqual([true, false])
    expect(isQuietUntil(null, new Date(0), new Date(60_000))).toBe(false)
  })
})
