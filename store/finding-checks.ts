/** The words of each check that findings are of: few rows where findings are very many, so that words are looked for without reading these. */
import { sql } from 'kysely'
import type { NewFinding } from '../domain/finding.ts'
import type { Transaction } from './database.ts'
import { jsonText } from './values.ts'

/** Of checks never seen before. Two who see one at the same time may both write it: nobody waits. */
export async function noteChecks(tx: Transaction, findings: readonly NewFinding[]): Promise<void> {
  const checks = new Map<string, { id: string; words: string }>()
  for (const { check, title, package: found, aliases } of findings)
    if (!checks.has(check)) checks.set(check, { id: check, words: [check, title, found?.name ?? '', ...aliases].join(' ') })
  await tx.query(sql`insert into finding_checks (check_id, words) select r.id, searched_words(r.words)
    from jsonb_to_recordset(${jsonText([...checks.values()])}::jsonb) as r(id text, words text) where not exists (select from finding_checks c where c.check_id = r.id) order by r.id`)
}
