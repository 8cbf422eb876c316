/** How the API shows times: event times are RFC 3339 with nanoseconds; 64-bit numbers are strings except inside an alert's `fields`, which are as written. */
import { z } from 'zod'

export const date = z.union([z.date(), z.iso.datetime()]).meta({ type: 'string', format: 'date-time' })
export const time = z.string().describe('RFC 3339, up to nanoseconds')
