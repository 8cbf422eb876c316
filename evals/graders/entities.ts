import { sentenceParts } from '../../incidents/sentence-parts.ts'
import { claimsOf, citedIn, failed, type Grader, notAsked, passed } from '../exam.ts'

/** By a cited record, or quoted in a sentence that held up. */
export const entities: Grader = {
  name: 'entities',
  asks: 'whether what was hit, and from where, is named in sentences that stand on records',
  async grade({ truth, report, names }) {
    if (truth.entities.length === 0) return notAsked
    const claims = claimsOf(report).filter(({ grounded }) => grounded)
    const cited = new Set(citedIn(claims).flatMap(({ record, id }) => (record === 'entity' ? (names.get(id) ?? []) : [])))
    const quoted = claims.flatMap(({ text }) => sentenceParts(text).flatMap((part) => (part.quoted ? [part.text] : [])))
    const values = citedIn(claims).flatMap(({ value }) => value ?? [])
    const missing = truth.entities.filter(({ kind, name }) =>
      kind === 'address'
        ? ![...quoted, ...values].some((text) => hasAddress(text, name))
        : !cited.has(`${kind}/${name}`) && !quoted.includes(name),
    )
    return missing.length === 0 ? passed : failed(`not named: ${missing.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`)
  },
}

const hasAddress = (text: string, address: string): boolean =>
  text.split(/[^\w.:]+/).some((part) => part === address || part.startsWith(`${address}:`))
