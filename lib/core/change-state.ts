import type { LogIndex, NodeId, Server } from './types.js'

/** A new voter on its way to the leader's log, round after round (thesis §4.2.1). */
export interface CatchUp {
  readonly peer: NodeId
  /** The leader's last index when the round began: reaching it ends the round. */
  target: LogIndex
  roundBeganAt: number
  rounds: number
  done: boolean
}

/**
 * One change of members from the request to its last entry. It goes through these stages, leaving out
 * what it does not need:
 *
 * | stage   | waits for                                                                          |
 * | ------- | ---------------------------------------------------------------------------------- |
 * | waiting | an entry of this term to be committed (S4)                                          |
 * | staging | the entry that adds new voters as nonvoters, and brings new addresses, to commit   |
 * | catchUp | the new voters to be close to the leader's log                                      |
 * | joint   | the joint configuration to commit, when more than one vote comes or goes (Raft §6) |
 * | final   | the configuration that was asked for to commit                                      |
 */
export interface Change {
  /** Whose request it is; null: a former leader's joint configuration, which this one completes. */
  readonly id: number | null
  readonly goal: readonly Server[]
  /** hashicorp/raft's way: a new voter counts at once, whatever it holds. */
  readonly immediate: boolean
  stage: 'waiting' | 'staging' | 'catchUp' | 'joint' | 'final'
  /** The newest entry of this change, 0 when there is none. */
  index: LogIndex
  catchUps: readonly CatchUp[]
}
