/**
 * What deploy/ tells people to run is true: the manifest fits the configuration and the code, the rights are exactly those
 * the code declares, the snippets are the collectors’ own words, and the image’s steps give a Falconer that runs.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, matchesGlob } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { connect } from '../../clusters/client.ts'
import { resources } from '../../clusters/contract.ts'
import { falco } from '../../collectors/falco/falco.ts'
import { operators } from '../../collectors/operators.ts'
import { watchedResources } from '../../collectors/kubernetes/watch.ts'
import { Config, loadConfig } from '../../config/config.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { copyInto, filesOfTheHouse } from './house-copy.ts'

type Named = { name: string }
type Container = {
  env: { name: string; value: string }[]
  ports: { name: string; containerPort: number }[]
  securityContext: Record<string, unknown>
  volumeMounts: (Named & { mountPath: string })[]
} & Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', { httpGet: { path: string; port: string } }>
type PodSpec = {
  serviceAccountName: string
  securityContext: Record<string, unknown>
  containers: Container[]
  volumes: (Named & { persistentVolumeClaim?: { claimName: string }; secret?: { secretName: string }; configMap?: Named })[]
}
type Rule = { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }
type Manifest = {
  kind: string
  metadata: Named & { namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  rules?: Rule[]
  roleRef?: Named
  subjects?: (Named & { kind: string; namespace: string })[]
  data?: Record<string, string>
  spec?: {
    replicas?: number
    selector?: Record<string, string> & { matchLabels?: Record<string, string> }
    ports?: { port: number; targetPort: string }[]
    template?: { metadata: { labels: Record<string, string> }; spec: PodSpec }
  }
}

const read = (path: string): string => readFileSync(path, 'utf8')
const documents = (path: string): Manifest[] =>
  parseAllDocuments(read(path)).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as Manifest
  })
const kustomized = (parse(read('deploy/kustomization.yaml')) as { resources: string[] }).resources
const manifests = kustomized.flatMap((file) => documents(join('deploy', file)))
const named = (kind: string, name: string): Manifest => {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}
const pod = (): PodSpec => named('Deployment', 'falconer').spec?.template?.spec as PodSpec
const container = (): Container => pod().containers[0] as Container
const environment = (): Record<string, string> => Object.fromEntries(container().env.map(({ name, value }) => [name, value]))

describe('the manifest', () => {
  it('sets only variables that exist, to values that can be used', () => {
    expect(Object.keys(environment()).filter((name) => !Object.hasOwn(Config.shape, name))).toEqual([])
    const config = loadConfig({}, environment())
    expect(config.FALCONER_IN_CLUSTER).toBe(true)
    expect(config.FALCONER_ACTIONS).toBe(false)
  })

  it('keeps everything in one namespace, which the policy protects, each object once', () => {
    const clusterWide = ['Namespace', 'ClusterRole', 'ClusterRoleBinding']
    const elsewhere = manifests.filter(({ kind, metadata }) => !clusterWide.includes(kind) && metadata.namespace !== 'falconer')
    expect(elsewhere).toEqual([])
    expect(loadPolicy().protectedNamespaces).toContain('falconer')
    const [label, value] = Object.entries(loadPolicy().protectedLabels)[0] ?? []
    expect(manifests.filter(({ metadata }) => metadata.labels?.[label ?? ''] !== value)).toEqual([])
    const ids = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('names only what exists: ports, labels, volumes, accounts and roles', () => {
    const { volumes, serviceAccountName } = pod()
    const [port] = container().ports
    expect(port?.containerPort).toBe(loadConfig({}, {}).FALCONER_PORT)
    const service = named('Service', 'falconer').spec
    expect(service?.ports).toEqual([{ name: 'http', port: port?.containerPort, targetPort: port?.name }])
    const labels = named('Deployment', 'falconer').spec?.template?.metadata.labels
    expect(labels).toMatchObject(service?.selector ?? {})
    expect(labels).toMatchObject(named('Deployment', 'falconer').spec?.selector?.matchLabels ?? {})
    expect(
      container()
        .volumeMounts.map(({ name }) => name)
        .sort(),
    ).toEqual(volumes.map(({ name }) => name).sort())
    for (const { persistentVolumeClaim, secret, configMap } of volumes) {
      if (persistentVolumeClaim !== undefined) named('PersistentVolumeClaim', persistentVolumeClaim.claimName)
      if (secret !== undefined) named('Secret', secret.secretName)
      if (configMap !== undefined) named('ConfigMap', configMap.name)
    }
    named('ServiceAccount', serviceAccountName)
    for (const { roleRef, subjects } of manifests.filter(({ kind }) => kind === 'ClusterRoleBinding')) {
      named('ClusterRole', roleRef?.name ?? '')
      for (const subject of subjects ?? []) named(subject.kind, subject.name)
    }
  })

  it('gives the server its own account, and the executor’s rights to the executor’s account alone', () => {
    expect(pod().serviceAccountName).toBe('falconer-server')
    for (const account of ['falconer-server', 'falconer-executor']) {
      const binding = named('ClusterRoleBinding', account)
      expect(binding.roleRef?.name).toBe(account)
      expect(binding.subjects?.map(({ name }) => name)).toEqual([account])
    }
    expect(named('Secret', 'falconer-executor-token').metadata.annotations).toEqual({
      'kubernetes.io/service-account.name': 'falconer-executor',
    })
  })

  it('runs without privileges, on a root file system it cannot write to, one at a time', () => {
    expect(pod().securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(container().securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(named('Deployment', 'falconer').spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
    expect(named('Namespace', 'falconer').metadata.labels?.['pod-security.kubernetes.io/enforce']).toBe('restricted')
    expect(container().volumeMounts.map(({ mountPath }) => mountPath)).toContain(/FALCONER_DATA=(\S+)/.exec(read('deploy/Dockerfile'))?.[1])
  })

  it('connects the executor with its own token', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'falconer-kubeconfig-'))
    const given = named('ConfigMap', 'falconer-executor-kubeconfig').data?.kubeconfig ?? ''
    const mount = container().volumeMounts.find(({ name }) => name === 'executor-token')?.mountPath ?? ''
    expect(given).toContain(`${mount}/token`)
    expect(environment().FALCONER_EXECUTOR_KUBECONFIG).toBe(
      `${container().volumeMounts.find(({ name }) => name === 'executor-kubeconfig')?.mountPath}/kubeconfig`,
    )
    writeFileSync(join(folder, 'token'), 'the-executors-token')
    writeFileSync(join(folder, 'ca.crt'), 'the cluster’s authority')
    const kubeConfig = connect({ kubeconfig: given.replaceAll(mount, folder) })
    const options: { headers: Record<string, string>; ca?: Buffer } = { headers: {} }
    await kubeConfig.applyToHTTPSOptions(options as never)
    rmSync(folder, { recursive: true })
    expect(options.headers.Authorization).toBe('Bearer the-executors-token')
    expect(String(options.ca)).toBe('the cluster’s authority')
    expect(kubeConfig.getCurrentCluster()?.server).toBe('https://kubernetes.default.svc')
  })
})

describe('the cluster roles', () => {
  /** `verb group/resource[/name]`, one per right. */
  const granted = (role: string): string[] =>
    (named('ClusterRole', role).rules ?? [])
      .flatMap(({ apiGroups, resources: kinds, verbs, resourceNames = [''] }) =>
        apiGroups.flatMap((group) =>
          kinds.flatMap((kind) => verbs.flatMap((verb) => resourceNames.map((name) => `${verb} ${group}/${kind}${name && `/${name}`}`))),
        ),
      )
      .sort()
  const identity = 'get /namespaces/kube-system'

  it('give the executor exactly what its actions declare, and sight of its cluster’s identity', () => {
    const declared = actions.flatMap(({ permissions }) =>
      permissions.flatMap(({ apiGroup, resource, verbs }) => verbs.map((verb) => `${verb} ${apiGroup}/${resource}`)),
    )
    expect(granted('falconer-executor')).toEqual([...new Set([...declared, identity])].sort())
    expect(granted('falconer-executor').length).toBeGreaterThan(10)
  })

  it('give the server list and watch of what it follows, get and list of what scanners’ operators keep, and nothing else', () => {
    const followed = watchedResources.flatMap((name) =>
      ['list', 'watch'].map((verb) => `${verb} ${resources[name]?.group}/${name.split('.')[0]}`),
    )
    const pulled = operators.flatMap(({ group, resources: kinds }) =>
      Object.keys(kinds).flatMap((kind) => ['get', 'list'].map((verb) => `${verb} ${group}/${kind}`)),
    )
    expect(granted('falconer-server')).toEqual([...followed, ...pulled, identity].sort())
  })

  it('let nobody read a Secret, run a command in a pod, or give rights away', () => {
    const dangerous = /\*|\/secrets|pods\/exec|pods\/attach|rbac\.|impersonate|escalate|bind/
    // Who may do what is inventory: the server sees it, and sees only.
    const sight = /^(list|watch) rbac\.authorization\.k8s\.io\/(cluster)?role(binding)?s$/
    expect(granted('falconer-executor').filter((right) => dangerous.test(right))).toEqual([])
    expect(granted('falconer-server').filter((right) => dangerous.test(right) && !sight.test(right))).toEqual([])
  })
})

