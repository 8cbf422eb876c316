import { failed, type Grader, notAsked, passed } from '../exam.ts'

const base = (id: string): string => id.split('.')[0] ?? id

export const techniques: Grader = {
  name: 'techniques',
  asks: 'whether the attack’s techniques are named, sub-techniques counted as what they belong to',
  async grade({ truth, report }) {
    if (truth.techniques.length === 0) return notAsked
    const told = new Set(report.techniques.map(({ id }) => base(id)))
    const missing = truth.techniques.filter((id) => !told.has(base(id)))
    return missing.length === 0 ? passed : failed(`not named: ${missing.join(', ')}`)
  },
}
