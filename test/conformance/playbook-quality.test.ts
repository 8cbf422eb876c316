/** The playbook on records that others made: techniques and places as their rules say, nothing ordinary condemned, every sentence confirmed. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import type { Database } from '../../store/database.ts'
import { embeddedDatabase } from '../support/database.ts'
import { conformance, dataFolder } from './data.ts'
import { filesOfRuns, type Run, runPlaybook } from './playbook-runs.ts'
import { judgeRun, type Row, tableOf } from './playbook-table.ts'

conformance('the playbook on real data', () => {
  let db: Database
  let rows: Row[]
  const runs: Run[] = []
  beforeAll(async () => {
    db = await embeddedDatabase()
    for (const file of await filesOfRuns(dataFolder)) runs.push(await runPlaybook(db, new FixedClock('2026-11-24T12:00:00Z'), file))
    rows = runs.map(judgeRun)
    console.log(tableOf(rows))
  }, 300_000)
  afterAll(async () => db.close())

  const of = (kind: Run['kind']): Row[] => rows.filter(({ run }) => run.kind === kind)

  it('there is enough of it: a dozen runs of about twenty rules, captures of ordinary work, every recorded attack in the cloud', () => {
    const large = of('attack').filter(({ run }) => new Set(run.told.flatMap(({ incident }) => incident.rules)).size >= 20)
    expect(large.length).toBeGreaterThanOrEqual(9)
    expect(of('benign').length).toBeGreaterThanOrEqual(7)
    expect(of('cloud').length).toBeGreaterThanOrEqual(24)
  })

  it('techniques and places are those of the rules, in every file, and every sentence is confirmed', () => {
    const wrong = rows.flatMap(({ run, wrong: all }) => all.map((one) => `${run.file}: ${one}`))
    expect(wrong).toEqual([])
  })

  it('a run of the event generator is a true positive; ordinary work is never one', () => {
    for (const { run } of of('attack'))
      if (run.expected.techniques.length >= 10)
        expect(run.told.map(({ incident, report }) => `${report.verdict} ${incident.severity}`)).toContain('true_positive critical')
    for (const { run } of of('benign')) for (const { report } of run.told) expect(report.verdict).not.toBe('true_positive')
  })

  it('of a cloud it says whose credentials were used, what allowed it, what to change first, and nothing of pods', () => {
    for (const { run } of of('cloud'))
      for (const { report } of run.told) {
        const said = [...report.summary, ...report.rootCause, ...report.fixFirst, ...report.reasons].map(({ text }) => text).join('\n')
        expect(report.summary[0]?.text).toMatch(/^The credentials of (user|role) ⟦/)
        expect(report.rootCause.length).toBeGreaterThan(0)
        expect(report.fixFirst[0]?.text).toMatch(/^(Disable the access keys|Revoke the sessions) /)
        expect(`${said}\n${report.unknowns.join('\n')}`).not.toMatch(/\b(pods?|container|image|process)\b|something unknown/i)
        expect(report.actions).toEqual([])
      }
  })

  it('stands in docs/playbook-quality.md as it is (`npm run playbook-quality` writes it)', async () => {
    const written = await readFile(new URL('../../docs/playbook-quality.md', import.meta.url), 'utf8')
    expect(written).toContain(tableOf(rows))
  })
})