describe('the snippets for Falco', () => {
  const url = 'http://falconer.falconer.svc:8765'
  const blocks = [...falco.connect.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    (match) => parse((match[1] as string).replaceAll('{{url}}', url).replaceAll('{{secret}}', 'THE-SOURCES-SECRET')) as unknown,
  )

  it('say what the Sources page says', () => {
    expect(parse(read('deploy/falco/falco.yaml'))).toEqual(blocks[0])
    expect(parse(read('deploy/falco/falcosidekick.yaml'))).toEqual(blocks[1])
  })

  it('reach the Service by a name the server answers to', () => {
    const { hostname, port } = new URL(url)
    expect(loadConfig({}, environment()).FALCONER_ALLOWED_HOSTS).toContain(hostname)
    expect(Number(port)).toBe(named('Service', 'falconer').spec?.ports?.[0]?.port)
    const { sinks } = parse(read('deploy/buffer/vector.yaml')) as { sinks: Record<string, { uri: string; buffer: { type: string } }> }
    expect(sinks.falconer).toMatchObject({ uri: `${url}/ingest/falco`, buffer: { type: 'disk', when_full: 'block' } })
  })
})

describe('the image', () => {
  const dockerfile = read('deploy/Dockerfile')
  let app: string
  let data: string
  beforeAll(() => {
    app = mkdtempSync(join(tmpdir(), 'falconer-image-'))
    data = mkdtempSync(join(tmpdir(), 'falconer-image-data-'))
    copyInto(app, shipped())
    const [, install = ''] = /^RUN npm (ci .*)$/m.exec(dockerfile) ?? []
    execFileSync('npm', [...install.split(' '), '--prefer-offline'], { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] })
  }, 300_000)
  afterAll(() => {
    rmSync(app, { recursive: true, force: true })
    rmSync(data, { recursive: true, force: true })
  })
  const env = (): Record<string, string> => ({
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    FALCONER_DATA: data,
    FALCONER_PORT: '0',
    ...Object.fromEntries(
      [...dockerfile.matchAll(/\b(NODE_ENV|FALCONER_HOST)=(\S+)/g)].map(([, name, value]) => [name, value] as [string, string]),
    ),
  })

  it('is run by a user who is not root, keeps its data in a volume, and says whether it is well', () => {
    expect(/^USER (\d+):/m.exec(dockerfile)?.[1]).toBe(String(pod().securityContext.runAsUser))
    expect(dockerfile).toMatch(/^VOLUME \/data$/m)
    expect(dockerfile).toMatch(/^EXPOSE 8765$/m)
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\/healthz/m)
    expect(dockerfile).toMatch(/^FROM node:24-\S+$/m)
  })

  it('holds the product and its packages, and neither tests nor tools', () => {
    const held = readdirSync(app)
    expect(held).toEqual(expect.arrayContaining(['agent', 'apps', 'bin', 'evals', 'node_modules', 'responses', 'store']))
    expect(held.filter((name) => ['test', 'bench', 'scripts', 'docs', 'deploy', '.git', '.ci'].includes(name))).toEqual([])
    const packages = readdirSync(join(app, 'node_modules'))
    expect(
      packages.filter((name) => /vitest|typescript|knip|oxlint|fast-check|playwright|^node-linux|dependency-cruiser/.test(name)),
    ).toEqual([])
    expect(packages).toContain('kysely')
  })

  it('is found well by `falconer doctor`', () => {
    const found = JSON.parse(execFileSync(join(app, 'bin/falconer'), ['doctor', '--json'], { env: env(), encoding: 'utf8' })) as {
      ok: boolean
    }
    expect(found.ok).toBe(true)
  }, 300_000)

  it('serves, takes an alert, answers the probes, writes only its data, and ends when told to', async () => {
    const before = contents(app)
    const server = spawn(join(app, 'bin/falconer'), ['serve'], { env: env(), stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (part: Buffer) => {
        said += part.toString()
      })
    const ended = new Promise((resolve) => {
      server.once('close', resolve)
    })
    try {
      await expect.poll(() => said, { timeout: 180_000 }).toMatch(/url: http:\/\/localhost:\d+\/ingest\/falco\/\S+[\s\S]*Ctrl-C/)
      const [, port = '', secret = ''] = /url: http:\/\/localhost:(\d+)\/ingest\/falco\/(\S+)/.exec(said) ?? []
      // A kubelet asks by the pod’s address, which nothing else may.
      expect(await status(port, container().readinessProbe.httpGet.path, '10.1.2.3')).toBe(200)
      expect(await status(port, '/api/v1/status', '10.1.2.3')).toBe(403)
      const alert = {
        rule: 'Image test',
        priority: 'Notice',
        output: 'x',
        time: new Date().toISOString(),
        output_fields: { 'proc.name': 'sh' },
      }
      const answer = await fetch(`http://localhost:${port}/ingest/falco/${secret}`, { method: 'POST', body: JSON.stringify(alert) })
      expect(await answer.json()).toMatchObject({ accepted: 1, deadLetters: 0 })
    } finally {
      server.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
    expect(contents(app)).toEqual(before)
  }, 300_000)
})

/** What `COPY . .` copies: tracked files that .dockerignore lets through. Its last matching line decides. */
function shipped(): string[] {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const matches = (path: string, pattern: string): boolean => matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`)
  return filesOfTheHouse().filter((path) => {
    const deciding = lines.findLast((line) => matches(path, line.replace(/^!/, '')))
    return deciding?.startsWith('!') === true
  })
}

/** Every file with its size and time of change. */
const contents = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => {
      const { size, mtimeMs } = statSync(join(folder, path))
      return `${path} ${size} ${mtimeMs}`
    })
    .sort()

const status = (port: string, path: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
