import { tokensOf } from '../../domain/spend.ts'
import { failed, type Grader, passed } from '../exam.ts'

export const spend: Grader = {
  name: 'spend',
  asks: 'whether the model was asked no more than the scenario is worth, and the report is whole',
  async grade({ truth: { budget }, report }) {
    if (report.partial !== null) return failed(`it is partial: ${report.partial}`)
    if (report.spend === null) return passed
    const [calls, tokens] = [report.spend.calls, tokensOf(report.spend)]
    return calls <= budget.calls && tokens <= budget.tokens
      ? passed
      : failed(`${calls} calls and ${tokens} tokens; ${budget.calls} and ${budget.tokens} are enough`)
  },
}
