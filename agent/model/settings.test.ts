/** Which model is asked for what: Claude with a key, another endpoint before it, none without either or when none is wanted. */
import type { Model } from '@anthropic-ai/sdk/resources/messages'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { loadConfig } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import { named } from './models.ts'
import { type KnownModel, modelSettings } from './settings.ts'

const key = 'sk-ant-api03-nobody-0000000000000'
const namesOf = (given: Parameters<typeof loadConfig>[0]) => {
  const settings = modelSettings(loadConfig(given, {}))
  return settings === null ? null : named(settings)
}

describe('which model', () => {
  it('is none without a key, and none when none is wanted', () => {
    expect(namesOf({})).toBeNull()
    expect(namesOf({ ANTHROPIC_API_KEY: key, FALCONER_NO_MODEL: 'true' })).toBeNull()
    expect(namesOf({ FALCONER_MODEL_URL: 'http://localhost:11434/v1', FALCONER_MODEL: 'x', FALCONER_NO_MODEL: '1' })).toBeNull()
  })

  it('is Claude’s newest of its kind, by names that its SDK knows', () => {
    expect(namesOf({ ANTHROPIC_API_KEY: key })).toEqual({
      investigation: 'anthropic/claude-sonnet-5-5',
      triage: 'anthropic/claude-haiku-5-5',
      chat: 'anthropic/claude-sonnet-5-5',
    })
    expectTypeOf<'claude-sonnet-5-5'>().toExtend<KnownModel>()
    expectTypeOf<'claude-haiku-5-5'>().toExtend<KnownModel>()
    expectTypeOf<'claude-sonnet-0-0'>().not.toExtend<KnownModel>()
    expectTypeOf<string>().not.toExtend<KnownModel>()
    expectTypeOf<KnownModel>().toExtend<Model>()
  })

  it('is what is named', () => {
    expect(namesOf({ ANTHROPIC_API_KEY: key, FALCONER_MODEL: 'claude-opus-5-5' })).toEqual({
      investigation: 'anthropic/claude-opus-5-5',
      triage: 'anthropic/claude-haiku-5-5',
      chat: 'anthropic/claude-opus-5-5',
    })
    expect(
      namesOf({
        ANTHROPIC_API_KEY: key,
        FALCONER_MODEL_URL: 'http://localhost:11434/v1',
        FALCONER_MODEL: 'qwen3',
        FALCONER_MODEL_CHAT: 'qwen3:4b',
      }),
    ).toEqual({ investigation: 'openai/qwen3', triage: 'openai/qwen3', chat: 'openai/qwen3:4b' })
  })

  it('must be named where an endpoint is', () => {
    expect(() => namesOf({ FALCONER_MODEL_URL: 'http://localhost:11434/v1' })).toThrow(ConfigError)
    expect(() => namesOf({ FALCONER_MODEL_URL: 'http://me:secret@localhost/v1', FALCONER_MODEL: 'x' })).toThrow(/no user name/)
  })
})
