/** The detections that CloudTrail’s events are held against (one YAML file each, detections/). */
import { readDetections } from '../detections.ts'

export const trailDetections = readDetections(new URL('detections/', import.meta.url), 'eventName')
