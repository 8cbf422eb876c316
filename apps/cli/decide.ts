/**
 * `falconer approve|reject`: only on the data of a simulated cluster that no server holds. Whoever has a shell here may be an
 * agent, so what is real, and what a server holds, is decided by a signed-in person on the page.
 */
import { type Cli, type JsonOption, part } from './command.ts'
import { print, remark, shortTime } from './output.ts'
import type { ProposalRow } from './rows.ts'

export async function decide(cli: Cli, verb: 'approve' | 'reject', id: string, options: JsonOption & { reason: string }): Promise<void> {
  await cli.withClient(async (client) => {
    const proposal = JSON.parse(await client.call('GET', `/proposals/${part(id)}`)) as ProposalRow
    if (client.url !== null || proposal.plan?.simulated === false) {
      remark(
        `Only a signed-in person decides, after reading the plan. Open ${client.pages}/proposals/${proposal.id}${client.url === null ? ' (start `falconer serve` first)' : ''}`,
      )
      process.exitCode = 1
      return
    }
    const text = await client.call('POST', `/proposals/${part(proposal.id)}/${verb}`, {
      planHash: proposal.planHash ?? '',
      reason: options.reason,
    })
    const decided = JSON.parse(text) as ProposalRow
    const next =
      decided.state === 'approved'
        ? ` It runs when Falconer next serves this data with its cluster, until ${shortTime(decided.expiresAt)} UTC.`
        : ''
    print(options.json === true ? text : `${decided.shortId} is ${decided.state}.${next}`)
  })
}
