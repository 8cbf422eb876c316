/** What Grype writes, as far as it is read. All its versions: what one of them leaves out is optional; what is read is never of another type. */
import { z } from 'zod'

const text = z.string().nullish()
const texts = z.array(z.string()).nullish()
const score = z.looseObject({ baseScore: z.number().nullish(), vector: text }).nullish()

const Vulnerability = z.looseObject({
  id: z.string().min(1),
  dataSource: text,
  severity: text,
  description: text,
  urls: texts,
  /** Before 0.13. */ links: texts,
  cvss: z
    .array(z.looseObject({ version: text, vector: text, metrics: z.looseObject({ baseScore: z.number().nullish() }).nullish() }))
    .nullish(),
  cvssV2: score,
  cvssV3: score,
  fix: z.looseObject({ versions: texts, state: text }).nullish(),
  fixedInVersion: text,
  advisories: z.array(z.looseObject({ id: text, link: text })).nullish(),
  epss: z.array(z.looseObject({ epss: z.number().nullish(), percentile: z.number().nullish() })).nullish(),
  knownExploited: z.array(z.unknown()).nullish(),
  risk: z.number().nullish(),
})
export type Vulnerability = z.infer<typeof Vulnerability>

const IgnoreRule = z.looseObject({
  vulnerability: text,
  reason: text,
  namespace: text,
  'fix-state': text,
  'vex-status': text,
  'vex-justification': text,
  'match-type': text,
  package: z.looseObject({ name: text, version: text, type: text, location: text, language: text, 'upstream-name': text }).nullish(),
})
export type IgnoreRule = z.infer<typeof IgnoreRule>

export const Match = z.looseObject({
  vulnerability: Vulnerability,
  relatedVulnerabilities: z.array(Vulnerability).nullish(),
  artifact: z.looseObject({
    name: z.string().min(1),
    version: text,
    type: text,
    purl: text,
    locations: z.array(z.looseObject({ path: text })).nullish(),
  }),
  appliedIgnoreRules: z.array(IgnoreRule).nullish(),
})
export type Match = z.infer<typeof Match>

const ImageTarget = z.looseObject({
  userInput: text,
  imageID: text,
  manifestDigest: text,
  tags: texts,
  repoDigests: texts,
  layers: z.array(z.looseObject({ digest: text })).nullish(),
})
/** Around the matches, which were handed out one by one, their lists are empty. What is still in them, or is no list, would be lost. */
const handedOut = z.array(z.unknown()).max(0, 'its entries could not be told apart').nullable()
export const Around = z.looseObject({
  matches: handedOut,
  ignoredMatches: handedOut.optional(),
  source: z.looseObject({ type: text, target: z.union([z.string(), ImageTarget]).nullish() }).nullish(),
  distro: z.looseObject({ name: text, version: text }).nullish(),
  descriptor: z
    .looseObject({
      version: text,
      timestamp: text,
      db: z.looseObject({ error: text, status: z.looseObject({ error: text, built: text }).nullish(), built: text }).nullish(),
    })
    .nullish(),
})
export type Around = z.infer<typeof Around>
