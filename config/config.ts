/**
 * The configuration: one schema, parsed once, all problems reported together. The only reader of process.env.
 * Defaults are safe: read-only towards any real cluster, actions only with a person's approval, loopback only.
 */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../domain/errors.ts'
import { Secret } from '../domain/redact.ts'
import { Severity } from '../domain/severity.ts'

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value))
const endpoint = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https:// or http://' })
  .refine((text) => new URL(text).username + new URL(text).password === '', 'must hold no user name or password')
const webAddress = endpoint.transform((value) => new Secret(value))
const issuer = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https://' })
  .refine(
    (text) => text.startsWith('https://') || /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?(?:\/|$)/.test(text),
    'must begin with https://, except on this machine',
  )
const signingSecret = z
  .string()
  .min(24, 'must have at least 24 characters, or be whsec_ and base64')
  .refine((text) => !text.startsWith('whsec_') || /^whsec_[A-Za-z0-9+/]{24,}={0,2}$/.test(text), 'must be base64 after whsec_')
  .transform((value) => new Secret(value))
const slackToken = (prefix: string) =>
  z
    .string()
    .startsWith(prefix, `begins with ${prefix}`)
    .transform((value) => new Secret(value))
const flag = z.enum(['true', 'false', '1', '0', 'yes', 'no']).transform((value) => ['true', '1', 'yes'].includes(value))
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

