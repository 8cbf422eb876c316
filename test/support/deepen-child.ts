/** A process that has a model asked and never hears back: to be killed. Says when it is at work, with the id of the investigation. */
import { askingThis } from '../../apps/server/asking.ts'
import { composeFalconer } from '../../apps/server/falconer.ts'
import { deepenNext, newHolder } from '../../apps/server/deepen.ts'
import { loadConfig } from '../../config/config.ts'
import { recordStory } from './story.ts'
import { scriptedAnalyst } from './scripted-analyst.ts'

const analyst = scriptedAnalyst({
  until: (desk) => {
    process.stdout.write(`at work ${desk.investigationId}\n`)
    return new Promise(() => {})
  },
})
const config = loadConfig({ FALCONER_DATA: process.argv[2] ?? '', FALCONER_SCOPE: 'lab', FALCONER_LOG: 'silent' }, {})
const falconer = await composeFalconer(config, { as: 'command', quietMs: 0, asking: askingThis(analyst) })
await recordStory(falconer.db, falconer.clock, 'lab')
await falconer.settle()
setInterval(() => {}, 1_000)
await deepenNext(falconer, { holder: newHolder(), stop: new AbortController().signal })
