/** What a report of Kubescape must look like: a result, and what stands around the results. */
import { z } from 'zod'

const text = z.string().nullish()
const Status = z.looseObject({ status: text, subStatus: text, info: text })
const words = { name: text, severity: text, scoreFactor: z.number().nullish(), status: z.union([z.string(), Status]).nullish() }

const FailedPath = z.looseObject({
  failedPath: text,
  reviewPath: text,
  deletePath: text,
  fixPath: z.looseObject({ path: text, value: text }).nullish(),
})
export const Control = z.looseObject({
  ...words,
  controlID: z.string().regex(/^[\w.-]{1,64}$/, 'not the id of a control'),
  statusInfo: Status.nullish(),
  rules: z.array(z.looseObject({ paths: z.array(FailedPath).nullish() })).nullish(),
})
export type Control = z.infer<typeof Control>

export const KubescapeResult = z.looseObject({
  resourceID: z.string().min(1).max(2_000),
  controls: z.array(Control).nullish(),
  /** Of the object, as `split` found it. */ sourceFile: z.string().optional(),
})
export type KubescapeResult = z.infer<typeof KubescapeResult>

const Summary = z.object({ ...words, statusInfo: Status.nullish() })
export type Summary = z.infer<typeof Summary>
const names = z.array(z.string()).nullish()
const Target = z.object({
  gitRepoContextMetadata: z.object({ remoteURL: text, repo: text }).nullish(),
  repoContextMetadata: z.object({ remoteURL: text, repo: text }).nullish(),
  directoryContextMetadata: z.object({ basePath: text }).nullish(),
  fileContextMetadata: z.object({ filePath: text }).nullish(),
  helmContextMetadata: z.object({ chartName: text }).nullish(),
})
export const Around = z.object({
  generationTime: text,
  summaryDetails: z.object({ controls: z.record(z.string(), Summary).nullish() }),
  results: z.array(z.unknown()).nullish(),
  metadata: z
    .object({
      targetMetadata: Target.nullish(),
      scanMetadata: z.object({ kubescapeVersion: text, targetNames: names, includeNamespaces: names, excludedNamespaces: names }).nullish(),
    })
    .nullish(),
})
export type Around = z.infer<typeof Around>
