import type { Effect } from '../core/effects.js'
import type { Input } from '../core/inputs.js'
import type { CoreStatus } from '../core/raft-core.js'
import type { RequestVote } from '../core/rpc.js'
import type { NodeId, Term } from '../core/types.js'
import { SafetyViolation } from './violation.js'
import { isQuorum } from './voters.js'

/**
 * Thesis §9.6, reckoned apart from the core, for one process: a pre-vote goes to nobody who could not win or
 * while this node leads, and a campaign begins when a quorum said yes, or when the leader asked for it.
 */
export class PreVoteCheck {
  readonly #id: NodeId
  /** Requests that cannot be granted, by candidate and round. */
  readonly #hopeless = new Set<string>()
  readonly #grants = new Map<Term, Set<NodeId>>()

  constructor(id: NodeId) {
    this.#id = id
  }

  /** @throws SafetyViolation */
  stepped(before: CoreStatus, input: Input, effects: readonly Effect[], after: CoreStatus): void {
    if (input.kind === 'requestVote' && input.request.preVote) this.#asked(before, input.request)
    if (input.kind === 'voteReply') this.#answered(input)
    for (const effect of effects) {
      if (effect.kind === 'replyVote') this.#replied(effect)
    }
    const campaigns = after.role === 'candidate' && after.term > before.term
    if (campaigns && input.kind !== 'timeoutNow') this.#campaigned(after)
  }

  #asked(before: CoreStatus, { candidate, round, lastLogIndex, lastLogTerm }: RequestVote): void {
    const shorter = lastLogTerm === before.lastLogTerm && lastLogIndex < before.lastLogIndex
    const behind = lastLogTerm < before.lastLogTerm || shorter
    // Rounds are counted anew after a restart.
    if (behind || before.role === 'leader') this.#hopeless.add(`${candidate} ${round}`)
    else this.#hopeless.delete(`${candidate} ${round}`)
  }

  #answered({ from, reply }: Extract<Input, { kind: 'voteReply' }>): void {
    if (!reply.preVote || !reply.granted) return
    const grants = this.#grants.get(reply.term) ?? new Set()
    this.#grants.set(reply.term, grants.add(from))
  }

  #replied({ candidate, reply }: Extract<Effect, { kind: 'replyVote' }>): void {
    if (!reply.preVote || !reply.granted || !this.#hopeless.has(`${candidate} ${reply.round}`))
      return
    const text = `${this.#id} granted ${candidate} one for term ${reply.term} that cannot be won`
    throw new SafetyViolation('pre-votes', text)
  }

  #campaigned({ term, configuration }: CoreStatus): void {
    const grants = this.#grants.get(term) ?? new Set()
    if (isQuorum(configuration.configuration, (id) => id === this.#id || grants.has(id))) return
    const text = `${this.#id} campaigns in term ${term} with the pre-votes of ${[...grants].join(', ')}`
    throw new SafetyViolation('pre-votes', text)
  }
}
