/** The protocol's own conformance suite, run offline against an address: what each scenario checked. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url))
export type Check = {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
  description: string
}

const output = async (args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => said.push(part))
  child.stderr.on('data', (part: Buffer) => said.push(part))
  await new Promise((resolve) => child.once('close', resolve))
  return Buffer.concat(said).toString()
}

/** Scenarios for servers that this version of the suite has. */
export const scenarioNames = async (): Promise<string[]> =>
  [...(await output(['list', '--server'])).matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => name ?? '')

/** Every scenario, pending ones too, each in a process of its own: what one leaves open in its client is not met by the next. */
export async function runSuite(url: string): Promise<Map<string, Check[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-mcp-conformance-'))
  try {
    for (const scenario of await scenarioNames()) await output(['server', '--url', url, '--scenario', scenario, '--output-dir', folder])
    const found = new Map<string, Check[]>()
    for (const name of await readdir(folder)) {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name
      found.set(scenario, JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as Check[])
    }
    return found
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What failed; a scenario that checked nothing did. */
export const failures = (checks: readonly Check[] | undefined): string[] =>
  checks?.some(({ status }) => status === 'SUCCESS' || status === 'WARNING') === true
    ? told(checks, 'FAILURE')
    : ['nothing was checked', ...told(checks, 'FAILURE')]
export const warnings = (checks: readonly Check[] | undefined): string[] => told(checks, 'WARNING')

const told = (checks: readonly Check[] | undefined, wanted: Check['status']): string[] =>
  (checks ?? [])
    .filter(({ status }) => status === wanted)
    .map(({ id, errorMessage, description }) => `${id}: ${errorMessage ?? description}`)
