/** `falconer doctor`: checks what a start needs, one line each, and says what to do. Changes nothing but opening the database. */
import { readFile } from 'node:fs/promises'
import { named } from '../../agent/model/models.ts'
import { costOf } from '../../agent/model/prices.ts'
import { modelSettings } from '../../agent/model/settings.ts'
import { connect, identify } from '../../clusters/client.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { embedderFrom } from '../../knowledge/embedder.ts'
import { loadSlackRoutes } from '../../notify/slack/routes.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { destinationGaps } from '../../domain/coverage.ts'
import { nothingSpent } from '../../domain/spend.ts'
import { wireOf } from '../server/wire.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { holderOf } from '../../store/embedded.ts'
import { type Destination, listDestinations } from '../../store/incident-notices.ts'
import { listSources } from '../../store/sources.ts'
import { monthAt, usdIn } from '../../store/spend.ts'
import { databaseVersions } from '../../store/versions.ts'
import { knowledgeWords } from '../server/knowledge.ts'
import type { Overrides } from './command.ts'
import { print, safe, shortTime } from './output.ts'

type Check = { name: string; state: 'ok' | 'note' | 'failed'; text: string }
type Found = string | { note: string }

/** Answers false when something must be mended before a start. */
export async function doctor(overrides: Overrides, json: boolean): Promise<boolean> {
  const checks = await allChecks(overrides)
  const held = checks.every((one) => one.state !== 'failed')
  if (json) print(JSON.stringify({ ok: held, checks }))
  else
    for (const { state, name, text } of checks)
      print(
        `${{ ok: 'ok    ', note: 'note  ', failed: 'FAILED' }[state]}  ${name.padEnd(14)} ${text.split('\n').join(`\n${' '.repeat(23)}`)}`,
      )
  return held
}

async function allChecks(overrides: Overrides): Promise<Check[]> {
  const checks: Check[] = []
  const check = async (name: string, look: () => Promise<Found>): Promise<void> => {
    try {
      const found = await look()
      checks.push(typeof found === 'string' ? { name, state: 'ok', text: found } : { name, state: 'note', text: found.note })
    } catch (error) {
      checks.push({ name, state: 'failed', text: error instanceof Error ? error.message : String(error) })
    }
  }
  await check('node', async () => nodeVersion(process.versions.node))
  let config: Config | null = null
  await check('configuration', async () => {
    config = loadConfig(overrides)
    return 'can be used'
  })
  if (config === null) return checks
  const known: Config = config
  await check('policy', async () => policy(known))
  await check('model', async () => model(known))
  let db: Database | null = null
  let serving = false
  await check('database', async () => {
    const holder = known.DATABASE_URL === undefined ? await holderOf(known.FALCONER_DATA) : undefined
    serving = typeof holder?.url === 'string'
    if (holder !== undefined)
      return {
        note: `${known.FALCONER_DATA} is held by a running Falconer${holder.url === null ? '' : ` at ${holder.url}`} (pid ${holder.pid})`,
      }
    db = await openDatabase(known.DATABASE_URL === undefined ? { dataDir: known.FALCONER_DATA } : { url: known.DATABASE_URL.reveal() })
    return database(known, db)
  })
  const open = db as Database | null
  if (open !== null) {
    await check('sources', () => sources(open))
    if (modelSettings(known) !== null) await check('model costs', () => modelCosts(known, open))
    await check('knowledge', () => knowledge(known, open))
    await check('destinations', async () => destinations(known, await listDestinations(open))).finally(() => open.close())
  } else if (serving) await check('destinations', () => destinationsOfServer(known, overrides))
  await check('slack', () => slack(known))
  await check('cluster', () => cluster(known))
  return checks
}

function nodeVersion(version: string): Found {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return version
  throw new Error(`${version}; 22.18 or newer is needed. npm ci brings one: start it with ./bin/falconer`)
}

function policy({ FALCONER_POLICY }: Config): Found {
  return `${FALCONER_POLICY ?? 'built in'}: ${Object.keys(loadPolicy(FALCONER_POLICY).actions).length} actions on`
}

function model(config: Config): Found {
  const settings = modelSettings(config)
  if (settings === null)
    return {
      note: config.FALCONER_NO_MODEL
        ? 'none is asked (FALCONER_NO_MODEL): the playbook investigates'
        : 'none: the playbook investigates. For Claude set ANTHROPIC_API_KEY, for another FALCONER_MODEL_URL (docs/models.md)',
    }
  wireOf(config)
  const { investigation, triage, chat } = named(settings)
  const at = new URL(settings.baseURL).host
  const unpriced = Object.values(settings.models).filter((name) => costOf(settings.prices, name, nothingSpent) === null)
  const upTo = config.FALCONER_MODEL_TRIAGE_UP_TO
  const first = upTo === undefined ? '' : `, ${triage} looks first at what the playbook is not sure of, up to ${upTo}`
  const words = `${investigation} at ${at} investigates${first}, ${chat} for chat; at most ${settings.limits.usd} USD each and ${settings.usdMonth} a month`
  if (unpriced.length === 0) return words
  return {
    note: `${words}. What ${[...new Set(unpriced)].join(', ')} costs is not known, so no cap in USD holds it: FALCONER_MODEL_PRICES`,
  }
}

