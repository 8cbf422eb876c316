/** A real `falconer serve` in a Slack on this machine, to be killed with -9 and started again on the same data: somebody of it is linked there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { confirmSlackLink, requestSlackLink, slackLinkCode } from '../../auth/slack-links.ts'
import { invite, userPrincipal } from '../../auth/people.ts'
import { systemClock } from '../../domain/clock.ts'
import { fromDate } from '../../domain/event-time.ts'
import { operatorPrincipal } from '../../domain/principal.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { setDestinations } from '../../store/incident-notices.ts'
import { accept } from '../../store/intake.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { embeddedDatabase } from './database.ts'
import { run, type Running } from './process.ts'
import { delivery, newAlert } from './records.ts'
import { SlackSocket } from './slack-socket.ts'
import { botToken, signed, signingSecret, SlackWorkspace, team } from './slack-workspace.ts'

export type Over = 'HTTP' | 'Socket Mode'

export class KillSite {
  readonly workspace: SlackWorkspace
  readonly socket: SlackSocket
  readonly #folder: string
  readonly #over: Over
  #running: Running | null = null
  #url = ''
  private constructor(workspace: SlackWorkspace, socket: SlackSocket, folder: string, over: Over) {
    this.workspace = workspace
    this.socket = socket
    this.#folder = folder
    this.#over = over
  }
  static async open(over: Over): Promise<KillSite> {
    const workspace = await SlackWorkspace.open()
    const socket = await SlackSocket.open()
    workspace.socketUrl = socket.url
    const folder = mkdtempSync(join(tmpdir(), 'falconer-slack-kill-'))
    const db = await embeddedDatabase(join(folder, 'data'))
    await ensurePartitions(db, systemClock.now())
    await linkAda(db, workspace)
    await oneIncident(db, workspace)
    await db.close()
    return new KillSite(workspace, socket, folder, over)
  }

  /** Resolves when it serves; else it may be killed before. */
  async start({ serves = true } = {}): Promise<void> {
    const heard: Record<string, string> =
      this.#over === 'HTTP' ? { FALCONER_SLACK_SIGNING_SECRET: signingSecret } : { FALCONER_SLACK_APP_TOKEN: 'xapp-of-this-test-only' }
    const connections = this.socket.connections
    const running = run(['serve'], {
      FALCONER_DATA: join(this.#folder, 'data'),
      FALCONER_PORT: '0',
      FALCONER_SCOPE: 'lab',
      FALCONER_NO_MODEL: 'true',
      FALCONER_SLACK_BOT_TOKEN: botToken,
      FALCONER_SLACK_API_URL: this.workspace.url,
      FALCONER_SLACK_CHANNEL: this.workspace.channel,
      ...heard,
    })
    this.#running = running
    if (!serves) return
    this.#url = (await running.says(/serves at (http\S+)/, 150_000))[1] ?? ''
    if (this.#over === 'Socket Mode') await until(() => this.socket.connections > connections)
  }
  /** Resolves at once when Slack was told that it was heard. */
  async hear(body: Record<string, unknown>): Promise<void> {
    if (this.#over === 'HTTP') {
      const answer = await fetch(`${this.#url}/slack/events`, { method: 'POST', ...signed(body) })
      if (answer.status !== 200) throw new Error(`not heard: ${answer.status}`)
    } else {
      const id = this.socket.send(body)
      await until(() => this.socket.answerTo(id) !== undefined)
    }
  }
  kill = (): void => void this.#running?.child.kill('SIGKILL')
  /** Throws when it still runs. */
  async killed(): Promise<void> {
    await this.#running?.ended
    if (this.#running?.child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself: ${this.#running?.errors()}`)
  }
  /** What it left. It does not run any more. */
  async read<T>(look: (db: Database) => Promise<T>): Promise<T> {
    this.kill()
    await this.#running?.ended
    const db = await openDatabase({ dataDir: join(this.#folder, 'data') })
    try {
      return await look(db)
    } finally {
      await db.close()
    }
  }
  async close(): Promise<void> {
    this.kill()
    await this.#running?.ended
    await this.socket.close()
    await this.workspace.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export async function until(check: () => boolean | Promise<boolean>, { limitMs = 150_000, everyMs = 2 } = {}): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`it never came to be: ${check.toString()}`)
    await new Promise((resume) => {
      setTimeout(resume, everyMs)
    })
  }
}

async function linkAda(db: Database, workspace: SlackWorkspace): Promise<void> {
  const auth = { db, clock: systemClock }
  const { user } = await invite(auth, { principal: operatorPrincipal, channel: 'cli' }, 'Ada', 'responder')
  const who = { team, user: workspace.user('ada') }
  const { token } = await requestSlackLink(auth, { ...who, name: 'ada', teamName: 'Shop' })
  const { code } = await slackLinkCode(auth, { principal: userPrincipal(user), channel: 'web' }, token)
  await confirmSlackLink(auth, who, code)
}

/** Which its channel is still to be told. */
async function oneIncident(db: Database, { channel }: SlackWorkspace): Promise<void> {
  const now = systemClock.now()
  await setDestinations(db, [`slack ${channel}`], now, { alone: true })
  await accept(db, systemClock, [delivery({ scope: 'lab', alerts: [newAlert({ scope: 'lab', eventNs: fromDate(now) })] })])
  while ((await correlatePending(db, systemClock)).more);
}
