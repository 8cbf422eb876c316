/**
 * `npm run bench -- nats`: how many alerts a second Falconer takes from NATS JetStream, a message each, with one and with two servers
 * on one durable consumer, and the curve over the stream; beside NDJSON posts of the same alerts, on a new database each. Two servers
 * need Postgres: FALCONER_BENCH_DATABASE_URL. FALCONER_BENCH_ALERTS sets how many. Counted from when all messages are in the stream.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { natsProgram, NatsServer } from '../test/support/nats.ts'
import type { Bench, Comparison } from './bench.ts'
import { newServerDatabase } from './bench-database.ts'
import { alertLines, postAll } from './ingest-load.ts'
import { launch, type Launched, pause } from './launch.ts'

const falconer = fileURLToPath(new URL('../bin/falconer', import.meta.url))
/** Of posts of one alert; of posts of many lines. */
const connections = { singles: 32, lines: 4 }
const linesPerPost = 500
const quarters = [0, 1, 2, 3] as const

/** Alerts a second; `cores`: processor time of the servers in it, of each second. */
type Rate = { rate: number; cores: number; /** Of all processors of the machine, the share that was busy. */ busy: number }
type Taken = Rate & { /** Of each quarter of the messages. */ curve: number[] }
type Sample = { lines: Rate; singles: Rate; one: Taken; two: Taken | null }

export const nats: Bench = {
  name: 'nats',
  title: 'Alerts taken from NATS JetStream',
  async run(runs, progress) {
    if (natsProgram === undefined) throw new Error('There is no nats-server: install it, or name it in FALCONER_TEST_NATS.')
    const hasServer = process.env.FALCONER_BENCH_DATABASE_URL !== undefined
    if (!hasServer) progress('embedded database, one server: FALCONER_BENCH_DATABASE_URL is not set')
    const count = Number(process.env.FALCONER_BENCH_ALERTS ?? 20_000)
    const samples: Sample[] = []
    for (let run = 1; run <= runs; run += 1) {
      progress(`run ${run} of ${runs}: posts`)
      const posted = await onNewDatabase((env) => measurePosts(env, count))
      progress(`run ${run} of ${runs}: one server`)
      const one = await onNewDatabase((env) => measureTaking(env, count, 1))
      progress(`one server is ${boundOf(one, 1)}`)
      const two = hasServer ? await onNewDatabase((env) => measureTaking(env, count, 2)) : null
      if (two !== null) progress(`two servers are ${boundOf(two, 2)}`)
      samples.push({ ...posted, one, two })
    }
    return compared(samples)
  },
}

function compared(samples: readonly Sample[]): Comparison[] {
  const baseline = {
    what: `NDJSON posts of ${linesPerPost}, ${connections.lines} connections, one server`,
    samples: samples.map((one) => one.lines.rate),
  }
  const cores = { what: 'the server while those are posted', samples: samples.map((one) => one.lines.cores) }
  const row = (what: string, rate: (one: Sample) => number | undefined): Comparison[] => {
    const ours = samples.flatMap((one) => rate(one) ?? [])
    return ours.length === 0 ? [] : [{ what, unit: '/s', falconer: ours, baseline }]
  }
  const servers = (what: string, of: (one: Sample) => Taken | null): Comparison[] => {
    const ours = samples.flatMap((one) => of(one)?.cores ?? [])
    return [
      ...row(what, (one) => of(one)?.rate),
      ...quarters.flatMap((at) => row(`  quarter ${at + 1} of the stream`, (one) => of(one)?.curve[at])),
      ...(ours.length === 0 ? [] : [{ what: '  processor, all its servers', unit: 'cores' as const, falconer: ours, baseline: cores }]),
    ]
  }
  return [
    ...servers('one server', (one) => one.one),
    ...servers('two servers', (one) => one.two),
    ...row(`single posts, ${connections.singles} connections`, (one) => one.singles.rate),
  ]
}

type Env = Record<string, string>
async function onNewDatabase<T>(work: (env: Env) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
  const database = await newServerDatabase()
  try {
    return await work({ FALCONER_DATA: join(folder, 'data'), ...(database === null ? {} : { DATABASE_URL: database.url }) })
  } finally {
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  }
}

const serve = (env: Env): Launched => launch(falconer, ['serve', '--port', '0'], { ...env, FALCONER_LOG: 'info' })

