import { z } from 'zod'
import { NotFoundError } from '../../domain/errors.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { FindingClass, Outcome } from '../../domain/finding.ts'
import { Severity } from '../../domain/severity.ts'
import { findingStatuses } from '../../store/finding-life.ts'
import { type FindingWitness, getFinding, listFindings, witnessesOf } from '../../store/finding-search.ts'
import { bullets, document, fields, heading, inert } from '../markdown.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { resource } from '../resource.ts'

const Witness = z.object({
  scanner: Quoted,
  outcome: Outcome,
  lastSeen: z.string(),
  severity: Severity.nullable(),
  fixedIn: z.array(Quoted),
  remediation: Quoted.nullable(),
})

/** Findings of posture scanners, with what each scanner says. */
export const findingResource = resource({
  kind: 'finding',
  toolset: 'posture',
  title: 'Finding',
  description: 'One weakness of one resource, its status as scans left it, and what each scanner says of it.',
  by: 'id',
  permission: 'findings.read',
  output: z.object({
    id: z.string(),
    title: Quoted,
    check: Quoted,
    class: FindingClass,
    severity: Severity.nullable(),
    status: z.enum(findingStatuses),
    since: z.string().describe('Since when it has this status, by the scans’ own times'),
    on: Quoted,
    namespace: Quoted.nullable(),
    package: Quoted.nullable(),
    witnesses: z.array(Witness).describe('Newest first, at most 10'),
    page: z.string(),
  }),
  list: async ({ db, clock }) => {
    const { findings } = await listFindings(db, clock.now(), { status: 'open', minSeverity: 'critical' }, { limit: 15 })
    return findings.map(({ id, check, title, resource: { kind, name } }) => ({
      id,
      title: quote(`${check}: ${title}`, 100),
      description: `An open critical finding on ${kind} ${quote(name, 80)}`,
    }))
  },
  complete: async (text, { db, clock }) =>
    (await listFindings(db, clock.now(), { status: 'open' }, { limit: 200 })).findings.flatMap(({ id }) =>
      id.startsWith(text.toLowerCase()) ? [id] : [],
    ),
  read: async (id, { db, clock, pages }) => {
    const one = await getFinding(db, clock.now(), id)
    if (one === undefined) throw new NotFoundError('There is no finding with this id; list_findings names them.')
    return {
      id: one.id,
      title: quote(one.title, 200),
      check: quote(one.check, 100),
      class: one.class,
      severity: one.severity,
      status: one.status,
      since: formatEventTime(one.statusNs),
      on: quote(`${one.resource.kind} ${one.resource.name === '' ? one.resource.key : one.resource.name}`, 200),
      namespace: quoteOrNull(one.resource.namespace, 63),
      package: quoteOrNull(one.package?.name, 100),
      witnesses: (await witnessesOf(db, one.id)).slice(0, 10).map(witnessOf),
      page: `${pages}/findings/${one.id}`,
    }
  },
  markdown: (one) =>
    document(
      heading(1, inert(one.title)),
      fields({
        Check: inert(one.check),
        Class: one.class,
        Severity: one.severity ?? 'no scanner gives one',
        Status: `${one.status}, since ${one.since}`,
        On: inert(one.on),
        Namespace: one.namespace === null ? null : inert(one.namespace),
        Package: one.package === null ? null : inert(one.package),
        Page: one.page,
      }),
      heading(2, 'What scanners say'),
      bullets(
        one.witnesses.map(
          (said) =>
            `${inert(said.scanner)}: ${said.outcome}, last seen ${said.lastSeen}${said.fixedIn.length === 0 ? '; it names no fixed version' : `; fixed in ${said.fixedIn.map(inert).join(', ')}`}${said.remediation === null ? '' : `; ${inert(said.remediation)}`}`,
        ),
        'No scanner’s word is kept.',
      ),
    ),
  version: async (id, { db, clock }) => {
    const one = await getFinding(db, clock.now(), id)
    return one && [one.status, one.statusNs, one.lastNs, one.severity, one.suppressedUntil?.getTime(), one.scanners].join(' ')
  },
})

const witnessOf = ({ scanner, version, outcome, lastNs, severity, data }: FindingWitness): z.input<typeof Witness> => ({
  scanner: quote(version === null ? scanner : `${scanner} ${version}`, 80),
  outcome,
  lastSeen: formatEventTime(lastNs),
  severity,
  fixedIn: (data.package?.fixedIn ?? []).slice(0, 5).map((one) => quote(one, 60)),
  remediation: quoteOrNull(data.remediation, 600),
})
