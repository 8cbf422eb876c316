/** Why the playbook says what it says: each sign and what it weighs, what decided beside them, and what a person said of the same before. */
import type { Claim } from '../../domain/report.ts'
import type { CaseAlert, CaseFile, Coverage } from '../../incidents/case-file.ts'
import type { InstanceUse } from '../../incidents/instance-use.ts'
import { personToAsk } from './person-to-ask.ts'
import { absence, cite, citeCoverage, citeEntity, citeVerdict, inference, observation, standsOn, standsOnEntity } from './sentence.ts'
import { usedAtHome } from './used-at-home.ts'
import { type Judgement, type Signal, titleOf } from './weigh.ts'

export function reasons(file: CaseFile, signals: readonly Signal[], judgement: Judgement, witness: Coverage | null): Claim[] {
  const [first] = file.alerts
  if (first === undefined) return []
  if (judgement.code === 'explained') return [explained(first), ...called(file)]
  const use = judgement.code === 'used_at_home' ? usedAtHome(file) : null
  const told =
    witness === null
      ? signals.slice(0, 6).map((signal) => reason(file, signal))
      : [
          absence`Who opened the shell ${cite(first.alert, 'process.cmdline')} only the audit log can tell, and its source was last heard at ${citeCoverage(witness)}, before it began.`,
        ]
  const person = judgement.code === 'person_to_ask' ? personToAsk(file, signals) : null
  return [...(person === null ? [] : [askThem(person)]), ...told, ...(use === null ? [] : [atHome(use)]), ...called(file)]
}

export function explained(entry: CaseAlert): Claim {
  const { pod } = entry.context
  if (pod === null || entry.explanation === null) return inference`Inventory explains it. ${standsOn(entry.alert)}`
  return inference`${cite(entry.alert, 'process.cmdline')} is exactly the command that the ${citeEntity(pod, 'properties.workload.kind')} declares for this pod, and it has no terminal: the job did its work. ${standsOnEntity(pod)}`
}

const askThem = ({ alert }: CaseAlert): Claim =>
  inference`${cite(alert, 'fields.ka.user.name')} opened the terminal in which all of this was typed, from ${cite(alert, 'fields.ka.sourceips')}: whether it was they, at their work, or somebody with their credentials, no record says. Ask them before anything is cut off.`

const atHome = ({ node, calls, source }: InstanceUse): Claim =>
  absence`Of ${calls} ${calls === 1 ? 'call' : 'calls'} with the credentials of node ${citeEntity(node, 'name')} that followed, none came from another address than its own (${citeEntity(node, 'properties.addresses')}), as far as the cloud’s audit log goes, last heard at ${citeCoverage(source)}: software of the cloud does that all day.`

/** What a person said of the same before: told, and weighed by whoever decides. It moves no verdict; whether it moved severity the baseline says. */
const called = ({ called: [last] }: CaseFile): Claim[] =>
  last === undefined
    ? []
    : [
        observation`A person called the same ${citeVerdict(last, 'verdict')} on ${citeVerdict(last, 'decidedAt')}: an incident in which all of these rules were seen, by the same processes in the same places. That is no proof of this time.`,
      ]

function reason(file: CaseFile, signal: Signal): Claim {
  const { family, weight, strongest, alerts } = signal
  const { because } = family
  const all = file.omitted === 0 ? '' : ` of the ${file.alerts.length} that were read`
  const count = `${alerts.length} ${alerts.length === 1 ? 'alert' : 'alerts'}${all}`
  // What speaks for a family does not speak for a sign of it that says little by itself.
  return inference`Rule ${cite(strongest.alert, 'rule')} (${count}) shows ${titleOf(signal)}, which is ${weight}: ${weight === 'weak' ? 'it says little by itself' : because}.`
}
