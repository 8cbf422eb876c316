/** Sentences about how fresh an answer is, cut to what a reader can use. */
import { z } from 'zod'

export const Freshness = z.string().describe('What the answer stands on; what was not observed is not known')

/** A sentence of ours that grows with what there is; names in it are quoted already. */
export const briefly = (text: string, limit = 700): string => (text.length <= limit ? text : `${text.slice(0, limit)}… and more.`)
