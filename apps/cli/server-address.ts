/** The server a command means: the one named, FALCONER_URL, or the one that runs on the data folder. */
import { type Config, loadConfig } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'
import type { Overrides } from './command.ts'

/** Without a slash at its end. Throws ConfigError. */
export async function serverAddress(given: string | undefined, overrides: Overrides): Promise<string> {
  const config: Config = loadConfig({ FALCONER_LOG: 'warn', ...overrides, ...(given === undefined ? {} : { FALCONER_URL: given }) })
  if (config.FALCONER_URL !== undefined) return config.FALCONER_URL.replace(/\/$/, '')
  const holder =
    config.DATABASE_URL === undefined ? await (await import('../../store/embedded.ts')).holderOf(config.FALCONER_DATA) : undefined
  if (typeof holder?.url === 'string') return holder.url.replace(/\/$/, '')
  throw new ConfigError(
    'No server runs on this data folder. Start one with `falconer serve`, or name it: falconer login https://falconer.example.org',
  )
}
