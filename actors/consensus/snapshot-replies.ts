import { assertNever } from '../../lib/core/assert.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import type { SnapshotReply } from '../snapshot/protocol.js'
import type { Parts } from './parts.js'

/** From the snapshot actor, and about its life. */
export class SnapshotReplies {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  unlinked(): void {
    this.#parts.snapshots.interrupted(toWireError(new Error('the snapshot actor is gone')))
  }

  receive(message: SnapshotReply): void {
    const { snapshots, core } = this.#parts
    switch (message.kind) {
      case 'chunkRead':
        return snapshots.chunkRead(message)
      case 'chunkFailed':
        return snapshots.chunkFailed(message)
      case 'chunkStored':
        return snapshots.chunkStored(message, core.status().term)
      case 'snapshotReceived':
        return this.#received(message)
      default:
        assertNever(message)
    }
  }

  /** S13: the core decides whether it is installed. */
  #received(message: Extract<SnapshotReply, { kind: 'snapshotReceived' }>): void {
    const { effects, stepper, core, snapshots } = this.#parts
    const { leader, leaderTerm, meta, connection, transfer } = message
    const { index, term, configuration, size: offset } = meta
    effects.snapshotEvent(index, term, 'received')
    stepper.step({ kind: 'snapshotReceived', leader, leaderTerm, index, term, configuration })
    const status = core.status()
    const installed = status.commitIndex >= index
    const answer = { term: status.term, transfer, offset, installed, failed: !installed }
    snapshots.answer(connection, answer)
  }
}
