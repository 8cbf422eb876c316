/**
 * Embedders: what makes a vector of a text, so that texts alike in meaning lie near each other. Each provider is one file of embedders/. Which one, by
 * configuration; without it the built-in lexical one, which sends nothing anywhere.
 */
import { ConfigError, InvariantError, UpstreamError } from '../domain/errors.ts'
import { redact, type Secret } from '../domain/redact.ts'
import { post, type Limits } from './embed-call.ts'
import { embedders } from './embedders/registry.generated.ts'
import { lexical } from './lexical.ts'

/** What a text is for: some models want to know. */
export type Use = 'document' | 'query'
export interface Provider {
  readonly name: string
  /** Whether an address looks like this provider's. */ fits(url: URL): boolean
  request(model: string, texts: readonly string[], use: Use): { path: string; body: object }
  /** One vector for each text, in their order. `answer` is the provider's JSON: anything at all. */
  read(answer: unknown): unknown
}

export interface Embedder {
  /** Of provider and model: vectors of one are never compared with another's. */
  readonly name: string
  /** What has fewer words is a name, to which it has nothing to add; default: any question will do. */
  readonly leastWords?: number
  /** Secrets are masked before anything is sent. Throws UpstreamError. */
  embed(texts: readonly string[], use: Use, limits?: Partial<Limits>): Promise<number[][]>
}

/** Its part of the configuration, by the same names: what a model's tools reach reads none itself. */
export type EmbedConfig = {
  FALCONER_EMBED_URL?: Secret | undefined
  FALCONER_EMBED_MODEL?: string | undefined
  FALCONER_EMBED_KEY?: Secret | undefined
  FALCONER_EMBED_PROVIDER?: 'openai' | 'voyage' | 'ollama' | 'lexical' | 'none' | undefined
}

/** Without an address the lexical one, which is built in; null: none is wanted. Throws ConfigError. */
export function embedderFrom(config: EmbedConfig): Embedder | null {
  const { FALCONER_EMBED_URL: address, FALCONER_EMBED_MODEL: model, FALCONER_EMBED_KEY: key, FALCONER_EMBED_PROVIDER: named } = config
  if (named === 'none') return null
  if (named === 'lexical' || (named === undefined && address === undefined && model === undefined)) return lexical
  if (address === undefined || model === undefined)
    throw new ConfigError(
      `FALCONER_EMBED_URL and FALCONER_EMBED_MODEL belong together: ${address === undefined ? 'the address' : 'the model'} is missing.`,
    )
  const base = new URL(address.reveal())
  const provider =
    embedders.find((one) => (named === undefined ? one.fits(base) : one.name === named)) ?? embedders.find(({ name }) => name === 'openai')
  if (provider === undefined) throw new InvariantError('There is no provider of embeddings that speaks as OpenAI does.')
  return {
    name: `${provider.name} ${model}`,
    async embed(texts, use, limits = {}) {
      const { path, body } = provider.request(model, texts.map(redact), use)
      const to = new URL(base)
      to.pathname = `${to.pathname.replace(/\/+$/, '')}${path}`
      return checked(provider.read(await post(to, body, key, limits)), texts.length)
    },
  }
}

/** A provider's word is not taken: as many as there were texts, all as long, all of finite numbers, none of them nothing. */
function checked(vectors: unknown, count: number): number[][] {
  const refuse = (why: string): never => {
    throw new UpstreamError(`The embedder answered ${why}.`, { retryable: false })
  }
  if (!Array.isArray(vectors) || vectors.length !== count)
    return refuse(`${Array.isArray(vectors) ? vectors.length : 'no'} vectors for ${count} texts`)
  const [first] = vectors as unknown[]
  const length = Array.isArray(first) ? first.length : 0
  if (length < 8 || length > 16_000) return refuse(`vectors of ${length} numbers; 8 to 16,000 can be kept`)
  for (const one of vectors as unknown[]) {
    if (!Array.isArray(one) || one.length !== length) return refuse('vectors that are not all as long')
    if (!one.every((value) => typeof value === 'number' && Number.isFinite(Math.fround(value))))
      return refuse('a vector with something else than numbers')
    if (one.every((value) => Math.fround(value as number) === 0)) return refuse('a vector of nothing')
  }
  return vectors as number[][]
}
