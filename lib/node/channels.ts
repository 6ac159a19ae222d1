import { channel } from 'node:diagnostics_channel'
import type { RaftEvent } from './events.js'
import type { Stage } from './stages.js'

/**
 * What this package publishes on `node:diagnostics_channel`. Names and fields stay; nothing is made for a channel
 * that nobody has subscribed to. A subscriber runs at once on the node's own thread, so it must be quick.
 *
 * | channel            | message            | when                                                              |
 * | ------------------ | ------------------ | ----------------------------------------------------------------- |
 * | `troupe:proposal`  | ProposalMessage    | a batch that this node proposed has been applied                   |
 * | `troupe:command`   | CommandMessage     | a call of `apply` with a `trace` has ended, wherever it was applied |
 * | `troupe:role`      | the event `state`  | the role or the term of this node changed                          |
 * | `troupe:election`  | the event `vote`   | a step of an election, as this node sees it                        |
 * | `troupe:snapshot`  | `snapshot`         | one was saved, received (installed), sent, or failed               |
 * | `troupe:progress`  | `progress`         | how far a replay, a restore or an install has come                 |
 */
export const channels = {
  proposal: channel('troupe:proposal'),
  command: channel('troupe:command'),
  role: channel('troupe:role'),
  election: channel('troupe:election'),
  snapshot: channel('troupe:snapshot'),
  progress: channel('troupe:progress'),
} as const

/** Ms from the `apply` of a batch's first command to each stage; one that was not reached yet is absent. */
export type StageTimes = Readonly<Partial<Record<`${Stage}Ms`, number>>>

/** A batch of commands proposed by this node has been applied. */
export interface ProposalMessage {
  /** The node's id. */
  readonly node: string
  readonly firstIndex: number
  readonly lastIndex: number
  readonly count: number
  /** Encoded. */
  readonly bytes: number
  /** `flushedMs` may be absent: the others had it committed before this node had flushed it. */
  readonly times: StageTimes
}

/** A call of `apply` with a trace has ended. */
export interface CommandMessage {
  readonly node: string
  /** What the caller gave; it never leaves this process. */
  readonly trace: unknown
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number
  readonly durationMs: number
  /** Null: it has failed. */
  readonly index: number | null
  readonly term: number | null
  /** Why; null: it was applied. */
  readonly error: Error | null
  /** Of its batch, counted from that batch's first command; null: another node proposed it. */
  readonly times: StageTimes | null
}

const ofEvents: Readonly<
  Partial<Record<RaftEvent['kind'], (typeof channels)[keyof typeof channels]>>
> = {
  state: channels.role,
  vote: channels.election,
  snapshot: channels.snapshot,
  progress: channels.progress,
}

/** Publishes an event of a node, if it has a channel and that has subscribers. */
export function publishEvent(event: RaftEvent): void {
  const its = ofEvents[event.kind]
  if (its?.hasSubscribers === true) its.publish(event)
}
