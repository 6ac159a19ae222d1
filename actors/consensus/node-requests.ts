import { assertNever } from '../../lib/core/assert.js'
import type { Configuration } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { Parts } from './parts.js'
import type { NodeRequest } from './protocol.js'
import type { ConsensusSettings } from './settings.js'

/** From the program's side: RaftNode, or a simulated client. */
export class NodeRequests {
  readonly #parts: Parts
  readonly #settingsChanged: () => void
  /** The log actor writes the first entry. */
  #bootstrapping = false

  constructor(parts: Parts, settingsChanged: () => void) {
    this.#parts = parts
    this.#settingsChanged = settingsChanged
  }

  receive(message: NodeRequest): void {
    const { stepper, apply, snapshots, links, peers } = this.#parts
    switch (message.kind) {
      case 'propose':
        return this.#propose(message.proposal, message.batch)
      case 'barrier':
        return stepper.step({ kind: 'barrier', id: message.id })
      case 'readIndex':
        return this.#readIndex(message.id, message.lease)
      case 'query':
        return apply.query(message.minIndex, message.items)
      case 'transfer':
        return stepper.step({ kind: 'transfer', id: message.id, to: message.to })
      case 'changeMembers':
      case 'cancelChange':
        return stepper.step(message)
      case 'takeSnapshot':
        return snapshots.want(message.id)
      case 'reload':
        return this.#reload(message.id, message.settings)
      case 'restoreBegin':
      case 'restoreCommit':
      case 'restoreCancel':
        return stepper.step(message)
      case 'bootstrap':
        return this.#bootstrap(message.id, message.configuration)
      case 'peers': {
        const { id } = message
        links.node.tell({ kind: 'peersDone', id, peers: peers.report() })
        return
      }
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

  #propose(token: number, batch: BatchRef): void {
    const { settings, proposals, lag, stepper } = this.#parts
    proposals.offer(token, batch)
    // S18: a state machine that cannot keep up slows down those who propose.
    if (lag.bytes >= settings.now.maxApplyLagBytes) return proposals.rejected(token, 'overloaded')
    stepper.step({ kind: 'propose', token, count: batch.count, bytes: batch.length })
  }

  #reload(id: number, next: ConsensusSettings): void {
    const { settings, stepper, snapshots, links } = this.#parts
    settings.replace(next)
    snapshots.reload(next.snapshots)
    stepper.step({ kind: 'reload', config: next.core })
    this.#settingsChanged()
    links.node.tell({ kind: 'reloaded', id })
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

  /**
   * While true nothing that could reach the log or the term is to be heard: whatever a peer asks now it
   * asks again.
   */
  get bootstrapping(): boolean {
    return this.#bootstrapping
  }

  /** The log actor makes the first entry durable; the core then takes it as its own. */
  #bootstrap(id: number, configuration: Configuration): void {
    const { links, context } = this.#parts
    if (this.#bootstrapping || !this.#isEmpty()) return this.#bootstrapDone(id, false)
    this.#bootstrapping = true
    const entry = { index: 1, configuration }
    const message = { kind: 'bootstrap', configuration: entry, term: 1, time: 0 } as const
    const done = (): void => this.#bootstrapped(id, configuration)
    links.log.ask(message).then(
      () => context.turn(done),
      (error: Error) => context.turn(() => this.#notBootstrapped(id, error)),
    )
  }

  #bootstrapped(id: number, configuration: Configuration): void {
    this.#bootstrapping = false
    this.#parts.stepper.step({ kind: 'bootstrapped', configuration })
    // S16: whom a fresh node must ask follows from the list; of a single one nobody.
    this.#parts.peers.bootstrapped()
    this.#bootstrapDone(id, true)
  }

  /** The directory turned out to have state, or the log actor is gone, which is no affair of this one. */
  #notBootstrapped(id: number, error: Error): void {
    this.#bootstrapping = false
    this.#parts.context.log.warn({ error: error.message }, 'the log was not bootstrapped')
    this.#bootstrapDone(id, false)
  }

  #bootstrapDone(id: number, done: boolean): void {
    const reason = done ? null : 'alreadyBootstrapped'
    this.#parts.links.node.tell({ kind: 'bootstrapDone', id, reason })
  }

  #isEmpty(): boolean {
    const { term, lastLogIndex, snapshotIndex } = this.#parts.core.status()
    return term === 0 && lastLogIndex === 0 && snapshotIndex === 0
  }

  #forward(message: Extract<NodeRequest, { kind: 'forward' }>): void {
    const { links } = this.#parts
    const { request, to, body, timeoutMs } = message
    const link = links.replicators.get(to)
    if (link?.ref.control({ kind: 'forward', request, body, timeoutMs }) === true) {
      link.forwards.add(request)
      return
    }
    links.node.tell({ kind: 'forwardReply', request, body: null, sent: false })
  }

  #shutdown(reason: 'shutdown' | 'storeFailed'): void {
    const { stepper, proposals, core } = this.#parts
    stepper.close()
    proposals.shutdown(core.status().commitIndex, reason)
  }
}
