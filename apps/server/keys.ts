/** The key that signs approvals: made once, kept beside the data with mode 0600. Only the server has it; the executor gets the public half. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../domain/errors.ts'
import { type ApprovalKeys, newApprovalKeys, publicKeyOf } from '../../responses/approved.ts'

export async function approvalKeys(folder: string): Promise<ApprovalKeys> {
  const path = join(folder, 'approval-key.pem')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const made = newApprovalKeys()
    await writeFile(path, made.privateKey, { mode: 0o600, flag: 'wx' })
    return made
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new ConfigError(`The approval key ${path} cannot be written: ${(error as Error).message}`, { cause: error })
  }
  const privateKey = await readFile(path, 'utf8')
  try {
    return { privateKey, publicKey: publicKeyOf(privateKey) }
  } catch (error) {
    throw new ConfigError(
      `${path} is not an ed25519 key in PEM. Delete it to have a new one made; approvals not yet executed are then void.`,
      { cause: error },
    )
  }
}
