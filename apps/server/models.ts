/** The models that this configuration names, on this machine's network. */
import { modelSettings } from '../../agent/model/settings.ts'
import type { Models } from '../../agent/model/model.ts'
import { modelsFrom, type ModelParts } from '../../agent/model/models.ts'
import { type Config, silenceTracing } from '../../config/config.ts'
import { wireOf } from './wire.ts'

/** Null: none is configured, or none wanted. Throws ConfigError. */
export function openModels(config: Config, parts: Omit<ModelParts, 'wire'>): Models | null {
  silenceTracing()
  return modelsFrom(config, { ...parts, wire: wireOf(config) })
}

/** What the first call would load. */
export async function loadProvider(config: Config): Promise<void> {
  if (modelSettings(config)?.provider === 'openai') await import('../../agent/model/openai.ts')
  else await import('../../agent/model/anthropic.ts')
}
