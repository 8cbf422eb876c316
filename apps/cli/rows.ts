/** What commands read of the API's answers: its own views, as they are once written to JSON. Types only. */
import type { z } from 'zod'
import type { JoinReason } from '../../domain/incident.ts'
import type { ActivityView } from '../server/api/views/activity.ts'
import type { AlertView } from '../server/api/views/alert.ts'
import type { NormalView } from '../server/api/views/baseline.ts'
import type { CoveredView } from '../server/api/views/coverage.ts'
import type { DecisionOnFinding, FindingView, WitnessView } from '../server/api/views/finding.ts'
import type { FixView } from '../server/api/views/fix.ts'
import type { EdgeView, NodeAtView, NodeView, PathView, StepView } from '../server/api/views/graph.ts'
import type { IncidentView, InvestigationBrief, InvestigationView } from '../server/api/views/incident.ts'
import type { TokenView, UserView } from '../server/api/views/people.ts'
import type { ProposalView } from '../server/api/views/proposal.ts'
import type { RulesFileView, RuleSummary, RuleView } from '../server/api/views/rule.ts'
import type { SensorView } from '../server/api/views/sensor.ts'
import type { DeadLetterView, SourceView } from '../server/api/views/source.ts'

type Json<T> = T extends Date ? string : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T

export type AlertRow = Json<z.infer<typeof AlertView>>
export type NormalRow = Json<z.infer<typeof NormalView>>
export type IncidentRow = Json<z.infer<typeof IncidentView>>
export type JoinRow = Json<JoinReason> & { alerts: number }
export type InvestigationRow = Json<z.infer<typeof InvestigationView>>
export type InvestigationBriefRow = Json<z.infer<typeof InvestigationBrief>>
export type ProposalRow = Json<z.infer<typeof ProposalView>>
export type SourceRow = Json<z.infer<typeof SourceView>>
export type DeadLetterRow = Json<z.infer<typeof DeadLetterView>>
export type UserRow = Json<z.infer<typeof UserView>>
export type TokenRow = Json<z.infer<typeof TokenView>>
export type SensorRow = Json<z.infer<typeof SensorView>>
export type FindingRow = Json<z.infer<typeof FindingView>>
export type WitnessRow = Json<z.infer<typeof WitnessView>>
export type FindingDecisionRow = Json<z.infer<typeof DecisionOnFinding>>
export type FixRow = Json<z.infer<typeof FixView>>
export type NodeRow = Json<z.infer<typeof NodeView>>
export type NodeAtRow = Json<z.infer<typeof NodeAtView>>
export type EdgeRow = Json<z.infer<typeof EdgeView>>
export type StepRow = Json<z.infer<typeof StepView>>
export type PathRow = Json<z.infer<typeof PathView>>
export type CoveredRow = Json<z.infer<typeof CoveredView>>
export type ActivityRow = Json<z.infer<typeof ActivityView>>
export type RuleSummaryRow = Json<z.infer<typeof RuleSummary>>
export type RuleRow = Json<z.infer<typeof RuleView>>
export type RulesFileRow = Json<z.infer<typeof RulesFileView>>
