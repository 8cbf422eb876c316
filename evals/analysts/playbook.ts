import { playbook as real } from '../../agent/playbook/playbook.ts'
import type { ExamAnalyst } from '../exam-analyst.ts'

/** The playbook as it ships. */
export const playbook: ExamAnalyst = { name: 'playbook', about: 'the rules that ship, without a model', open: async () => real }
