/**
 * What a batch of commands reaches on its way, in the order in which it usually does: it is `proposed` when it
 * has its place in the log, `flushed` when it is durable here, `replicated` when it is durable on so many others
 * that this node's flush is all that a quorum lacks, `committed`, and `applied` by this node's state machine.
 */
export const STAGES = ['proposed', 'flushed', 'replicated', 'committed', 'applied'] as const
export type Stage = (typeof STAGES)[number]
