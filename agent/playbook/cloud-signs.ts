/** What a call in a cloud is a sign of, by the tactic of its rule: families of detections speak of processes and files, which it has none of. */
import type { Alert } from '../../domain/alert.ts'

type CloudSign = { /** Completes “shows …”. */ title: string; /** Why that weighs what it does, in one clause. */ because: string }

/** The tactic that tells most comes first: what was taken before how. */
const signs: readonly (CloudSign & { tactic: string })[] = [
  { tactic: 'TA0010', title: 'data given to others', because: 'what another account holds cannot be called back' },
  { tactic: 'TA0040', title: 'harm to what is there, or its misuse', because: 'it is what intruders come for' },
  {
    tactic: 'TA0006',
    title: 'a reach for credentials',
    because: 'what was read can be used elsewhere, so it must be taken as known to others',
  },
  { tactic: 'TA0009', title: 'a taking of data', because: 'what was read cannot be called back' },
  { tactic: 'TA0008', title: 'a step onto a machine', because: 'what the machine may do is then theirs' },
  { tactic: 'TA0002', title: 'code run through a service of the cloud', because: 'whoever may do that needs no way into the machine' },
  { tactic: 'TA0003', title: 'a way to come back', because: 'it stays when the credentials are taken away' },
  { tactic: 'TA0004', title: 'a gain of rights', because: 'rights for oneself or for strangers are seldom anybody’s work' },
  { tactic: 'TA0005', title: 'a covering of tracks', because: 'what follows is not written down, or not noticed' },
  { tactic: 'TA0001', title: 'a way in with credentials alone', because: 'whoever has them needs no flaw' },
  { tactic: 'TA0007', title: 'a look around', because: 'it tells which doors there are' },
]
const other: CloudSign = { title: 'a call worth a look', because: 'its rule says so' }

export const cloudSign = ({ tactics }: Pick<Alert, 'tactics'>): CloudSign => signs.find(({ tactic }) => tactics.includes(tactic)) ?? other
