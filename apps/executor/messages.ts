/** The messages between the server and the executor process, over Node's own IPC pipe. */
import type { Artifact } from '../../domain/proposal.ts'
import type { Policy } from '../../responses/policy.ts'

/** First message: where its credentials are (never the credentials), the key that signs approvals, the policy. */
export type Init = {
  kubeconfigPath: string | null
  context: string | null
  inCluster: boolean
  publicKey: string
  policy: Policy
  actionsEnabled: boolean
  scope: string
  /** What its environment holds beside a PATH: where the cluster is, for a service account or a sign-in program. Never a secret of ours. */
  environment?: Record<string, string>
}
export type Method = 'init' | 'plan' | 'execute' | 'revert' | 'verify' | 'standing' | 'status'
export type Request = { kind: 'request'; id: number; method: Method | 'keep'; params: unknown }
/** `of`: the execution's request that the artifact belongs to. */
export type KeepRequest = { of: number; artifact: Artifact }
export type Answer = {
  kind: 'answer'
  id: number
  result?: unknown
  error?: { code: string; reason: string | null; retryable: boolean; message: string }
}
export type Message = Request | Answer
