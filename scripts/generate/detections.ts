/** docs/reference/detections.md: what in audit logs becomes an alert, from the catalogues of detections themselves. */
import { trailDetections } from '../../collectors/cloudtrail/detections.ts'
import type { Catalogue, Detection } from '../../collectors/detections.ts'
import { auditDetections } from '../../collectors/kubernetes-audit/detections.ts'
import { tactics } from '../../domain/attack.ts'
import { code, page, section, table } from './markdown.ts'

const catalogues: readonly [title: string, folder: string, catalogue: Catalogue][] = [
  ['Kubernetes audit log', 'collectors/kubernetes-audit/detections/', auditDetections],
  ['AWS CloudTrail', 'collectors/cloudtrail/detections/', trailDetections],
]

export function render(): Record<string, string> {
  return {
    'docs/reference/detections.md': page(
      'Detections',
      `Every event of an audit log is kept as an activity; one that matches a detection also raises an alert, which says by its key which activity it
is about. A detection is a file of conditions, without code; \`collectors/match.ts\` says what conditions there are. An attempt that was refused
counts too, unless its detection says otherwise.`,
      ...catalogues.map(([title, folder, { all }]) =>
        section(
          title,
          `${all.length} detections, one file each in ${code(folder)}.`,
          table(['Detection', 'Says', 'Priority', 'ATT&CK', 'What else it may be', 'Described at'], all.map(rowOf)),
        ),
      ),
    ),
  }
}

const rowOf = (detection: Detection): string[] => [
  `${detection.title} (${code(detection.id)})`,
  detection.description,
  detection.priority,
  [...detection.tactics.map(titleOf), ...detection.techniques].join(', '),
  detection.falsePositives.join(' '),
  detection.source.map((url, index) => `[${index + 1}](${url})`).join(' '),
]

const titleOf = (tag: string): string => tactics.find(([, known]) => known === tag)?.[2] ?? tag
