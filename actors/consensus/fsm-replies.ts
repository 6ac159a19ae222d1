import { assert, assertNever } from '../../lib/core/assert.js'
import type { LogIndex } from '../../lib/core/types.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import type { FsmReply } from '../fsm/protocol.js'
import type { Parts } from './parts.js'

/** From the FSM actor, and about its life. */
export class FsmReplies {
  readonly #parts: Parts
  /** Of the actor that is linked, or will be: what one that is gone still says may come after the end of its link. */
  #life = 1

  constructor(parts: Parts) {
    this.#parts = parts
  }

  linked(): void {
    this.#parts.links.fsm?.control({ kind: 'begin', life: this.#life })
  }

  unlinked(): void {
    const { proposals, apply, snapshots, links } = this.#parts
    const error = toWireError(new Error('the state machine failed before it answered'))
    this.#life++
    proposals.resultsLost(apply.fed)
    const items = apply.stop(error)
    if (items.length > 0) links.node.tell({ kind: 'queryDone', index: apply.applied, items })
    snapshots.interrupted(error)
  }

  receive(message: FsmReply): void {
    const { apply, proposals, links, snapshots, outgoing, stepper, effects } = this.#parts
    if ('life' in message && message.life !== this.#life) return
    switch (message.kind) {
      case 'fsmReady':
        return this.#start(message.lastApplied ?? 0)
      case 'applied':
        apply.onApplied(message.toIndex)
        return proposals.applied(message.toIndex, message.results)
      case 'queried': {
        const { index, items } = message
        apply.queried()
        links.node.tell({ kind: 'queryDone', index, items })
        return
      }
      case 'restored':
        return this.#restored(message)
      case 'snapshotTaken': {
        if (!snapshots.taken(message)) return
        const { index, term } = message
        effects.snapshotEvent(index, term, 'saved')
        const { keepAbove } = outgoing
        return stepper.step({ kind: 'snapshotSaved', index, term, keepAbove })
      }
      case 'snapshotFailed':
        if (snapshots.failed(message)) this.#snapshotFailed(message)
        return
      case 'restoring': {
        const { done, total } = message
        return effects.event({ kind: 'progress', what: 'restore', done, total })
      }
      default:
        assertNever(message)
    }
  }

  #restored({ index, bytes }: Extract<FsmReply, { kind: 'restored' }>): void {
    const { proposals, apply, effects } = this.#parts
    if (bytes !== null) {
      effects.event({ kind: 'progress', what: 'restore', done: bytes, total: bytes })
    }
    proposals.restored(index)
    apply.restored(index)
  }

  #snapshotFailed({ index, term, error }: Extract<FsmReply, { kind: 'snapshotFailed' }>): void {
    if (error.code === 'RAFT_NOTHING_TO_SNAPSHOT') return
    const { context, effects } = this.#parts
    context.log.warn({ index, error: error.message }, 'snapshot failed')
    effects.snapshotFailed({ index, term }, error.message)
  }

  #start(holds: LogIndex): void {
    const { links, core, apply, init } = this.#parts
    const { fsm } = links
    assert(fsm !== null, 'a state machine that answers by its own number is linked', { holds })
    const { snapshotIndex: index, snapshotTerm: term, uncertain } = core.status()
    if (uncertain) {
      apply.hold()
      return apply.start(fsm, holds, null)
    }
    // S13: what the log has no more comes from the snapshot.
    const how = init.restoreSnapshotOnStart ? {} : { skip: true }
    apply.start(fsm, holds, holds < index ? { index, term } : null, how)
  }
}