async function measurePosts(env: Env, count: number): Promise<Pick<Sample, 'lines' | 'singles'>> {
  const server = serve(env)
  try {
    const [, url = ''] = await server.says(/url: (http\S+\/ingest\/falco\/\S+)/)
    const now = new Date()
    // The engine compiles what is hot: not a part of the rate.
    await postAll(url, alertLines(count / 8, now, 1), connections.singles)
    const post = async (bodies: readonly string[], connected: number): Promise<Rate> => {
      const measured = processorsFrom([server])
      const { accepted, seconds } = await postAll(url, bodies, connected)
      if (accepted !== count) throw new Error(`${accepted} of ${count} alerts were accepted`)
      return { rate: accepted / seconds, ...measured(seconds) }
    }
    const lines = alertLines(count, now, 2)
    const bodies = Array.from({ length: Math.ceil(count / linesPerPost) }, (_, at) =>
      lines.slice(at * linesPerPost, (at + 1) * linesPerPost).join('\n'),
    )
    return { lines: await post(bodies, connections.lines), singles: await post(alertLines(count, now, 3), connections.singles) }
  } finally {
    await server.stop()
  }
}

async function measureTaking(env: Env, count: number, servers: number): Promise<Taken> {
  const broker = await NatsServer.start('authorization { token: bench }', { token: 'bench' })
  const running: Launched[] = []
  try {
    await broker.makeStream()
    for (let at = 0; at < servers; at += 1) {
      const own = { FALCONER_DATA: join(env.FALCONER_DATA ?? '', `server-${at}`), FALCONER_NATS_TOKEN: 'bench' }
      running.push(serve({ ...env, ...own, FALCONER_NATS_URL: `nats://127.0.0.1:${broker.port}` }))
      // The second finds the database made.
      await running.at(-1)?.says(/alerts are taken from NATS/)
    }
    const now = new Date()
    await broker.publish(alertLines(count / 8, now, 1))
    await untilLeft(broker, 0)
    await broker.publish(alertLines(count, now, 2))
    return await timed(broker, running)
  } finally {
    await Promise.all(running.map((one) => one.stop()))
    await broker.drop()
  }
}

/** From now, with all messages in the stream, to the last acknowledgement. */
async function timed(broker: NatsServer, running: readonly Launched[]): Promise<Taken> {
  const count = await leftIn(broker)
  if (count < 1_000) throw new Error(`only ${count} messages were left when all were published: set FALCONER_BENCH_ALERTS to more`)
  const from = performance.now()
  const measured = processorsFrom(running)
  const curve: number[] = []
  let last = { at: from, left: count }
  for (const quarter of quarters) {
    const left = await untilLeft(broker, Math.floor((count * (3 - quarter)) / 4))
    const at = performance.now()
    curve.push(((last.left - left) / (at - last.at)) * 1_000)
    last = { at, left }
  }
  const seconds = (performance.now() - from) / 1_000
  return { rate: count / seconds, ...measured(seconds), curve }
}

async function leftIn(broker: NatsServer): Promise<number> {
  const { pending, unacknowledged } = await broker.left()
  return pending + unacknowledged
}
async function untilLeft(broker: NatsServer, most: number): Promise<number> {
  for (;;) {
    const left = await leftIn(broker)
    if (left <= most) return left
    await pause(20)
  }
}

/** Answers what these servers, and the machine, were busy with since then. A tick is a hundredth of a second. */
function processorsFrom(running: readonly Launched[]): (seconds: number) => Pick<Rate, 'cores' | 'busy'> {
  const ticksOf = (pid: number): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  }
  const own = (): number => running.reduce((sum, { pid }) => sum + ticksOf(pid), 0)
  const machine = (): number[] => readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/ +/).slice(1, 9).map(Number) ?? []
  const [ownBefore, before] = [own(), machine()]
  return (seconds) => {
    const ticks = machine().map((now, at) => now - (before[at] ?? 0))
    const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0)
    return { cores: (own() - ownBefore) / 100 / seconds, busy: 1 - idle / ticks.reduce((sum, one) => sum + one, 0) }
  }
}

function boundOf({ cores, busy }: Rate, servers: number): string {
  const measured = `${cores.toFixed(2)} cores in ${servers === 1 ? 'the server' : 'both servers'}, the machine ${Math.round(busy * 100)}% busy`
  if (cores / servers > 0.85) return `bounded by the servers’ processor (${measured})`
  return busy > 0.9 ? `bounded by the machine, which others share (${measured})` : `bounded by waiting for the database (${measured})`
}
