import { fieldOf } from '../origin.ts'
import { type CorrelationRule, minutes } from '../rule.ts'

/**
 * Detections that spoke of one request: the id that the audit log gave it. Whoever asks the API server may choose that id, so it joins only what was
 * asked at nearly the same time. It says nothing of where the request was made: what else would join it still does.
 */
export const sameRequest: CorrelationRule = {
  name: 'same-request',
  window: minutes(1),
  aside: true,
  facts(alert) {
    const id = fieldOf(alert, 'ka.auditid') ?? fieldOf(alert, 'ct.id')
    return id === null ? [] : [{ key: id, label: 'one request, of which more than one detection spoke', inferred: false }]
  },
}
