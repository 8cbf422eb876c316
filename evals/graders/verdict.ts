import { failed, type Grader, passed } from '../exam.ts'

export const verdict: Grader = {
  name: 'verdict',
  asks: 'whether the verdict is one of those that are right',
  grade: async ({ truth, report }) =>
    truth.verdicts.includes(report.verdict) ? passed : failed(`${report.verdict}; right is ${truth.verdicts.join(' or ')}`),
}
