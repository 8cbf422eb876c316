/** What a SARIF report must look like: a result, and what stands around the results. Snippets of code are left out on the way. */
import { z } from 'zod'

const text = z.string().nullish()
const Message = z.object({ text, markdown: text, id: text, arguments: z.array(z.string()).nullish() })
export type Message = z.infer<typeof Message>
const properties = z.record(z.string(), z.unknown()).nullish()
const index = z.number().int().nullish()
const Component = z.object({ name: text, index, guid: text })
const ArtifactLocation = z.object({ uri: text, uriBaseId: text, index })
const Location = z.object({
  physicalLocation: z
    .object({ artifactLocation: ArtifactLocation.nullish(), region: z.object({ startLine: index, endLine: index }).nullish() })
    .nullish(),
  logicalLocations: z.array(z.object({ fullyQualifiedName: text, name: text })).nullish(),
})
const fingerprints = z.record(z.string(), z.string()).nullish()

export const SarifResult = z.object({
  ruleId: z.string().min(1).max(500).nullish(),
  ruleIndex: index,
  rule: z.object({ id: text, index, toolComponent: Component.nullish() }).nullish(),
  kind: text,
  level: text,
  message: Message.nullish(),
  locations: z.array(Location).nullish(),
  suppressions: z.array(z.object({ kind: text, status: text, state: text, justification: text })).nullish(),
  baselineState: text,
  fingerprints,
  partialFingerprints: fingerprints,
})
export type SarifResult = z.infer<typeof SarifResult>

const Rule = z.object({
  id: z.string(),
  name: text,
  shortDescription: Message.nullish(),
  fullDescription: Message.nullish(),
  help: Message.nullish(),
  helpUri: text,
  defaultConfiguration: z.object({ level: text }).nullish(),
  messageStrings: z.record(z.string(), Message).nullish(),
  properties,
})
export type Rule = z.infer<typeof Rule>
const Tool = z.object({ name: text, rules: z.array(Rule).nullish(), globalMessageStrings: z.record(z.string(), Message).nullish() })

const Notification = z.object({ level: text, message: Message.nullish() })
const Invocation = z.object({
  startTimeUtc: text,
  endTimeUtc: text,
  executionSuccessful: z.boolean().nullish(),
  exitCodeDescription: text,
  exitSignalName: text,
  workingDirectory: ArtifactLocation.nullish(),
  toolExecutionNotifications: z.array(Notification).nullish(),
  toolConfigurationNotifications: z.array(Notification).nullish(),
})

export const Run = z.object({
  tool: z.object({
    driver: Tool.extend({ name: z.string().min(1), version: text, semanticVersion: text }),
    extensions: z.array(Tool).nullish(),
  }),
  automationDetails: z.object({ id: text }).nullish(),
  versionControlProvenance: z.array(z.object({ repositoryUri: text })).nullish(),
  invocations: z.array(Invocation).nullish(),
  artifacts: z.array(z.object({ location: ArtifactLocation.nullish() })).nullish(),
  externalPropertyFileReferences: z.object({ results: z.array(z.unknown()).nullish() }).nullish(),
  results: z.array(z.unknown()).nullish(),
  properties,
})
export type Run = z.infer<typeof Run>
export const Around = z.object({ version: z.string().regex(/^2\.1/, 'only SARIF 2.1 is read').nullish(), runs: z.array(Run) })