async function modelCosts({ FALCONER_MODEL_USD_MONTH: cap }: Config, db: Database): Promise<Found> {
  const usd = await usdIn(db, monthAt(new Date()))
  const words = `${usd.toFixed(2)} of ${cap} USD this month`
  return usd < cap ? words : { note: `${words}: none is asked until FALCONER_MODEL_USD_MONTH is raised or the month is over` }
}

async function database(config: Config, db: Database): Promise<Found> {
  const { postgres, pgvector } = await databaseVersions(db)
  return `${config.DATABASE_URL === undefined ? `embedded in ${config.FALCONER_DATA}` : 'server'}, Postgres ${postgres}, pgvector ${pgvector ?? 'missing'}`
}

async function sources(db: Database): Promise<Found> {
  const all = await listSources(db)
  if (all.length === 0) return { note: 'none yet: start `falconer serve`, which makes one, or `falconer sources add`' }
  const last = (at: Date | null): string => (at === null ? 'never heard' : `last heard ${shortTime(at.toISOString())} UTC`)
  return all.map((source) => `${safe(source.name)} ${last(source.lastSeenAt)}`).join('; ')
}

async function knowledge(config: Config, db: Database): Promise<Found> {
  const { text, note } = await knowledgeWords(db, embedderFrom(config)?.name ?? null, new Date())
  return note ? { note: safe(text, 600) } : text
}

function destinations({ FALCONER_WEBHOOK_URL, FALCONER_WEBHOOK_SECRET, ...slack }: Config, all: readonly Destination[]): Found {
  const inSlack =
    slack.FALCONER_SLACK_BOT_TOKEN !== undefined && (slack.FALCONER_SLACK_CHANNEL ?? slack.FALCONER_SLACK_ROUTES) !== undefined
  if (inSlack) loadSlackRoutes(slack.FALCONER_SLACK_ROUTES)
  if (FALCONER_WEBHOOK_URL === undefined && !inSlack)
    return { note: 'none: nobody outside is told of incidents (FALCONER_WEBHOOK_URL, or FALCONER_SLACK_CHANNEL with a bot token)' }
  const gaps = all.flatMap((one) => destinationGaps(one, new Date()).map(({ says }) => `${one.name}: ${says}`))
  if (gaps.length > 0) return { note: safe(gaps.join(' '), 600) }
  if (FALCONER_WEBHOOK_URL !== undefined && FALCONER_WEBHOOK_SECRET === undefined)
    return { note: 'a webhook, whose events are not signed (FALCONER_WEBHOOK_SECRET)' }
  return all.length === 0 ? 'told once a server has started' : toldWords(all)
}

const toldWords = (all: readonly Destination[]): string =>
  safe(
    all
      .map(
        ({ name, delivered, deliveredAt }) =>
          `${name}: ${delivered} told${deliveredAt === null ? '' : `, last ${shortTime(deliveredAt.toISOString())} UTC`}`,
      )
      .join('; '),
    600,
  )

/** What the server that holds the data says. It alone knows whom it tells. */
async function destinationsOfServer(config: Config, overrides: Overrides): Promise<Found> {
  if (config.FALCONER_TOKEN === undefined) return { note: 'the running server knows: set FALCONER_TOKEN and ask again' }
  const client = await (await import('./client.ts')).openClient(overrides)
  const { destinations: said } = JSON.parse(await client.call('GET', '/status'), dated) as { destinations: Destination[] }
  if (said.length === 0) return { note: 'the running server tells nobody outside of incidents (FALCONER_WEBHOOK_URL)' }
  const gaps = said.flatMap((one) => destinationGaps(one, new Date()).map(({ says }) => `${one.name}: ${says}`))
  return gaps.length > 0 ? { note: safe(gaps.join(' '), 600) } : toldWords(said)
}

const dated = (name: string, value: unknown): unknown => (/(?:At|Since)$/.test(name) && typeof value === 'string' ? new Date(value) : value)

async function slack(config: Config): Promise<Found> {
  const { FALCONER_SLACK_APP_TOKEN: app, FALCONER_SLACK_SIGNING_SECRET: secret, FALCONER_SLACK_CHANNEL: channel } = config
  if ((config.FALCONER_SLACK_BOT_TOKEN ?? app ?? secret ?? channel) === undefined)
    return { note: 'not there: FALCONER_SLACK_BOT_TOKEN is not set (docs/slack.md)' }
  return (await import('../slack/check.ts')).slackCheck(config)
}

async function cluster(config: Config): Promise<Found> {
  const { FALCONER_KUBECONFIG: path, FALCONER_KUBE_CONTEXT: context, FALCONER_IN_CLUSTER: inCluster, FALCONER_ACTIONS: actions } = config
  if (path === undefined && !inCluster)
    return { note: 'none configured: alerts are not tied to pods by a watch, and no action can be planned' }
  const kubeconfig =
    path === undefined
      ? undefined
      : await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw new Error(`FALCONER_KUBECONFIG names ${path}, which cannot be read (${error.code})`, { cause: error })
        })
  const { version, simulated } = await identify(connect({ kubeconfig, context, inCluster }))
  return `${version}${simulated ? ', simulated' : ''}; actions ${actions ? 'are allowed' : 'are switched off'}`
}
