import { assert } from '../../lib/core/assert.js'
import type { NodeId } from '../../lib/core/types.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { FsmMessage } from '../fsm/protocol.js'
import type { InboundMessage } from '../inbound/protocol.js'
import type { LogMessage } from '../log/protocol.js'
import type { ReplicatorMessage } from '../replicator/protocol.js'
import type { SnapshotMessage } from '../snapshot/protocol.js'
import { PinLedger } from './pin-ledger.js'
import type { NodeReply } from './protocol.js'

const REPLICATOR = 'replicator-'

/** One replicator and its column of pins; a restarted one has another column. */
export interface ReplicatorLink {
  readonly peer: NodeId
  readonly ref: ActorRef<ReplicatorMessage>
  readonly pins: PinLedger
  /** Numbers of the requests that it was given to forward and has not answered. */
  readonly forwards: Set<number>
}

/** The troupe around the consensus actor. An actor that died is simply absent until its successor. */
export class Links {
  #log: ActorRef<LogMessage> | null = null
  #node: ActorRef<NodeReply> | null = null
  fsm: ActorRef<FsmMessage> | null = null
  inbound: ActorRef<InboundMessage> | null = null
  snapshot: ActorRef<SnapshotMessage> | null = null
  readonly replicators = new Map<NodeId, ReplicatorLink>()
  readonly #linked = new Map<NodeId, ActorRef<ReplicatorMessage>>()

  set(name: string, ref: ActorRef): void {
    if (name === 'log') this.#log = ref as ActorRef<LogMessage>
    else if (name === 'node') this.#node = ref as ActorRef<NodeReply>
    else if (name === 'fsm') this.fsm = ref as ActorRef<FsmMessage>
    else if (name === 'inbound') this.inbound = ref as ActorRef<InboundMessage>
    else if (name === 'snapshot') this.snapshot = ref as ActorRef<SnapshotMessage>
    else if (name.startsWith(REPLICATOR)) {
      this.#linked.set(name.slice(REPLICATOR.length), ref as ActorRef<ReplicatorMessage>)
    } else assert(false, 'a link the consensus actor does not know', { name })
  }

  /** Returns the replicator that is gone, if it was one. */
  clear(name: string): ReplicatorLink | null {
    if (name === 'fsm') this.fsm = null
    else if (name === 'inbound') this.inbound = null
    else if (name === 'snapshot') this.snapshot = null
    else if (name.startsWith(REPLICATOR)) {
      const peer = name.slice(REPLICATOR.length)
      const gone = this.replicators.get(peer) ?? null
      this.replicators.delete(peer)
      this.#linked.delete(peer)
      return gone
    }
    return null
  }

  /** False: it has died since, and the end of its link has overtaken this word. */
  replicatorStarted(peer: NodeId, pinSlot: number): boolean {
    const ref = this.#linked.get(peer)
    if (ref === undefined) return false
    this.replicators.set(peer, { peer, ref, pins: new PinLedger(pinSlot), forwards: new Set() })
    return true
  }

  get log(): ActorRef<LogMessage> {
    assert(this.#log !== null, 'the log actor is linked first')
    return this.#log
  }

  get node(): ActorRef<NodeReply> {
    assert(this.#node !== null, 'the node actor is linked first')
    return this.#node
  }
}
