import { sentenceParts } from '../../incidents/sentence-parts.ts'
import { claimsOf, failed, type Grader, notAsked, passed } from '../exam.ts'

export const unknowns: Grader = {
  name: 'unknowns',
  asks: 'whether what is not known is said, with the source that would know',
  async grade({ truth, report }) {
    if (truth.unknowns.length === 0) return notAsked
    const said = [
      ...report.unknowns,
      ...claimsOf(report).flatMap((claim) => (claim.kind === 'absence' && claim.grounded ? [plain(claim.text)] : [])),
    ]
    const missing = truth.unknowns.filter(({ says }) => !said.some((sentence) => new RegExp(says).test(sentence)))
    return missing.length === 0 ? passed : failed(`not said: ${missing.map(({ example }) => example).join(' ')}`)
  },
}
const plain = (text: string): string =>
  sentenceParts(text)
    .map((part) => part.text)
    .join('')
