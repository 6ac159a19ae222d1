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
    const { snapshots, outgoing, incoming, core } = this.#parts
    snapshots.interrupted(toWireError(new Error('the snapshot actor is gone')))
    outgoing.interrupted()
    incoming.interrupted(core.status().term)
  }

  receive(message: SnapshotReply): void {
    const { outgoing, incoming, core } = this.#parts
    switch (message.kind) {
      case 'chunkRead':
        return outgoing.read(message)
      case 'chunkFailed':
        return outgoing.failed(message)
      case 'chunkStored':
        return incoming.stored(message, core.status().term)
      case 'snapshotReceived':
        return this.#received(message)
      default:
        assertNever(message)
    }
  }

  /** S13: the core decides whether it is installed. */
  #received(message: Extract<SnapshotReply, { kind: 'snapshotReceived' }>): void {
    const { effects, stepper, core, incoming } = this.#parts
    const { leader, leaderTerm, meta, connection, transfer } = message
    const { index, term, configuration, restored, size: offset } = meta
    incoming.received(meta)
    effects.snapshotEvent(index, term, 'received')
    const what = { index, term, configuration, ...(restored === true && { restored }) }
    stepper.step({ kind: 'snapshotReceived', leader, leaderTerm, ...what })
    const status = core.status()
    const installed = status.commitIndex >= index || status.baseIndex >= index
    const answer = { term: status.term, transfer, offset, installed, failed: !installed }
    incoming.answer(connection, answer)
  }
}
