import type { Session, Term } from '../../lib/core/types.js'
import type { LeaderBoardReader } from '../consensus/leader-board.js'

export interface LeadershipEvents {
  /** S11: the leader's own threads stand still; nothing more is said in this term. */
  stalled(term: Term, reason: string): void
  /** Raft §5.1: a reply carried a higher term. */
  overtaken(term: Term): void
  /** In either case, at once: stop everything that speaks for the leader. */
  over(): void
}

/**
 * Whether this replicator may speak for the leader of its session. It loses that right for the rest of
 * the term, whatever the consensus actor may say later, and without waiting for it (S11).
 */
export class Leadership {
  readonly #board: LeaderBoardReader
  readonly #config: { readonly leaderStallTimeoutMs: number }
  readonly #events: LeadershipEvents
  #session: Session | null = null
  /** The highest term this node is known to have; no word is said for an older one. */
  #latestTerm: Term = 0

  constructor(
    board: LeaderBoardReader,
    config: { readonly leaderStallTimeoutMs: number },
    events: LeadershipEvents,
  ) {
    this.#board = board
    this.#config = config
    this.#events = events
  }

  get session(): Session | null {
    return this.#session
  }

  /** False when this term is over for this replicator already. */
  begin(session: Session): boolean {
    this.sawTerm(session.term)
    if (session.term < this.#latestTerm || this.#board.isRevoked(session.term)) return false
    this.#session = session
    return true
  }

  end(): void {
    this.#session = null
  }

  /** The consensus actor acts in this term: a leadership of an older one is over. */
  sawTerm(term: Term): void {
    this.#latestTerm = Math.max(this.#latestTerm, term)
    if (this.#session !== null && this.#session.term < term) {
      this.#session = null
      this.#events.over()
    }
  }

  /**
   * The session, if the leader is alive as of `now`; to be asked before every heartbeat and append.
   * Otherwise it ends here, for good.
   */
  speakFor(now: number): Session | null {
    if (this.#session === null) return null
    const reason = this.#standstill(now)
    if (reason === null) return this.#session
    const { term } = this.#session
    this.#silence(term)
    this.#events.stalled(term, reason)
    return null
  }

  /** A reply in this session carried a higher term. */
  overtaken(by: Term): void {
    if (this.#session === null || by <= this.#session.term) return
    this.#silence(this.#session.term)
    this.#latestTerm = Math.max(this.#latestTerm, by)
    this.#events.overtaken(by)
  }

  #standstill(now: number): string | null {
    const { leaderStallTimeoutMs } = this.#config
    const silence = this.#board.silence(now)
    if (silence > leaderStallTimeoutMs) return `consensus has not run for ${Math.round(silence)} ms`
    const flush = this.#board.flushAge(now)
    if (flush > leaderStallTimeoutMs) return `a flush has been due for ${Math.round(flush)} ms`
    return null
  }

  /** The revoke word first: lease checks must not trust this term for a moment longer. */
  #silence(term: Term): void {
    this.#board.revoke(term)
    this.#session = null
    this.#events.over()
  }
}
