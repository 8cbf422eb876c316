/** Builds one migrated database template before the tests, so that each embedded database starts in under a second. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dumpTemplate } from '../../store/embedded.ts'
import { openDatabase } from '../../store/database.ts'
import { templateFile } from './database.ts'

export default async function setup(): Promise<void> {
  const template = await dumpTemplate(async (pglite) => {
    await (await openDatabase({ pglite })).close()
  })
  await mkdir(new URL('.', templateFile), { recursive: true })
  // Written aside and renamed: another run of the tests may be reading it.
  const aside = new URL(`template.${process.pid}.tar`, templateFile)
  await writeFile(aside, Buffer.from(await template.arrayBuffer()))
  await rename(aside, templateFile)
}
