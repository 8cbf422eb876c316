import { claudeAnalyst } from '../../agent/claude/claude.ts'
import { modelSettings } from '../../agent/model/settings.ts'
import { openModels } from '../../apps/server/models.ts'
import { loadConfig } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import type { ExamAnalyst } from '../exam-analyst.ts'

/** The analyst with the model that is configured. What it costs is paid for real, twice a scenario; the month's cap knows nothing of throwaway databases. */
export const claude: ExamAnalyst = {
  name: 'claude',
  about: 'the analyst with the model that is configured; each run is paid for',
  ready() {
    if (modelSettings(loadConfig({})) === null)
      throw new ConfigError(
        'No model is configured: set ANTHROPIC_API_KEY, or FALCONER_MODEL and FALCONER_MODEL_URL, to examine the analyst that asks one.',
      )
  },
  async open({ world: { db, clock } }) {
    const models = openModels(loadConfig({}), { db, clock })
    if (models === null) throw new ConfigError('No model is configured.')
    return claudeAnalyst(db, models)
  },
}
