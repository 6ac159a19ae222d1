import { assertNever } from '../../lib/core/assert.js'
import { FIRST_GENERATION, type NodeId } from '../../lib/core/types.js'
import type { ActorContext, ActorRef, Behavior } from '../../lib/runtime/actor.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { type Announcement, OWN_ANNOUNCEMENT } from '../../lib/transport/announcement.js'
import { openTransport } from '../../lib/transport/open-transport.js'
import type {
  ChannelHandler,
  Hello,
  Listener,
  ListenHandler,
  Transport,
  Welcome,
} from '../../lib/transport/transport.js'
import { BatchReceiver } from './batch-receiver.js'
import { ConsensusLink } from './consensus-link.js'
import { inboundFigures } from './figures.js'
import { HeartbeatAnswerer } from './heartbeat-answerer.js'
import { refuseHello, versionFor } from './hello-check.js'
import { type ConnectionServices, PeerConnection } from './peer-connection.js'
import type { InboundInit, InboundMessage, InboundReply, InboundStats } from './protocol.js'
import { RefusalLog } from './refusal-log.js'

/** Numbers that one millisecond of this actor's life may use up. */
const NUMBERS_PER_MS = 4096
/** A hello that the consensus actor has not decided on by then is forgotten; its peer dials again. */
const HELLO_LIFETIME_MS = 60_000

type Accept = (welcome: Welcome, handler: ChannelHandler) => void

interface Waiting {
  readonly connection: PeerConnection
  readonly incarnation: string
  readonly generation: string
  readonly addedAt: number
  readonly features: readonly string[]
  readonly version: number
  readonly accept: Accept
  readonly since: number
}

/** Listens; see protocol.ts for what this actor promises. READY means that the port is bound. */
export function createActor(
  init: InboundInit,
  context: ActorContext,
): Behavior<InboundMessage> | Promise<Behavior<InboundMessage>> {
  const actor = new InboundActor(init, context)
  const transport = openTransport(init.transport, context)
  return isPromise(transport)
    ? transport.then((opened) => actor.open(opened))
    : actor.open(transport)
}

class InboundActor implements Behavior<InboundMessage>, ListenHandler {
  readonly #init: InboundInit
  readonly #context: ActorContext
  readonly #consensus = new ConsensusLink()
  readonly #announce: Announcement
  readonly #refusals: RefusalLog
  readonly #services: ConnectionServices & { readonly heartbeats: HeartbeatAnswerer }
  /** Hellos told, or to be told once linked, and not yet decided on. */
  readonly #waiting = new Map<number, Waiting>()
  readonly #open = new Map<number, PeerConnection>()
  /** Incarnations that the consensus actor has admitted: they need not wait for it again. */
  readonly #admitted = new Map<NodeId, { readonly life: string; readonly vouches: boolean }>()
  #transport: Transport | null = null
  #listener: Listener | null = null
  #nextNumber: number

