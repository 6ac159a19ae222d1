import type { Effect } from '../core/effects.js'
import type { Input } from '../core/inputs.js'
import type { CoreStatus } from '../core/raft-core.js'
import type { RequestVote } from '../core/rpc.js'
import type { LogIndex, NodeId, Term } from '../core/types.js'
import { SafetyViolation } from './violation.js'
import { isQuorum } from './voters.js'

/** The end of a log. */
export interface LogEnd {
  readonly index: LogIndex
  readonly term: Term
}

/**
 * Votes of one process, reckoned apart from the core. Raft §5.4.1, S15: none goes to a shorter log, nor to one
 * that ends before a batch that is damaged here. Thesis §9.6: no leader grants a pre-vote, and a campaign
 * begins when a quorum granted one, or when the leader asked for it.
 */
export class VoteCheck {
  readonly #id: NodeId
  readonly #floor: () => LogEnd | null
  /** Requests that cannot be granted. */
  readonly #hopeless = new Set<string>()
  readonly #preVotes = new Map<Term, Set<NodeId>>()

  /** `floor`: the end of the damaged batch on this machine's disk. */
  constructor(id: NodeId, floor: () => LogEnd | null) {
    this.#id = id
    this.#floor = floor
  }

  /** @throws SafetyViolation */
  stepped(before: CoreStatus, input: Input, effects: readonly Effect[], after: CoreStatus): void {
    if (input.kind === 'requestVote') this.#asked(before, input.request)
    if (input.kind === 'voteReply') this.#answered(input)
    for (const effect of effects) {
      if (effect.kind === 'replyVote') this.#replied(effect)
    }
    const campaigns = after.role === 'candidate' && after.term > before.term
    if (campaigns && input.kind !== 'timeoutNow') this.#campaigned(after)
  }

  #asked(before: CoreStatus, request: RequestVote): void {
    const asked = { index: request.lastLogIndex, term: request.lastLogTerm }
    const own = { index: before.lastLogIndex, term: before.lastLogTerm }
    const floor = this.#floor()
    const short = isBefore(asked, own) || (floor !== null && isBefore(asked, floor))
    // Rounds are counted anew after a restart.
    if (short || (request.preVote && before.role === 'leader')) this.#hopeless.add(nameOf(request))
    else this.#hopeless.delete(nameOf(request))
  }

  #answered({ from, reply }: Extract<Input, { kind: 'voteReply' }>): void {
    if (!reply.preVote || !reply.granted) return
    const granted = this.#preVotes.get(reply.term) ?? new Set()
    this.#preVotes.set(reply.term, granted.add(from))
  }

  #replied({ candidate, reply }: Extract<Effect, { kind: 'replyVote' }>): void {
    if (!reply.granted || !this.#hopeless.has(nameOf({ candidate, ...reply }))) return
    const text = `${this.#id} says yes to ${candidate} in term ${reply.term}, and must not`
    throw new SafetyViolation(reply.preVote ? 'pre-votes' : 'votes', text)
  }

  #campaigned({ term, configuration }: CoreStatus): void {
    const granted = this.#preVotes.get(term) ?? new Set()
    if (isQuorum(configuration.configuration, (id) => id === this.#id || granted.has(id))) return
    const text = `${this.#id} campaigns in term ${term} with those of ${[...granted].join(', ')}`
    throw new SafetyViolation('pre-votes', text)
  }
}

function nameOf(of: Pick<RequestVote, 'candidate' | 'round' | 'term' | 'preVote'>): string {
  return `${of.candidate} ${of.round} ${of.term} ${of.preVote}`
}

function isBefore(one: LogEnd, other: LogEnd): boolean {
  return one.term < other.term || (one.term === other.term && one.index < other.index)
}
