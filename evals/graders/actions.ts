import { type Exam, failed, fits, type Grader, passed } from '../exam.ts'

/** What could be proposed counts; a recommendation that is blocked is none. */
export const actions: Grader = {
  name: 'actions',
  asks: 'whether what is needed is recommended, and nothing that would do harm for nothing',
  async grade({ truth: { actions: right }, report, names }) {
    const told = recommended({ report, names })
    const missing = right.required.filter((deed) => !told.some(({ action, target }) => fits(deed, action, target)))
    const wrong = told.filter(({ action, target }) => ![...right.required, ...right.allowed].some((deed) => fits(deed, action, target)))
    if (missing.length + wrong.length === 0) return passed
    const list = (deeds: readonly { action: string; target: string }[]): string =>
      deeds.map(({ action, target }) => `${action} ${target}`).join(', ')
    return failed(
      [missing.length > 0 ? `missing: ${list(missing)}` : '', wrong.length > 0 ? `wrong: ${list(wrong.slice(0, 3))}` : '']
        .filter(Boolean)
        .join('; '),
    )
  },
}

const recommended = ({ report, names }: Pick<Exam, 'report' | 'names'>): { action: string; target: string }[] =>
  report.actions.flatMap(({ action, entityId, blocked }) =>
    blocked !== null || entityId === null ? [] : [{ action, target: names.get(entityId) ?? entityId }],
  )
