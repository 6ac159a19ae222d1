import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import { RaftError } from './errors.js'
import type { NodeView } from './node-view.js'
import type { Waiting } from './pending-call.js'
import type { WaitCondition } from './types.js'

type Holds = (status: ConsensusStatus) => boolean

/** Calls that wait until the node's status satisfies a condition. */
export class Waiters {
  readonly #view: NodeView
  readonly #waiting = new Map<Waiting<void>, Holds>()

  constructor(view: NodeView) {
    this.#view = view
  }

  wait(call: Waiting<void>, condition: WaitCondition): void {
    const holds = holdsOf(condition)
    if (holds === null) call.reject(unknownCondition(condition))
    else this.until(call, holds)
  }

  until(call: Waiting<void>, holds: (status: ConsensusStatus) => boolean): void {
    if (holds(this.#view.status)) call.resolve()
    else this.#waiting.set(call, holds)
  }

  /** The status has changed. */
  check(): void {
    const { status } = this.#view
    for (const [call, holds] of this.#waiting) {
      if (!call.settled && !holds(status)) continue
      this.#waiting.delete(call)
      call.resolve()
    }
  }
}

function holdsOf(condition: WaitCondition): Holds | null {
  if ('leader' in condition) {
    const { leader } = condition
    return leader === true
      ? (status) => status.leader !== null
      : (status) => status.leader === leader
  }
  if ('state' in condition) return (status) => status.role === condition.state
  if ('applied' in condition) return (status) => status.lastApplied >= condition.applied
  if ('configurationIndex' in condition) {
    return (status) => status.configuration.index >= condition.configurationIndex
  }
  return null
}

function unknownCondition(condition: object): RaftError {
  return new RaftError(
    'RAFT_CONFIG_INVALID',
    `waitFor takes { leader }, { state }, { applied } or { configurationIndex }; found { ${Object.keys(condition).join(', ')} }`,
    { outcome: null },
  )
}
