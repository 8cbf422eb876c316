/** `npm run check`, the boundaries: who may import whom. Fails on a crossed rule and on a module that was not read. */
import { cruiseHouse, sourceFiles } from './boundaries/cruise.ts'

const { modules, imports, crossings } = await cruiseHouse()
const unread = sourceFiles().filter((path) => !modules.includes(path))
for (const { rule, from, to, via, comment } of crossings)
  console.error(`${from} → ${via.length > 0 ? via.join(' → ') : to}\n  ${rule}: ${comment}\n`)
for (const path of unread) console.error(`${path} was not read; the boundaries around it were not checked.`)
if (crossings.length + unread.length > 0 || imports === 0) {
  console.error(`${crossings.length} boundaries crossed, ${unread.length} modules unread.`)
  process.exit(1)
}
