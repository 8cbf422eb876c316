/** The detections that audit events are held against (one YAML file each, detections/). */
import { readDetections } from '../detections.ts'

export const auditDetections = readDetections(new URL('detections/', import.meta.url), 'objectRef.resource')
