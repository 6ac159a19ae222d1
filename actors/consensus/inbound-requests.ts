import { assertNever } from '../../lib/core/assert.js'
import { PIN_CONSENSUS, unpin } from '../../lib/log/slab.js'
import type { InboundReply } from '../inbound/protocol.js'
import type { Parts } from './parts.js'
import { RivalReport } from './rival-report.js'

/** From the peers, by way of the inbound actor. */
export class InboundRequests {
  readonly #parts: Parts
  readonly #isDeaf: () => boolean
  readonly #rivals: RivalReport

  /** `isDeaf`: requests are not to be heard now; their senders ask again. */
  constructor(parts: Parts, isDeaf: () => boolean) {
    this.#parts = parts
    this.#isDeaf = isDeaf
    this.#rivals = new RivalReport(parts)
  }

  receive(message: InboundReply): void {
    const { peers, stepper, appends, links } = this.#parts
    const { connection } = message
    if (this.#isDeaf() && message.kind.startsWith('rpc')) return this.#drop(message)
    switch (message.kind) {
      case 'hello':
        return peers.hello(connection, message)
      case 'rpcRequestVote':
        return stepper.step({ kind: 'requestVote', connection, request: message.request })
      case 'rpcHeartbeat':
        this.#rivals.heard(message.request)
        return stepper.step({ kind: 'heartbeat', connection, request: message.request })
      case 'rpcTimeoutNow':
        return stepper.step({ kind: 'timeoutNow', request: message.request })
      case 'rpcRemoved':
        return stepper.step({ kind: 'removed', request: message.request })
      case 'rpcAppendEntries':
        this.#rivals.heard(message.request)
        return appends.receive(message)
      case 'rpcSnapshotChunk':
        return this.#snapshotChunk(message)
      case 'rpcForward': {
        const { request, peer, body } = message
        links.node.tell({ kind: 'forwarded', connection, request, peer, body })
        return
      }
      case 'connectionClosed':
        return
      default:
        assertNever(message)
    }
  }

  #drop(message: InboundReply): void {
    if (message.kind !== 'rpcAppendEntries') return
    for (const batch of message.batches) unpin(batch, PIN_CONSENSUS)
  }

  #snapshotChunk(message: Extract<InboundReply, { kind: 'rpcSnapshotChunk' }>): void {
    const { init, core, incoming } = this.#parts
    const { connection, request, bytes } = message
    if (request.incarnation !== init.incarnation) return
    const { term, leader } = core.status()
    // A term has one leader: who has not heard of it for a while knows it by its term (Raft §5.2).
    if (request.term === term && (leader === null || leader === request.leader)) {
      return incoming.receive(connection, request, bytes)
    }
    const { transfer, offset } = request
    incoming.answer(connection, { term, transfer, offset, installed: false, failed: true })
  }
}
