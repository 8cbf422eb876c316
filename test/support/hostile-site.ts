/** A site whose every record holds an attacker's text: alerts, dead letters, pods, decisions, proposals; findings, scans, activities. */
import type { NewActivity } from '../../domain/activity.ts'
import type { NewFinding, NewScan } from '../../domain/finding.ts'
import { emptyDelivery } from '../../store/delivery.ts'
import { listEntities } from '../../store/entities.ts'
import { listFindings } from '../../store/finding-search.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { containerId, delivery, noon, podRecords } from './records.ts'
import { alertOfShop } from './shop-alert.ts'
import type { Site } from './site.ts'

/** One attack on the shop's pod whose every text is hostile, one in a place inventory does not know, and pods of hostile names. */
export async function plant(site: Site, texts: readonly string[]): Promise<void> {
  const at = (index: number): string => new Date(Date.parse('2026-11-23T11:50:00Z') + index * 1_000).toISOString()
  for (const [index, text] of texts.entries()) {
    const fields = {
      'proc.cmdline': text,
      'proc.name': text,
      'proc.pname': text,
      'proc.exepath': text,
      'user.name': text,
      'fd.name': text,
      'evt.args': text,
    }
    await site.ingest(
      JSON.stringify(
        alertOfShop({ rule: `Rule ${text}`, output: text, time: at(index), hostname: text.slice(0, 200), tags: [text] }, fields),
      ),
    )
    const elsewhere = {
      'container.id': containerId(text).slice(0, 12),
      'container.name': text,
      'container.image.repository': text,
      'k8s.pod.name': text,
      'k8s.ns.name': text,
    }
    await site.ingest(JSON.stringify(alertOfShop({ rule: text, output: text, time: at(index) }, { ...fields, ...elsewhere })))
    // On one line, as a log carries it: a line out of the middle of a key cannot be told from other base64.
    await site.ingest(`${text.replaceAll('\n', '\\n')}\n`)
    const pod = podRecords({ name: text, namespace: text, labels: { [text]: text }, command: [text], args: [text] }, 'lab', noon)
    await accept(site.db, site.clock, [delivery({ scope: 'lab', entities: pod.entities, relations: pod.relations })])
  }
  await site.settle()
  for (const text of texts.slice(0, 10)) {
    const [incident] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
    await site.ask(`/incidents/${incident?.id}/decisions`, {
      as: site.people.investigator,
      form: { do: 'note', reason: text.replaceAll('\0', '') },
    })
    await site.ask(`/incidents/${incident?.id}/decisions`, {
      as: site.people.investigator,
      form: { do: 'state:open', reason: text.replaceAll('\0', '') },
    })
  }
  const pods = await listEntities(site.db, { kind: 'pod', limit: 500 })
  for (const [index, text] of texts.entries())
    await site.ask('/proposals', {
      as: site.people.investigator,
      form: {
        action: 'kubernetes.isolate_pod',
        entityId: String(pods[index % pods.length]?.id),
        reason: text.replaceAll('\0', '').slice(0, 2_000),
      },
    })
  await site.settle()
}

/** Findings, their scans and activities whose every text is hostile, beyond what collectors let through; and decisions with such a reason. */
export async function plantPosture(site: Site, texts: readonly string[]): Promise<void> {
  const { db, clock } = site
  for (const [index, text] of texts.entries()) {
    const target = {
      kind: 'image',
      scope: 'lab',
      key: `${index} ${text}`.slice(0, 500),
      name: text.slice(0, 500),
      namespace: text.slice(0, 100),
    } as const
    const scan: NewScan = {
      scope: 'lab',
      scanner: text.slice(0, 200),
      version: text.slice(0, 200),
      target,
      covers: ['vulnerability'],
      contentKey: containerId(`scan ${index} ${text}`).padStart(64, '0').slice(0, 64),
      observedNs: noon,
      observedFrom: 'report',
    }
    const finding: NewFinding = {
      scope: 'lab',
      class: 'vulnerability',
      check: `${index} ${text}`.slice(0, 300),
      aliases: [text.slice(0, 300)],
      title: text,
      description: text,
      remediation: text,
      references: [text],
      severity: 'high',
      outcome: 'fail',
      outcomeReason: text,
      resource: target,
      package: { key: text.slice(0, 300), name: text.slice(0, 300), version: text, type: text, fixedIn: [text], paths: [text] },
      cvss: { version: text, score: 9, vector: text },
      properties: { [text.slice(0, 100)]: text, deep: { [text.slice(0, 100)]: [text] } },
      scan,
      document: {},
      raw: Buffer.from(text),
    }
    const activity: NewActivity = {
      scope: 'lab',
      contentKey: scan.contentKey,
      producer: text,
      eventNs: noon,
      service: text,
      operation: text.slice(0, 300),
      outcome: 'failure',
      error: text,
      actor: { id: text.slice(0, 300), name: text, kind: 'unknown', session: text },
      source: { ip: text, service: text, userAgent: text },
      resources: [text],
      properties: { [text.slice(0, 100)]: text },
      raw: Buffer.from(text),
    }
    const end = { scan, end: { findings: 1, failed: index % 2 === 0 ? text : null } }
    await accept(db, clock, [
      { ...emptyDelivery({ sourceId: null, scope: 'lab' }), findings: [finding], scans: [end], activities: [activity] },
    ])
  }
  for (const { id } of (await listFindings(db, clock.now(), {}, { limit: 10 })).findings)
    await site.ask(`/findings/${id}/suppress`, {
      as: site.people.administrator,
      form: { days: '9', reason: (texts[0] ?? '').replaceAll('\0', '').slice(0, 2_000) },
    })
}

/** A rules file that holds each text, and privileged pods of such names, both through the import. Answers the ids of the pods. */
export async function plantLoaded(site: Site, texts: readonly string[]): Promise<string[]> {
  const { token } = site.people.administrator
  const send = async (query: string, body: unknown): Promise<void> => {
    const answer = await site.ask(`/api/v1/import?${query}`, { method: 'POST', as: { token }, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`not imported: ${await answer.text()}`)
  }
  // Of the names that alerts have, so that whoever asks for the rule of an alert is told of it.
  const rules = texts.flatMap((text) =>
    [text, `Rule ${text}`].map((rule) => ({
      rule,
      desc: text,
      condition: `proc.name = ${JSON.stringify(text)}`,
      output: text,
      priority: 'NOTICE',
      tags: [text],
    })),
  )
  await send('path=falco_rules.yaml&format=falco-rules', rules)
  const pods = texts.map((text, at) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: text.slice(0, 250), namespace: 'shop', uid: `on-path-${at}`, labels: {} },
    spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'shop/app:1', securityContext: { privileged: true } }] },
    status: { phase: 'Running' },
  }))
  await send('path=pods.json', { apiVersion: 'v1', kind: 'List', items: pods })
  await site.settle()
  const all = await listEntities(site.db, { kind: 'pod', limit: 2_000 })
  return all.filter(({ key }) => key.startsWith('on-path-')).map(({ id }) => String(id))
}
