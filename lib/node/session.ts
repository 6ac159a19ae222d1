import type { StateMachineTypes } from '../fsm/spec.js'
import type { Codec } from '../fsm/state-machine.js'
import type { ClientSession, SessionState } from './client-session.js'
import type { Applied, CallOptions } from './types.js'

/**
 * A client session: each command of it is applied once, however often it is proposed. Opened by
 * `RaftNode.session`, on any node; it ends with `close`, or when it goes unused for too long. Commands may
 * be under way at the same time; those not awaited in turn may be applied in another order.
 */
export class Session<Types extends StateMachineTypes = StateMachineTypes> {
  readonly #session: ClientSession
  readonly #codec: Codec<unknown>

  constructor(session: ClientSession, codec: Codec<unknown>) {
    this.#session = session
    this.#codec = codec
  }

  /** The session's id in the log. */
  get id(): number {
    return this.#session.id
  }

  /** `expired` as soon as the cluster has said so: open a new one. */
  get state(): SessionState {
    return this.#session.state
  }

  /**
   * Brings the command to the leader and proposes it again through broken connections and changes of
   * leaders until it is applied, refused by the state machine, or its time is over (`unknown`, unless it
   * was certainly never proposed). A repetition has the index, term and result of the first.
   * @throws RaftError RAFT_SESSION_EXPIRED (`rejected`, or `unknown` when an earlier attempt may have been
   * applied), RAFT_COMMAND_REJECTED, RAFT_RESULT_LOST, RAFT_TIMEOUT, RAFT_ABORTED, RAFT_CLOSED
   */
  async apply(command: Types['command'], options?: CallOptions): Promise<Applied<Types['result']>> {
    // The caller may reuse its bytes at once.
    return this.#session.apply(Buffer.from(this.#codec.encode(command)), options)
  }

  /** Waits for the commands under way and ends the session. */
  close(options?: CallOptions): Promise<void> {
    return this.#session.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
