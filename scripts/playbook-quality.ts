/**
 * `npm run playbook-quality`: what the playbook makes of the real records that FALCONER_CONFORMANCE_DATA names, as docs/playbook-quality.md. The
 * conformance test holds the same table against that page.
 */
import { writeFileSync } from 'node:fs'
import { FixedClock } from '../domain/clock.ts'
import { openDatabase } from '../store/database.ts'
import { filesOfRuns, runPlaybook } from '../test/conformance/playbook-runs.ts'
import { judgeRun, tableOf } from '../test/conformance/playbook-table.ts'

const data = process.env.FALCONER_CONFORMANCE_DATA
if (data === undefined) {
  console.error('FALCONER_CONFORMANCE_DATA names no folder: the table is made from real data, which is not part of the repository.')
  process.exit(2)
}
const head = `# The playbook on real records

Made by \`npm run playbook-quality\`; the conformance tests check it where the data is. Each file is read, correlated and investigated by the playbook alone,
without inventory and without a model. Expected are the techniques in the rules' own tags, and where each alert was: its pod, else its container, else its
host. Of a recorded attack in a cloud: the technique that its authors name, and the identity that did nearly all of it.

*Wrong* is a technique or a place that the report does not tell, a sentence that its records do not bear out, ordinary work called a true positive, and an
attack of medium severity or more that is acquitted. A file of the event generator is noise and attack in one: a lone shell in its helper is *suspicious*.
\`falco_87b528.log\` is no run of the generator: a desktop, and a hook of kind's own at the start of containers, which is ordinary work.
`
const db = await openDatabase({ dataDir: undefined })
const rows = []
for (const file of await filesOfRuns(data)) rows.push(judgeRun(await runPlaybook(db, new FixedClock('2026-11-24T12:00:00Z'), file)))
await db.close()
writeFileSync(new URL('../docs/playbook-quality.md', import.meta.url), `${head}\n${tableOf(rows)}\n`)
console.log(`docs/playbook-quality.md: ${rows.length} files, ${rows.flatMap(({ wrong }) => wrong).length} wrong`)
