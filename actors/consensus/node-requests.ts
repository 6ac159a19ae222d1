import { assertNever } from '../../lib/core/assert.js'
import type { Configuration } from '../../lib/core/types.js'
import type { Parts } from './parts.js'
import type { NodeRequest } from './protocol.js'

/** From the program's side: RaftNode, or a simulated client. */
export class NodeRequests {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  receive(message: NodeRequest): void {
    const { stepper, proposals, apply, snapshots, links, peers } = this.#parts
    switch (message.kind) {
      case 'propose': {
        const { proposal: token, batch } = message
        proposals.offer(token, batch)
        return stepper.step({ kind: 'propose', token, count: batch.count, bytes: batch.length })
      }
      case 'barrier':
        return stepper.step({ kind: 'barrier', id: message.id })
      case 'readIndex':
        return this.#readIndex(message.id, message.lease)
      case 'query':
        return apply.query(message.minIndex, message.items)
      case 'transfer':
        return stepper.step({ kind: 'transfer', id: message.id, to: message.to })
      case 'takeSnapshot':
        return snapshots.want(message.id)
      case 'bootstrap':
        return this.#bootstrap(message.id, message.configuration)
      case 'forward':
        return this.#forward(message)
      case 'answerForwarded': {
        const { connection, request, body } = message
        const reply = { kind: 'forwardReply', request, body } as const
        links.inbound?.control({ kind: 'reply', connection, reply })
        return
      }
      case 'replicatorStarted':
        return peers.replicatorStarted(message.peer, message.pinSlot)
      case 'shutdown':
        return this.#shutdown(message.error === null ? 'shutdown' : 'storeFailed')
      default:
        assertNever(message)
    }
  }

  /** S10, S11: a replicator that saw a higher term or fell silent has revoked the lease. */
  #readIndex(id: number, lease: boolean): void {
    const { core, board, links, stepper } = this.#parts
    if (lease && board.isRevoked(core.status().term)) {
      links.node.tell({ kind: 'readIndexFailed', id, reason: 'leaseUnavailable' })
      return
    }
    stepper.step({ kind: 'readIndex', id, lease })
  }

  /** The log actor makes the first entry durable; the core then takes it as its own. */
  #bootstrap(id: number, configuration: Configuration): void {
    const { links, context, stepper, peers } = this.#parts
    if (!this.#isEmpty()) {
      links.node.tell({ kind: 'bootstrapDone', id, reason: 'alreadyBootstrapped' })
      return
    }
    const entry = { index: 1, configuration }
    const message = { kind: 'bootstrap', configuration: entry, term: 1, time: 0 } as const
    const done = (): void => {
      context.turn(() => {
        stepper.step({ kind: 'bootstrapped', configuration })
        // S16: whom a fresh node must ask follows from the list; of a single one nobody.
        peers.allowVoting()
        links.node.tell({ kind: 'bootstrapDone', id, reason: null })
      })
    }
    links.log.ask(message).then(done, (error: Error) => context.fail(error))
  }

  #isEmpty(): boolean {
    const { term, lastLogIndex, snapshotIndex } = this.#parts.core.status()
    return term === 0 && lastLogIndex === 0 && snapshotIndex === 0
  }

  #forward(message: Extract<NodeRequest, { kind: 'forward' }>): void {
    const { links } = this.#parts
    const { request, to, body, timeoutMs } = message
    const link = links.replicators.get(to)
    if (link !== undefined) {
      link.ref.control({ kind: 'forward', request, body, timeoutMs })
      return
    }
    links.node.tell({ kind: 'forwardReply', request, body: null, sent: false })
  }

  #shutdown(reason: 'shutdown' | 'storeFailed'): void {
    const { control, proposals, core } = this.#parts
    control.withdraw()
    proposals.shutdown(core.status().commitIndex, reason)
  }
}
