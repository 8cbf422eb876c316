import { citedIn, failed, type Grader, isFact, notAsked, passed } from '../exam.ts'

const first = 3

export const rootCause: Grader = {
  name: 'root-cause',
  asks: `whether what made it possible is among the first ${first} causes told`,
  async grade({ truth, report }) {
    const { rootCause: right } = truth
    if (right === null) return notAsked
    const told = citedIn(report.rootCause.slice(0, first))
    return right.some((fact) => told.some((one) => isFact(fact, one)))
      ? passed
      : failed(report.rootCause.length === 0 ? 'no cause is told' : 'other causes are told')
  },
}
