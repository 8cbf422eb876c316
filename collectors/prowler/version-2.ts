/** Results as Prowler 2 wrote them: a line of JSON, a row of a table. Pure. */
import { z } from 'zod'
import { instantOf } from '../cloud-findings.ts'
import { anything, text } from '../loose.ts'
import type { Result } from './result.ts'

export const Line = z.object({
  'Account Number': text,
  Control: text,
  'Control ID': text,
  Message: text,
  Severity: text,
  Status: text,
  Region: text,
  Timestamp: anything,
  Service: text,
  Risk: text,
  Remediation: text,
  'Doc link': text,
  'Resource ID': text,
})

export const fromLine = (one: z.infer<typeof Line>): Result => ({
  ...old(one.Control, one['Resource ID'], '', one.Message),
  status: one.Status,
  severity: one.Severity,
  account: one['Account Number'],
  region: one.Region,
  service: one.Service,
  risk: one.Risk,
  remediation: [one.Remediation],
  links: [one['Doc link']],
  requirements: one['Control ID'] === '' ? [] : [`CIS ${one['Control ID']}`],
  atNs: instantOf(one.Timestamp),
})

export const OldRow = z.object({
  ACCOUNT_NUM: text,
  REGION: text,
  TITLE_ID: text,
  CHECK_RESULT: text,
  TITLE_TEXT: text,
  CHECK_RESULT_EXTENDED: text,
  CHECK_SEVERITY: text,
  CHECK_SERVICENAME: text,
  CHECK_ASFF_RESOURCE_TYPE: text,
  CHECK_RISK: text,
  CHECK_REMEDIATION: text,
  CHECK_DOC: text,
  CHECK_RESOURCE_ID: text,
})

export const fromOldRow = (row: z.infer<typeof OldRow>): Result => ({
  ...old(row.TITLE_TEXT, row.CHECK_RESOURCE_ID, row.CHECK_ASFF_RESOURCE_TYPE, row.CHECK_RESULT_EXTENDED),
  status: row.CHECK_RESULT,
  severity: row.CHECK_SEVERITY,
  account: row.ACCOUNT_NUM,
  region: row.REGION,
  service: row.CHECK_SERVICENAME,
  risk: row.CHECK_RISK,
  remediation: [row.CHECK_REMEDIATION],
  links: [row.CHECK_DOC],
  requirements: row.TITLE_ID === '' ? [] : [`CIS ${row.TITLE_ID}`],
  atNs: null,
})

/** Prowler 2 names a check in its title, and often its resource in a sentence only: then the sentence tells results of one check apart. */
function old(control: string, id: string, type: string, said: string) {
  const [, check = '', title = control] = /^\s*\[(\w+)\]\s*(.*)$/s.exec(control) ?? []
  const named = id !== '' || type === 'AwsAccount' ? id : said
  return {
    check,
    title,
    said,
    muted: false,
    provider: 'aws',
    accountName: '',
    resource: { id: named, name: named, type, namespace: '' },
    description: '',
    findingId: '',
    version: '',
  }
}
