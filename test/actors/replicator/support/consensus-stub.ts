import { EventEmitter, once } from 'node:events'
import type { ReplicatorMessage, ReplicatorReply } from '../../../../actors/replicator/protocol.js'
import { type BatchRef, ENTRY_COMMAND, encodeBatch } from '../../../../lib/log/batch.js'
import type { ActorRef, Behavior } from '../../../../lib/runtime/actor.js'
import { PEER_INCARNATION, TERM } from './replicator-bench.js'

type Kind = ReplicatorReply['kind']

/** A leader's consensus actor as one replicator sees it: it admits, leads, feeds, and keeps what it is told. */
export class ConsensusStub implements Behavior<ReplicatorReply> {
  readonly told: ReplicatorReply[] = []
  readonly #events = new EventEmitter()
  readonly #log: BatchRef[] = []
  #replicator: ActorRef<ReplicatorMessage> | null = null
  #feed: { readonly number: number; next: number } | null = null
  #led = false

  linked(_name: string, ref: ActorRef): void {
    this.#replicator = ref as ActorRef<ReplicatorMessage>
  }

  receive(reply: ReplicatorReply): void {
    if (reply.kind === 'peerConnected') {
      const { incarnation } = reply
      this.#replicator?.control({ kind: 'admitted', incarnation, admitted: true })
      if (!this.#led) this.#lead()
    }
    if (reply.kind === 'feed') {
      this.#feed = { number: reply.feed, next: reply.fromIndex }
      this.#pump()
    }
    this.told.push(reply)
    this.#events.emit('told')
  }

  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const firstIndex = this.#log.length + 1
      const data = new TextEncoder().encode(`entry ${firstIndex}`)
      const place = { firstIndex, term: TERM, prevTerm: firstIndex === 1 ? 0 : TERM, time: 1 }
      this.#log.push(encodeBatch([{ type: ENTRY_COMMAND, data }], place))
    }
    this.#pump()
  }

  /** The first message of this kind, from now on or before, that fits. */
  async until<K extends Kind>(
    kind: K,
    fits: (reply: Extract<ReplicatorReply, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<ReplicatorReply, { kind: K }>> {
    const wanted = (reply: ReplicatorReply): reply is Extract<ReplicatorReply, { kind: K }> =>
      reply.kind === kind && fits(reply as Extract<ReplicatorReply, { kind: K }>)
    for (;;) {
      const found = this.told.find(wanted)
      if (found !== undefined) return found
      await once(this.#events, 'told')
    }
  }

  #lead(): void {
    this.#led = true
    const session = { term: TERM, addedAt: 1, incarnation: PEER_INCARNATION }
    this.#replicator?.control({ kind: 'lead', ...session, lastIndex: 0, lastTerm: 0, probe: 0 })
  }

  #pump(): void {
    const feed = this.#feed
    if (feed === null) return
    const batches = this.#log.slice(feed.next - 1)
    if (batches.length === 0) return
    feed.next += batches.length
    this.#replicator?.tell({ kind: 'batches', feed: feed.number, batches, compacted: false })
  }
}