export const Config = z.object({
  DATABASE_URL: secret.optional().describe('A Postgres server with pgvector. Without it the embedded database in --data is used'),
  FALCONER_DATA: z.string().default('.falconer').describe('Folder of the embedded database and keys'),
  FALCONER_HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  FALCONER_PORT: z.coerce.number().int().min(0).max(65_535).default(8765).describe('Port to listen on; 0 picks a free one'),
  FALCONER_PUBLIC_URL: z.url().optional().describe('How browsers reach the page, e.g. https://falconer.example.org'),
  FALCONER_ALLOWED_HOSTS: list.default([]).describe('Further Host names to answer to, comma separated'),
  FALCONER_SCOPE: z
    .string()
    .min(1)
    .max(100)
    .default('default')
    .describe('Name of the cluster that sources belong to unless they say otherwise'),
  FALCONER_KUBECONFIG: z.string().optional().describe('kubeconfig of the cluster to watch and, if actions are enabled, to act on'),
  FALCONER_EXECUTOR_KUBECONFIG: z
    .string()
    .optional()
    .describe('kubeconfig of the executor alone, with the rights of deploy/executor-rbac.generated.yaml; default: FALCONER_KUBECONFIG'),
  FALCONER_KUBE_CONTEXT: z.string().optional().describe('Context in that kubeconfig'),
  FALCONER_IN_CLUSTER: flag.default(false).describe('Use the pod’s own service account'),
  FALCONER_PULL_MINUTES: z.coerce
    .number()
    .min(0)
    .max(10_080)
    .default(15)
    .describe('How often what the operators of Trivy and Kubescape found is read from that cluster; 0: never'),
  FALCONER_ACTIONS: flag
    .default(false)
    .describe('Allow approved actions to be executed on the cluster; off: proposals are planned, never run'),
  FALCONER_POLICY: z.string().optional().describe('Response policy file (YAML); default: the built-in policy'),
  FALCONER_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_650)
    .default(90)
    .describe('Alerts older than this (by received time) are dropped'),
  FALCONER_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least severe log line that is written'),
  FALCONER_INGEST_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1_024)
    .default(32 * 1024 * 1024)
    .describe('Largest body taken by ingest'),
  FALCONER_INGEST_WAITING_BYTES: z.coerce
    .number()
    .int()
    .min(65_536)
    .default(16 * 1024 * 1024)
    .describe('What posts may hold together until they are committed, 16 KiB for each beside its bytes; more is refused with 503'),
  FALCONER_MAX_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(1)
    .default(2_000)
    .describe('Connections at once; further ones are closed and counted'),
  FALCONER_OIDC_ISSUER: issuer
    .optional()
    .describe('The company’s OpenID Connect issuer; MCP then also takes its access tokens (JWT) for people who are known here'),
  FALCONER_OIDC_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe('The audience that its tokens for this server have; default: the address of MCP, FALCONER_PUBLIC_URL and /mcp'),
  FALCONER_OIDC_USER_CLAIM: z
    .string()
    .regex(/^\w+$/, 'has letters, digits and underscores')
    .default('preferred_username')
    .describe('Claim that holds the name which the person has in Falconer. It must be one that people cannot choose for themselves'),
  FALCONER_MCP_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(0)
    .default(1_200)
    .describe('Requests of one token a minute that MCP answers; more is refused with 429. 0: no limit'),
  FALCONER_MCP_BURST: z.coerce.number().int().min(1).default(300).describe('Of these, so many at once'),
  FALCONER_NATS_URL: secret
    .optional()
    .describe('NATS servers whose JetStream holds Falco’s alerts, comma separated: nats://… or tls://…, with user:password@ where needed'),
  FALCONER_NATS_STREAM: z.string().min(1).default('FALCO').describe('Stream that holds them'),
  FALCONER_NATS_SUBJECT: z.string().min(1).default('falco.>').describe('Subjects of it to take'),
  FALCONER_NATS_DURABLE: z
    .string()
    .regex(/^[\w-]+$/, 'has letters, digits, dashes and underscores')
    .default('falconer')
    .describe('Durable consumer; servers with the same one share its messages'),
  FALCONER_NATS_SOURCE: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'has 1 to 63 small letters, digits, dots, dashes or underscores')
    .default('falco-nats')
    .describe('Name of the source under which they are counted'),
  FALCONER_NATS_CREDENTIALS: z.string().optional().describe('Credentials file (.creds) for it'),
  FALCONER_NATS_TOKEN: secret.optional().describe('Token for it'),
  FALCONER_NATS_CA: z.string().optional().describe('Certificate file of the authority to believe, when it is not a public one'),
  FALCONER_WEBHOOK_URL: webAddress
    .optional()
    .describe('Where incidents are sent as CloudEvents (docs/output.md). The whole address counts as a secret'),
  FALCONER_WEBHOOK_SECRET: signingSecret
    .optional()
    .describe('Signs what is sent there, as Standard Webhooks says; at least 24 characters, or whsec_ and base64'),
  FALCONER_SLACK_BOT_TOKEN: slackToken('xoxb-')
    .optional()
    .describe('Bot token of the Slack app (xoxb-…, docs/slack.md). With it Falconer is in Slack'),
  FALCONER_SLACK_APP_TOKEN: slackToken('xapp-')
    .optional()
    .describe('App-level token (xapp-…): Slack is heard over Socket Mode, for which no public address is needed'),
  FALCONER_SLACK_SIGNING_SECRET: secret
    .optional()
    .describe('Signing secret of the Slack app: Slack is heard at FALCONER_PUBLIC_URL/slack/events instead'),
  FALCONER_SLACK_CHANNEL: z
    .string()
    .regex(/^[CG][A-Z0-9]{5,20}$/, 'is the id of a channel, e.g. C0123456789: it stands at the end of “View channel details” in Slack')
    .optional()
    .describe('Id of the channel (C…) where incidents and proposals are told, unless a route says another (docs/slack-cards.md)'),
  FALCONER_SLACK_ROUTES: z
    .string()
    .optional()
    .describe('File (YAML) that says which incidents are told in which channel, when people sleep, and whom critical ones call'),
  FALCONER_SLACK_API_URL: endpoint.optional().describe('Where Slack’s Web API is, when it is not https://slack.com/api/'),
  ANTHROPIC_API_KEY: secret.optional().describe('With it, Claude investigates (docs/models.md). Without a model the playbook does'),
  ANTHROPIC_BASE_URL: endpoint.optional().describe('Where the Messages API is, when it is not https://api.anthropic.com'),
  FALCONER_MODEL: z
    .string()
    .min(1)
    .optional()
    .describe('Model that investigates; default: claude-sonnet-5-5. Needed with FALCONER_MODEL_URL'),
  FALCONER_MODEL_TRIAGE: z
    .string()
    .min(1)
    .optional()
    .describe('Model of a first look; default: claude-haiku-5-5, with FALCONER_MODEL_URL the one that investigates'),
  FALCONER_MODEL_TRIAGE_UP_TO: Severity.optional().describe('Undecided incidents up to it get a first look (docs/triage-and-cost.md)'),
  FALCONER_MODEL_CHAT: z.string().min(1).optional().describe('Model for chat; default: the one that investigates'),
  FALCONER_MODEL_URL: endpoint
    .optional()
    .describe('Endpoint that speaks OpenAI’s chat completions, e.g. http://localhost:11434/v1 of Ollama; asked instead of Claude'),
  FALCONER_MODEL_KEY: secret.optional().describe('Key of that endpoint, where it wants one'),
  FALCONER_NO_MODEL: flag.default(false).describe('Ask no model, whatever else is set: the playbook investigates'),
  FALCONER_MODEL_CALLS: z.coerce.number().int().min(1).default(24).describe('Calls of a model that one investigation or question may make'),
  FALCONER_MODEL_TOKENS: z.coerce
    .number()
    .int()
    .min(1)
    .default(300_000)
    .describe('Tokens it may use, of prompts and answers, cached ones too'),
  FALCONER_MODEL_SECONDS: z.coerce.number().min(1).max(86_400).default(300).describe('Seconds it may take'),
  FALCONER_MODEL_USD: z.coerce.number().min(0).default(1).describe('USD it may cost, where the prices of the model are known'),
  FALCONER_MODEL_USD_MONTH: z.coerce
    .number()
    .min(0)
    .default(100)
    .describe('USD that models may cost in a calendar month (UTC); then none is asked, visibly'),
  FALCONER_MODEL_PRICES: z
    .string()
    .optional()
    .describe(
      'Prices in USD for a million tokens, as JSON by the beginning of a model’s name: {"name": {"input": 2, "output": 10, "cacheRead": 0.2, "cacheWrite": 2.5}}',
    ),
  HTTPS_PROXY: secret.optional().describe('Proxy by which models at https:// are asked; nothing else goes through it'),
  NO_PROXY: z.string().optional().describe('Hosts that are asked directly, comma separated'),
  FALCONER_NOTES: z
    .string()
    .optional()
    .describe('Folder of Markdown files, the organisation’s own notes, that searches find too (docs/knowledge.md)'),
  FALCONER_EMBED_URL: webAddress
    .optional()
    .describe('Where embeddings are made, e.g. https://api.openai.com/v1 or http://127.0.0.1:11434/v1. Not set: nothing is sent anywhere'),
  FALCONER_EMBED_MODEL: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Model of embeddings there. Changing it embeds all knowledge again, in the background'),
  FALCONER_EMBED_KEY: secret.optional().describe('Key for it'),
  FALCONER_EMBED_PROVIDER: z
    .enum(['openai', 'voyage', 'ollama', 'lexical', 'none'])
    .optional()
    .describe(
      'Whose API it speaks; default: by its address, else OpenAI’s, as most do. “lexical”: built in, sends nothing, the default without an address; “none”: words alone',
    ),
  FALCONER_MODEL_MIN_SEVERITY: Severity.default('high').describe(
    'Incidents this severe are read by a model too; of less severe ones, from medium on, those that the playbook is not sure of',
  ),
  FALCONER_MODEL_AGAIN_MINUTES: z.coerce
    .number()
    .min(1)
    .max(10_080)
    .default(30)
    .describe(
      'A model is asked about the same incident again only when something new in kind has come, and not sooner; each time twice as long',
    ),
  FALCONER_MODEL_PER_HOUR: z.coerce
    .number()
    .int()
    .min(0)
    .default(20)
    .describe(
      'Investigations by a model that begin by themselves in an hour; the rest wait, the most severe first. People’s are not counted',
    ),
  FALCONER_URL: z.url().optional().describe('Server that the command line talks to'),
  FALCONER_TOKEN: secret.optional().describe('API token of the command line; without it, what `falconer login` left'),
})
export type Config = z.infer<typeof Config>

