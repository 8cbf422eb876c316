import { citedIn, claimsOf, failed, type Grader, isFact, passed } from '../exam.ts'

/** Right for the wrong reason is luck. */
export const decisive: Grader = {
  name: 'decisive',
  asks: 'whether the records that decide the matter are cited',
  async grade({ truth, report }) {
    const cited = citedIn(claimsOf(report))
    const missing = truth.decisive.filter((fact) => !cited.some((one) => isFact(fact, one)))
    return missing.length === 0
      ? passed
      : failed(`not cited: ${missing.map(({ record, path, value, id }) => `${record} ${path ?? id} ${value ?? ''}`.trim()).join('; ')}`)
  },
}
