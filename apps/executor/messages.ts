/** The messages between the server and the executor process, over Node's own IPC pipe. */
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
}
export type Method = 'init' | 'plan' | 'execute' | 'revert' | 'verify' | 'status'
export type Request = { kind: 'request'; id: number; method: Method | 'keep'; params: unknown }
export type Answer = {
  kind: 'answer'
  id: number
  result?: unknown
  error?: { code: string; reason: string | null; retryable: boolean; message: string }
}
export type Message = Request | Answer
