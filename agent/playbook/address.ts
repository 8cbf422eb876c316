/** Where a connection or a call was with: an address of the internet, one of the house, or not said. */
import type { Alert } from '../../domain/alert.ts'
import { isPrivateAddress } from '../../graph/kubernetes/addresses.ts'
import { alertField } from '../../incidents/record-field.ts'

const looksLikeAddress = /^[\d.]{7,15}$|^[0-9a-f:]{3,45}$/i
export const isPublic = (address: string | null | undefined): boolean =>
  address != null && looksLikeAddress.test(address) && !isPrivateAddress(address)

/** The first address a request to an API came from, as its audit log has it. */
export const askedFrom = (alert: Alert): string | null => {
  const { 'ka.sourceips': listed } = alert.fields
  const first: unknown = Array.isArray(listed) ? listed[0] : null
  return typeof first === 'string' ? first : alertField(alert, 'fields.ct.srcip')
}
export const ofAudit = (alert: Alert): boolean => alert.sensorSource === 'k8s_audit'
