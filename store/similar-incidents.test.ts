import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { newId } from '../domain/ids.ts'
import { eachDatabase } from '../test/support/database.ts'
import { alertsBeginning, incidentsTitled, namespacesNamed, rulesNamed } from './completions.ts'
import { saveIncidents, type DerivedIncident } from './incidents.ts'
import { processesOf, sharingIncidents } from './similar-incidents.ts'

const at = new Date('2026-11-24T12:00:00Z')
const incident = (given: Partial<DerivedIncident>): DerivedIncident => ({
  id: newId(),
  scope: 'lab',
  title: 'Something happened',
  severity: 'high',
  severityFloor: 'high',
  severityReasons: [],
  correlationVersion: '1',
  alertCount: 1,
  firstNs: 1n,
  lastNs: 2n,
  tactics: [],
  techniques: [],
  rules: [],
  entityIds: [],
  ...given,
})

eachDatabase('incidents alike', (database) => {
  const about = incident({ title: 'A shell\0 in 100% of checkout_1', rules: ['Shell\0', 'Read'], techniques: ['T1059'], entityIds: [7n] })
  const both = incident({ title: 'Both rules', rules: ['Read', 'Shell\0'], techniques: ['T1059', 'T1003'] })
  const place = incident({ title: 'The same place', rules: ['Other'], entityIds: [7n, 8n] })
  const technique = incident({ title: 'The technique alone', techniques: ['T1059'] })
  const nothing = incident({ title: 'Nothing of it', rules: ['Another'], techniques: ['T1496'], entityIds: [9n] })
  beforeAll(async () => {
    await database().transaction((tx) => saveIncidents(tx, [about, both, place, technique, nothing], at))
    await database()
      .query(sql`insert into entities (scope, kind, key, name, namespace, properties, origin, first_ns, last_ns, valid_from_ns)
      values ('lab', 'namespace', 'shop', 'shop', null, '{}', 'test', 1, 1, 1), ('lab', 'namespace', 'sh_p', 'sh_p', null, '{}', 'test', 1, 1, 1)`)
  })

  it('are those that share something, what shares most first, with what they share', async () => {
    const { incidents, compared } = await sharingIncidents(database(), about, { limit: 10 })
    expect(compared).toBe(4)
    expect(incidents.map(({ title }) => title)).toEqual(['Both rules', 'The same place', 'The technique alone'])
    expect(incidents[0]).toMatchObject({ sharedRules: ['Read', 'Shell\0'], sharedTechniques: ['T1059'], sharedEntities: [] })
    expect(incidents[1]).toMatchObject({ sharedRules: [], sharedEntities: [7n] })
    expect(await sharingIncidents(database(), about, { limit: 10 })).toEqual({ incidents, compared })
    expect((await sharingIncidents(database(), about, { limit: 1 })).incidents).toEqual(incidents.slice(0, 1))
    // That nothing is shared is told of so many as were looked at.
    const other = { ...about, rules: ['Never seen'], techniques: [], entityIds: [] }
    expect(await sharingIncidents(database(), other, { limit: 10 })).toEqual({ incidents: [], compared: 4 })
    expect(await processesOf(database(), [about.id])).toEqual(new Map([[about.id, []]]))
    expect(await processesOf(database(), [])).toEqual(new Map())
  })

  it('are named by a part of their title, in which nothing is a pattern', async () => {
    const titles = async (text: string) => (await incidentsTitled(database(), text, 10)).map(({ title }) => title)
    expect(await titles('BOTH')).toEqual(['Both rules'])
    expect(await titles('100%')).toEqual([about.title])
    expect(await titles('t_e same')).toEqual([])
    expect(await titles('%')).toEqual([about.title])
    expect(await titles(about.id.slice(0, 36))).toEqual([about.title])
    expect(await titles('')).toHaveLength(5)
  })

  it('and rules, namespaces and alerts by a part of their name', async () => {
    expect(await rulesNamed(database(), 'read', 10)).toEqual(['Read'])
    expect(await rulesNamed(database(), 'shell\0', 10)).toEqual(['Shell\0'])
    expect(await rulesNamed(database(), 'other', 10)).toEqual(['Other', 'Another'])
    expect(await namespacesNamed(database(), 'sh_', 10)).toEqual(['sh_p'])
    expect(await namespacesNamed(database(), 'sh', 1)).toHaveLength(1)
    expect(await alertsBeginning(database(), '', 5)).toEqual([])
  })
})
