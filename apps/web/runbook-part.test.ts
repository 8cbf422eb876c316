import { expect, it } from 'vitest'
import type { Incident } from '../../domain/incident.ts'
import { runbookSections } from '../../prompts/runbook.ts'
import { runbookPart } from './runbook-part.ts'

const part = async (rules: string[], techniques: string[] = []): Promise<string> =>
  String(await runbookPart({ rules, techniques } as unknown as Incident))

it('shows the runbook that fits best, whole, and nothing where none fits', async () => {
  const shown = await part(['PTRACE attached to process'])
  expect(shown).toContain('Runbook: Process attached or traced')
  for (const section of runbookSections) expect(shown).toContain(`<h3>${section}</h3>`)
  expect(shown).toContain('<code>get_process_tree</code>')
  expect(shown).not.toContain('`')
  expect(await part(['No such rule'])).toBe('')
  expect(await part(['Clear Log Activities'])).toContain('Runbook: Logs cleared or altered')
})
