import { groundClaim } from '../../incidents/grounding.ts'
import { recordReader } from '../../incidents/record-reader.ts'
import { claimsOf, failed, type Grader, passed } from '../exam.ts'

/** Grounding’s own word is not taken for it: every claim is read against the store again. */
export const citations: Grader = {
  name: 'citations',
  asks: 'whether there is a summary, and every sentence stands on records that hold what it says',
  async grade({ db, report }) {
    const claims = claimsOf(report)
    if (report.summary.length === 0) return failed('it says nothing')
    const reader = recordReader(db)
    const again = await Promise.all(claims.map((claim) => groundClaim(claim, reader)))
    const wrong = again.find((claim) => !claim.grounded)
    return wrong === undefined
      ? passed
      : failed(`${again.filter(({ grounded }) => !grounded).length} of ${claims.length} do not hold, the first: ${wrong.problems[0]}`)
  },
}
