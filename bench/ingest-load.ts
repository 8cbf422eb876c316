/**
 * What a benchmark posts: alerts as Falco writes them, each a distinct event, and the clients that post them over connections
 * kept alive. Bodies are made before the clock starts, so that what is timed is the server and the wire.
 */
import { Agent, request } from 'node:http'
import { formatEventTime } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'

const rules = [
  ['Terminal shell in container', 'Notice', 'T1059', 'mitre_execution'],
  ['Read sensitive file untrusted', 'Warning', 'T1555', 'mitre_credential_access'],
  ['Contact K8S API Server From Container', 'Notice', 'T1565', 'mitre_discovery'],
  ['Drop and execute new binary in container', 'Critical', 'TA0003', 'mitre_persistence'],
] as const

/** `count` alerts of about 1.2 kB, a millisecond apart from `from` on, spread over so many containers on 20 hosts. */
export function alertLines(count: number, from: Date, salt: number, containers = 200): string[] {
  const start = BigInt(from.getTime()) * 1_000_000n
  return Array.from({ length: count }, (_, index) => {
    const [rule, priority, technique, tactic] = rules[index % rules.length] ?? rules[0]
    const container = index % containers
    const eventNs = start + BigInt(index) * 1_000_000n + BigInt(salt % 1_000_000)
    const time = formatEventTime(eventNs)
    const cmdline = `bash -c cat /etc/shadow /proc/${index}/environ --salt ${salt}`
    return stringifyExact({
      hostname: `node-${container % 20}`,
      output: `${time}: ${priority} ${rule} (user=root process=bash command=${cmdline} pid=${1_000 + index} container=${container})`,
      priority,
      rule,
      source: 'syscall',
      tags: ['container', 'maturity_stable', technique, tactic],
      time,
      output_fields: {
        'container.id': `c0ffee${container.toString(16).padStart(6, '0')}`,
        'container.image.repository': 'registry.example/shop/checkout',
        'container.image.tag': '2.4.1',
        'container.name': `k8s_app_checkout-${container}`,
        'evt.arg.flags': 'O_RDONLY|O_CLOEXEC',
        'evt.time': eventNs,
        'evt.type': 'openat',
        'fd.name': '/etc/shadow',
        'k8s.ns.name': 'shop',
        'k8s.pod.name': `checkout-${container}`,
        'proc.aname[2]': 'containerd-shim',
        'proc.cmdline': cmdline,
        'proc.exepath': '/usr/bin/bash',
        'proc.name': 'bash',
        'proc.pcmdline': 'nginx: worker process',
        'proc.pid': 1_000 + index,
        'proc.pname': 'nginx',
        'proc.ppid': 7,
        'proc.tty': 0,
        'user.loginuid': -1,
        'user.name': 'root',
        'user.uid': 0,
      },
    })
  })
}

export type Posted = { seconds: number; accepted: number; refused: number; /** Milliseconds of each answer, sorted. */ latencies: number[] }

/** Posts every body once, on so many connections. Refusals (503) are counted, not sent again. */
export async function postAll(url: string, bodies: readonly string[], connections: number): Promise<Posted> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const buffers = bodies.map((body) => Buffer.from(body))
  const posted: Posted = { seconds: 0, accepted: 0, refused: 0, latencies: [] }
  let next = 0
  const worker = async (): Promise<void> => {
    for (let body = buffers[next++]; body !== undefined; body = buffers[next++]) {
      const from = performance.now()
      const { status, text } = await post(agent, url, body)
      posted.latencies.push(performance.now() - from)
      if (status === 200) posted.accepted += (JSON.parse(text) as { accepted: number }).accepted
      else if (status === 503 || status === 429) posted.refused += 1
      else throw new Error(`${status}: ${text.slice(0, 300)}`)
    }
  }
  const from = performance.now()
  await Promise.all(Array.from({ length: connections }, worker))
  posted.seconds = (performance.now() - from) / 1_000
  agent.destroy()
  posted.latencies.sort((a, b) => a - b)
  return posted
}

function post(agent: Agent, url: string, body: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const asked = request(url, { method: 'POST', agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
