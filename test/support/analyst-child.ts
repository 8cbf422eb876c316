/** An investigation by a model as a process that can be killed: the real database in a folder, the tools over it, a model at an address. Says what came of it. */
import { claudeAnalyst } from '../../agent/claude/claude.ts'
import { investigate } from '../../agent/investigate.ts'
import { modelsFrom } from '../../agent/model/models.ts'
import { composeFalconer } from '../../apps/server/falconer.ts'
import { loadConfig } from '../../config/config.ts'
import { releaseInterrupted } from '../../store/investigations.ts'
import { handsOf } from './analyst-hands.ts'

export type AnalystTask = { settings: Record<string, string>; incidentId: string }

const { settings, incidentId } = JSON.parse(process.argv[2] ?? '') as AnalystTask
const config = loadConfig(settings, {})
const falconer = await composeFalconer(config, { as: 'command', quietMs: 3_600_000 })
const { db, clock } = falconer
const models = modelsFrom(config, { db, clock })
if (models === null) throw new Error('no model')
// As a server does when it starts.
await releaseInterrupted(db, clock.now(), db.kind === 'embedded' ? 'all' : 'lapsed')
const { id, status, report } = await investigate(db, clock, claudeAnalyst(db, models), incidentId, {
  cluster: () => null,
  hands: () => handsOf(falconer),
})
process.stdout.write(`${JSON.stringify({ id, status, analyst: report?.analyst, partial: report?.partial, calls: report?.spend?.calls })}\n`)
await falconer.close()