  constructor(init: InboundInit, context: ActorContext) {
    this.#init = init
    this.#context = context
    this.#announce = init.transport.announce ?? OWN_ANNOUNCEMENT
    this.#refusals = new RefusalLog(context)
    // The consensus actor outlives this one and may still hold numbers of its predecessor.
    this.#nextNumber = Math.floor(context.now()) * NUMBERS_PER_MS
    this.#services = {
      consensus: this.#consensus,
      heartbeats: new HeartbeatAnswerer(init.incarnation, init.controlBlock, init.logAliveWord),
      batches: new BatchReceiver(init.arena),
      maxUnansweredBytes: init.maxUnansweredBytes,
      figures: inboundFigures(init.figures),
      now: () => context.now(),
      closed: (connection, error) => this.#closed(connection, error),
    }
  }

  open(transport: Transport): this | Promise<this> {
    this.#transport = transport
    const listener = transport.listen(this, this.#init.boundBefore)
    if (isPromise(listener)) return listener.then((bound) => this.#bound(bound))
    return this.#bound(listener)
  }

  receive(message: InboundMessage): void {
    switch (message.kind) {
      case 'admit':
        return this.#admit(message)
      case 'reply':
        return this.#open.get(message.connection)?.reply(message.reply)
      case 'dropPeer':
        return this.#dropPeer(message.peer)
      case 'transport':
        return this.#transport?.refresh?.(message.options)
      case 'address':
      case 'stats':
        return
      default:
        assertNever(message)
    }
  }

  answer(message: InboundMessage): { readonly address: string } | InboundStats | null {
    switch (message.kind) {
      case 'address':
        return { address: this.#listener?.address ?? '' }
      case 'stats':
        return {
          connections: this.#open.size,
          heartbeatsAnswered: this.#services.heartbeats.answered,
          refused: this.#refusals.count,
        }
      default:
        return null
    }
  }

  linked(name: string, ref: ActorRef): void {
    if (name !== 'consensus') return
    this.#consensus.linked(ref as ActorRef<InboundReply>)
    for (const waiting of this.#waiting.values()) this.#ask(waiting)
  }

  unlinked(name: string): void {
    if (name !== 'consensus') return
    this.#consensus.unlinked()
  }

  stop(): void | Promise<void> {
    return this.#listener?.close()
  }

  onHello(hello: Hello, accept: Accept): void {
    const number = this.#nextNumber++
    const connection = new PeerConnection(number, hello.nodeId, hello.purpose, this.#services)
    const refusal = refuseHello(hello, this.#init, this.#announce)
    if (refusal !== undefined) return this.#refuse(hello.nodeId, refusal, accept)
    this.#forgetOldHellos()
    const waiting = {
      connection,
      accept,
      incarnation: hello.incarnation,
      generation: hello.generation ?? FIRST_GENERATION,
      addedAt: hello.addedAt ?? 0,
      features: hello.features ?? [],
      version: versionFor(hello, this.#announce) ?? this.#announce.maxVersion,
      since: this.#context.now(),
    }
    this.#waiting.set(number, waiting)
    if (this.#consensus.isLinked) this.#ask(waiting)
    // The consensus actor is asked all the same, and may close the connection later.
    const admitted = this.#admitted.get(hello.nodeId)
    if (admitted?.life === lifeOf(waiting)) this.#accept(waiting, admitted.vouches)
  }

  onRefused(remote: string, error: Error): void {
    this.#refusals.refused(remote, error)
    this.#services.figures.add('refusals')
  }

  #bound(listener: Listener): this {
    this.#listener = listener
    return this
  }

  #ask({ connection, incarnation, generation, addedAt, features }: Waiting): void {
    const { number, peer, purpose } = connection
    const who = { connection: number, peer, incarnation, generation, addedAt, features, purpose }
    this.#consensus.control({ kind: 'hello', ...who })
  }

  #admit({
    connection: number,
    refusal,
    vouches,
  }: Extract<InboundMessage, { kind: 'admit' }>): void {
    const waiting = this.#waiting.get(number)
    if (refusal !== null) {
      const open = this.#open.get(number)
      if (open !== undefined) this.#dropPeer(open.peer)
      this.#waiting.delete(number)
      if (waiting !== undefined) this.#refuse(waiting.connection.peer, refusal, waiting.accept)
      return
    }
    if (waiting === undefined) return
    this.#admitted.set(waiting.connection.peer, { life: lifeOf(waiting), vouches })
    this.#accept(waiting, vouches)
  }

  #accept({ connection, accept, version }: Waiting, vouches: boolean): void {
    this.#waiting.delete(connection.number)
    this.#open.set(connection.number, connection)
    this.#services.figures.set('connections', this.#open.size)
    accept({ ...this.#welcome(version), vouches }, connection)
  }

  #refuse(peer: NodeId, refusal: NonNullable<Welcome['refusal']>, accept: Accept): void {
    const error = new Error(`${refusal.code}: ${refusal.message}`)
    this.#refusals.refused(peer, error)
    this.#services.figures.add('refusals')
    accept({ ...this.#welcome(this.#announce.maxVersion), refusal }, IGNORED)
  }

  #welcome(version: number): Welcome {
    const { cluster, nodeId, incarnation } = this.#init
    const { features } = this.#announce
    return { version, cluster, nodeId, incarnation, features }
  }

  #dropPeer(peer: NodeId): void {
    this.#admitted.delete(peer)
    for (const connection of this.#open.values()) {
      if (connection.peer === peer) connection.close()
    }
  }

  #closed(connection: PeerConnection, error: Error | null): void {
    this.#open.delete(connection.number)
    this.#services.figures.set('connections', this.#open.size)
    const { number, peer, purpose } = connection
    this.#consensus.control({ kind: 'connectionClosed', connection: number, peer })
    if (error !== null)
      this.#context.log.debug({ peer, purpose, error: error.message }, 'a connection broke')
  }

  #forgetOldHellos(): void {
    const oldest = this.#context.now() - HELLO_LIFETIME_MS
    for (const [number, { since }] of this.#waiting) {
      if (since >= oldest) return
      this.#waiting.delete(number)
    }
  }
}

/** What was admitted once is admitted at once when it comes back, if it is still that. */
function lifeOf({ incarnation, generation }: Waiting): string {
  return `${incarnation} ${generation}`
}

/** A refused connection has nothing to say. */
const IGNORED: ChannelHandler = { onOpen() {}, onFrame() {}, onClose() {} }
