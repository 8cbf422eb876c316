/**
 * What made it possible, read off what was seen rather than off posture: a program that its image brought, a machine’s metadata that a pod could ask,
 * a right that the API server itself named as its reason. Each stands on the alert that shows it.
 */
import type { Alert } from '../../domain/alert.ts'
import type { Claim } from '../../domain/report.ts'
import type { CaseAlert, CaseFile } from '../../incidents/case-file.ts'
import { asksMetadata } from '../../incidents/origin.ts'
import { ofCloud } from '../../incidents/posture-topics.ts'
import { ofAudit } from './address.ts'
import { hasTechnique, isShell } from './family.ts'
import { cite, citeEntity, ifTold, sentence } from './sentence.ts'

const most = 2

/** What came with it, and what it could ask. */
export const seenCauses = (file: CaseFile): Claim[] => [...broughtByImage(file), ...metadataOpen(file)]

/** What to change of them. */
export const seenFixes = ({ alerts }: CaseFile): Claim[] => [
  ...once(alerts.filter(isOfImage), ({ alert }) => alert.container?.image ?? '').map(({ alert }) =>
    sentence('inference', ['Take image ', cite(alert, 'container.image'), ' out of use: run one whose content is known, by its digest.']),
  ),
  ...allowed(alerts)
    .filter(isOfNoPerson)
    .map(({ alert }) =>
      sentence('inference', [
        'Take this right away from ',
        cite(alert, 'fields.ka.user.name'),
        ', or narrow it: ',
        cite(alert, reason),
        '.',
      ]),
    ),
]

function broughtByImage({ alerts }: CaseFile): Claim[] {
  return once(alerts.filter(isOfImage), ({ alert }) => alert.container?.image ?? '').map(({ alert }) =>
    sentence('inference', [
      'Image ',
      cite(alert, 'container.image'),
      ' most likely brought the program along: ',
      cite(alert, 'fields.proc.exepath'),
      ' was started by ',
      cite(alert, 'process.parentName'),
      ', the container’s own, with no shell between, and nothing says that it was written there later.',
    ]),
  )
}

/** Made to earn for others, and started by what the runtime started: nobody had to come in for it. */
const isOfImage = ({ alert, explanation }: CaseAlert): boolean =>
  explanation === null &&
  hasTechnique(alert, 'T1496') &&
  alert.container?.image != null &&
  alert.process?.exepath != null &&
  alert.fields['proc.is_exe_upper_layer'] !== true &&
  !/^\/(dev\/shm|tmp|var\/tmp|run|proc)\/|^memfd:|\(deleted\)$/.test(alert.process.exepath) &&
  !isShell(alert) &&
  !/^(ba|da|a|z|k)?sh$/.test(alert.process.parentName ?? 'sh') &&
  startedAtStart(alert)
const runtimes = /^(containerd-shim|runc|conmon|crio)/
const startedAtStart = ({ process, fields }: Alert): boolean =>
  runtimes.test(process?.parentName ?? '') || runtimes.test(typeof fields['proc.aname[2]'] === 'string' ? fields['proc.aname[2]'] : '')

/** Asked for by a pod, then used in the cloud. */
function metadataOpen({ alerts }: CaseFile): Claim[] {
  if (!alerts.some(({ alert }) => ofCloud(alert) && hasTechnique(alert, 'T1552.005'))) return []
  const asked = alerts.filter(({ alert, context }) => asksMetadata(alert) && context.pod !== null)
  return once(asked, ({ context }) => String(context.pod?.id)).flatMap(({ alert, context: { pod, node } }) =>
    pod === null
      ? []
      : [
          sentence('inference', [
            'Pod ',
            citeEntity(pod, 'pod'),
            ' could ask the metadata service at ',
            cite(alert, 'connection.serverIp'),
            ...(node === null ? [] : [' for the credentials of its node ', citeEntity(node, 'name')]),
            ': who runs code in it, or makes it fetch an address, may do in the cloud what the machine may.',
          ]),
        ],
  )
}

const reason = 'fields.ka.auth.reason'
/** The API server writes down which binding allowed a request. */
export function rightsNamed({ alerts }: CaseFile): Claim[] {
  return allowed(alerts).map(({ alert }) =>
    sentence('inference', [
      cite(alert, 'fields.ka.user.name'),
      ' was let ',
      cite(alert, 'fields.ka.verb'),
      ...ifTold(' ', cite(alert, 'fields.ka.target.resource')),
      ' by a right that was given: ',
      cite(alert, reason),
      '.',
    ]),
  )
}
const allowed = (alerts: readonly CaseAlert[]): CaseAlert[] =>
  once(
    alerts.filter(({ alert }) => ofAudit(alert) && textOf(alert.fields['ka.auth.reason']) !== ''),
    ({ alert: { fields } }) => `${textOf(fields['ka.user.name'])}\n${textOf(fields['ka.auth.reason'])}`,
  )
/** What a person may do is theirs to say; nobody in particular, and what runs here, were given more than they need. */
const isOfNoPerson = ({ alert: { fields } }: CaseAlert): boolean => textOf(fields['ka.user.name']).startsWith('system:')
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The first of each, and no more than a few. */
const once = (all: readonly CaseAlert[], by: (one: CaseAlert) => string): CaseAlert[] =>
  [...new Map(all.toReversed().map((one) => [by(one), one])).values()].toReversed().slice(0, most)
