/**
 * MITRE ATT&CK ids as Falco's tags carry them: `mitre_<tactic>` names a tactic, `T1059[.004]` a technique,
 * `TA0003` a tactic by id. Tactics are kept in kill-chain order, which the severity and timeline rules use.
 */
export const tactics = [
  ['TA0043', 'reconnaissance', 'Reconnaissance'],
  ['TA0042', 'resource_development', 'Resource Development'],
  ['TA0001', 'initial_access', 'Initial Access'],
  ['TA0002', 'execution', 'Execution'],
  ['TA0003', 'persistence', 'Persistence'],
  ['TA0004', 'privilege_escalation', 'Privilege Escalation'],
  ['TA0005', 'defense_evasion', 'Defense Evasion'],
  ['TA0006', 'credential_access', 'Credential Access'],
  ['TA0007', 'discovery', 'Discovery'],
  ['TA0008', 'lateral_movement', 'Lateral Movement'],
  ['TA0009', 'collection', 'Collection'],
  ['TA0011', 'command_and_control', 'Command and Control'],
  ['TA0010', 'exfiltration', 'Exfiltration'],
  ['TA0040', 'impact', 'Impact'],
] as const

export type TacticId = (typeof tactics)[number][0]

const byTag: ReadonlyMap<string, TacticId> = new Map(tactics.map(([id, tag]) => [tag, id]))
const byId: ReadonlyMap<string, string> = new Map(tactics.map(([id, , title]) => [id, title]))
const order: ReadonlyMap<string, number> = new Map(tactics.map(([id], index) => [id, index]))

export const tacticTitle = (id: string): string => byId.get(id) ?? id
export const tacticOrder = (id: string): number => order.get(id) ?? tactics.length

/** Tactic and technique ids named by a rule's tags, sorted, without repeats. Unknown tags are ignored. */
export function attackFromTags(tags: readonly string[]): { tactics: string[]; techniques: string[] } {
  const foundTactics = new Set<string>()
  const techniques = new Set<string>()
  for (const tag of tags) {
    const tactic = /^mitre_(\w+)$/i.exec(tag)?.[1]?.toLowerCase()
    if (tactic !== undefined && byTag.has(tactic)) foundTactics.add(byTag.get(tactic) as string)
    else if (/^TA\d{4}$/.test(tag)) foundTactics.add(tag)
    else if (/^T\d{4}(\.\d{3})?$/.test(tag)) techniques.add(tag)
  }
  return { tactics: [...foundTactics].sort((a, b) => tacticOrder(a) - tacticOrder(b)), techniques: [...techniques].sort() }
}
