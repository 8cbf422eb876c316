/** The baseline of a start: the same embedded database, one table, one row, and nothing else. Says “accepted”, then idles. */
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'

const [dataDir] = process.argv.slice(2)
const database = await PGlite.create({ dataDir, extensions: { vector } })
await database.exec('create table if not exists alerts (body jsonb)')
await database.query('insert into alerts values ($1)', [{ rule: 'bare' }])
console.log('accepted')
setInterval(() => {}, 60_000)
process.on('SIGTERM', () => {
  void database.close().then(() => process.exit(0))
})