/** Reads the environment, with `overrides` (command-line flags) on top. Empty values count as unset. Throws ConfigError naming every problem. */
export function loadConfig(
  overrides: Partial<Record<keyof Config, string>> = {},
  environment: Record<string, string | undefined> = process.env,
): Config {
  // Whatever reads the real environment may load LangChain later.
  if (environment === process.env) silenceTracing()
  const given = Object.fromEntries(
    Object.keys(Config.shape)
      .map((name) => [name, overrides[name as keyof Config] ?? fromFile(name, environment) ?? environment[name]])
      .filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = Config.safeParse(given)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new ConfigError(`The configuration cannot be used:\n${problems.join('\n')}`)
}

/** Where this user's own files are (XDG). */
export const userFolder = ({ XDG_CONFIG_HOME: given, HOME: home }: Record<string, string | undefined> = process.env): string =>
  join(given !== undefined && isAbsolute(given) ? given : join(home ?? homedir(), '.config'), 'falconer')

/** What a cluster client needs of the environment in another process: where the cluster is, and a home for sign-in programs. No secret. */
export const clusterEnvironment = (environment: Record<string, string | undefined> = process.env): Record<string, string> =>
  Object.fromEntries(
    ['PATH', 'HOME', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT', 'NODE_EXTRA_CA_CERTS'].flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )

/**
 * Whoever sets these wants another program traced. LangChain reads them by itself, and would send prompts to a company nobody here chose:
 * called before any of it is loaded, it finds none.
 */
export function silenceTracing(environment: Record<string, string | undefined> = process.env): void {
  for (const name of Object.keys(environment)) if (/^(?:LANGSMITH|LANGCHAIN|LANGGRAPH)_|^OTEL_ENABLED$/.test(name)) delete environment[name]
}

/** `DATABASE_URL_FILE=/run/secrets/url`: the usual way secrets are mounted. */
function fromFile(name: string, environment: Record<string, string | undefined>): string | undefined {
  const path = environment[`${name}_FILE`]
  if (path === undefined || path === '') return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${name}_FILE names ${path}, which cannot be read`, { cause: error })
  }
}
