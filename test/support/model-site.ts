/** A model behind a script: the configured Models of a test, on a loopback API. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import { systemClock } from '../../domain/clock.ts'
import type { Limits, Models, ModelUse, OpenModel } from '../../agent/model/model.ts'
import { modelsFrom, type ModelParts } from '../../agent/model/models.ts'
import type { Database } from '../../store/database.ts'
import { type MessagesApi, messagesApi, type Script } from './messages-api.ts'

export type ModelSite = {
  api: MessagesApi
  models: Models
  /** A new piece of work unless `about` names one. */
  open(given?: { use?: ModelUse; about?: string; limits?: Partial<Limits>; signal?: AbortSignal }): Promise<OpenModel & { about: string }>
}
type Settings = NonNullable<Parameters<typeof loadConfig>[0]>
const fake = 'sk-ant-api03-not-a-key-of-anybody-0000000000'

/** Settings of a model behind an endpoint that speaks chat completions. */
export const local = (url: string): Settings => ({ FALCONER_MODEL_URL: `${url}/v1`, FALCONER_MODEL: 'llama3.3' })

/** Call it once for each test that asks a model; closed after that test. */
export async function modelSite(
  db: Database,
  script?: Script,
  settings: Settings | ((url: string) => Settings) = {},
  parts: Partial<ModelParts> = {},
): Promise<ModelSite> {
  const api = await messagesApi(script)
  open.push(api)
  const given = typeof settings === 'function' ? settings(api.url) : settings
  const config = loadConfig({ ANTHROPIC_API_KEY: fake, ANTHROPIC_BASE_URL: api.url, ...given }, {})
  const models = modelsFrom(config, { db, clock: systemClock, ...parts })
  if (models === null) throw new Error('These settings name no model.')
  return {
    api,
    models,
    async open({ use = 'investigation', about = randomUUID(), limits, signal = new AbortController().signal } = {}) {
      const model = await models.open(use, about, { signal, ...(limits && { limits }) })
      return { ...model, about }
    },
  }
}
const open: MessagesApi[] = []
const closeAll = async (): Promise<void> => void (await Promise.all(open.splice(0).map((api) => api.close())))
afterEach(closeAll)
afterAll(closeAll)
