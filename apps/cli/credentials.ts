/** What `falconer login` left on this machine: a token for each server, in a file that its user alone reads. It is sent to that server and to no other. */
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { type Config, userFolder } from '../../config/config.ts'
import { ConfigError } from '../../domain/errors.ts'

const Credentials = z.record(z.string(), z.object({ token: z.string().min(1) }))
type Credentials = z.infer<typeof Credentials>

export const credentialsFile = (): string => join(userFolder(), 'credentials.json')

/** FALCONER_TOKEN, else what a login left. Throws ConfigError when there is neither. */
export async function tokenFor(url: string, { FALCONER_TOKEN }: Pick<Config, 'FALCONER_TOKEN'>): Promise<{ reveal(): string }> {
  if (FALCONER_TOKEN !== undefined) return FALCONER_TOKEN
  const token = await storedToken(url)
  if (token === undefined)
    throw new ConfigError(`Falconer runs at ${url}. Make an API token at ${url}/account and set FALCONER_TOKEN, or run \`falconer login\`.`)
  return { reveal: () => token }
}

export const storedToken = async (url: string): Promise<string | undefined> => (await read())[server(url)]?.token

/** `token` null forgets. */
export async function storeToken(url: string, token: string | null): Promise<void> {
  const { [server(url)]: _before, ...others } = await read()
  const kept: Credentials = token === null ? others : { ...others, [server(url)]: { token } }
  const path = credentialsFile()
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const next = `${path}.${process.pid}`
  await writeFile(next, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 })
  await chmod(next, 0o600)
  await rename(next, path)
}

async function read(): Promise<Credentials> {
  const path = credentialsFile()
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw new ConfigError(`${path} cannot be read: ${error.message}`, { cause: error })
  })
  const mode = (await stat(path).catch(() => null))?.mode ?? 0
  if ((mode & 0o077) !== 0) throw new ConfigError(`${path} can be read by others than you. Run: chmod 600 ${path}`)
  try {
    return Credentials.parse(JSON.parse(text))
  } catch (error) {
    throw new ConfigError(`${path} is not what \`falconer login\` writes. Delete it and log in again.`, { cause: error })
  }
}

/** A server by its origin. This machine has three names. */
function server(url: string): string {
  if (!URL.canParse(url)) throw new ConfigError(`${url} is not the address of a server.`)
  return new URL(url).origin.replace(/\/\/(?:127\.0\.0\.1|\[::1\])(?=:|$)/, '//localhost')
}
