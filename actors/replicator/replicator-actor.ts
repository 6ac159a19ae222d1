import { assertNever } from '../../lib/core/assert.js'
import type { Session } from '../../lib/core/types.js'
import type { ActorContext, ActorRef, Behavior } from '../../lib/runtime/actor.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { OWN_ANNOUNCEMENT } from '../../lib/transport/announcement.js'
import { openTransport } from '../../lib/transport/open-transport.js'
import type { Purpose, Transport, Welcome } from '../../lib/transport/transport.js'
import { LeaderBoardReader } from '../consensus/leader-board.js'
import { ClientLane } from './client-lane.js'
import { ControlLane } from './control-lane.js'
import { DataLane } from './data-lane.js'
import { type ReplicatorCounts, replicatorFigures } from './figures.js'
import { Leadership } from './leadership.js'
import { type ConnectionEvents, PeerConnection, type Refusal } from './peer-connection.js'
import { PeerHealth } from './peer-health.js'
import type {
  ReplicatorConfig,
  ReplicatorInit,
  ReplicatorMessage,
  ReplicatorReply,
} from './protocol.js'

/** One peer's replicator; see protocol.ts for what it promises. */
export function createActor(
  init: ReplicatorInit,
  context: ActorContext,
): Behavior<ReplicatorMessage> | Promise<Behavior<ReplicatorMessage>> {
  const transport = openTransport(init.transport, context)
  if (isPromise(transport)) {
    return transport.then((opened) => new ReplicatorActor(init, context, opened))
  }
  return new ReplicatorActor(init, context, transport)
}

/** What one connection carries. */
interface Lane {
  ready(): void
  down(): void
  frame(type: number, head: Uint8Array, payload: Uint8Array): void
}

class ReplicatorActor implements Behavior<ReplicatorMessage> {
  readonly #init: ReplicatorInit
  /** All parts read it when they need it: a reload changes it in place. */
  readonly #config: ReplicatorConfig
  readonly #context: ActorContext
  readonly #transport: Transport
  readonly #connections: Readonly<Record<Purpose, PeerConnection>>
  readonly #leadership: Leadership
  readonly #health: PeerHealth
  readonly #control: ControlLane
  readonly #data: DataLane
  readonly #client: ClientLane
  readonly #figures: ReplicatorCounts
  #consensus: ActorRef<ReplicatorReply> | null = null
  /** The peer's incarnation that the consensus actor has admitted (S16). */
  #admitted: string | null = null
  /** The refusal that was told last: the same one again is no news. */
  #refusal: string | null = null

  constructor(init: ReplicatorInit, context: ActorContext, transport: Transport) {
    this.#init = init
    this.#context = context
    this.#transport = transport
    const { nodeId, peer, pinSlot } = init
    const config = { ...init.config }
    this.#config = config
    const tell = (reply: ReplicatorReply) => this.#tell(reply)
    const board = new LeaderBoardReader(new SharedWords(init.leaderBoard), pinSlot)
    const leadership = new Leadership(board, config, {
      over: () => this.#unlead(),
      overtaken: (term) => tell({ kind: 'higherTerm', peer, term }),
      stalled: (term, reason) => {
        context.log.error({ peer, term, reason }, 'heartbeats end: this leader stands still')
        tell({ kind: 'stalled', peer, term })
      },
    })
    const figures = replicatorFigures(init.figures)
    this.#figures = figures
    const common = { nodeId, peer, context, config, leadership, figures, tell }
    this.#leadership = leadership
    this.#health = new PeerHealth(peer, config, tell)
    this.#control = new ControlLane({
      ...common,
      connection: () => this.#connections.heartbeat,
      health: this.#health,
    })
    this.#data = new DataLane({
      ...common,
      connection: () => this.#connections.data,
      pinSlot,
      board,
    })
    this.#client = new ClientLane({ ...common, connection: () => this.#connections.client })
    this.#connections = {
      heartbeat: this.#connection(transport, 'heartbeat', this.#control),
      data: this.#connection(transport, 'data', this.#data),
      client: this.#connection(transport, 'client', this.#client),
    }
  }

  linked(name: string, ref: ActorRef): void {
    if (name !== 'consensus') return
    this.#consensus = ref as ActorRef<ReplicatorReply>
    this.#connections.heartbeat.start()
  }

  receive(message: ReplicatorMessage): void {
    switch (message.kind) {
      case 'lead':
        return this.#lead(message)
      case 'unlead':
        return this.#unlead()
      case 'probe':
        this.#leadership.sawTerm(message.term)
        if (this.#leadership.session?.term === message.term) this.#control.probe(message.probe)
        return
      case 'requestVote':
        // A pre-vote asks about a term that this node has not entered (thesis §9.6).
        if (!message.request.preVote) this.#leadership.sawTerm(message.request.term)
        return this.#control.requestVote(message.request)
      case 'timeoutNow':
        if (this.#leadership.session?.term === message.term) this.#control.timeoutNow(message.term)
        return
      case 'tellRemoved':
        return this.#control.tellRemoved(message.term, message.index)
      case 'standing':
        for (const connection of this.#all()) connection.standing = message.standing
        return
      case 'address':
        for (const connection of this.#all()) connection.moved(message.address)
        return
      case 'config':
        Object.assign(this.#config, message.config)
        return this.#control.reload()
      case 'transport':
        return this.#transport.refresh?.(message.options)
      case 'admitted':
        return this.#onAdmitted(message.incarnation, message.admitted)
      case 'forward':
        return this.#client.forward(message)
      case 'batches':
        return this.#data.batches(message)
      case 'snapshotChunk':
        return this.#data.chunk(message)
      default:
        assertNever(message)
    }
  }

  afterTurn(): void {
    this.#control.flush()
    this.#data.flush()
  }

  stop(): void {
    this.#unlead()
    this.#client.down()
    for (const connection of this.#all()) connection.close()
  }

  #lead(message: Extract<ReplicatorMessage, { kind: 'lead' }>): void {
    const { term, addedAt, incarnation, lastIndex, lastTerm, probe } = message
    this.#unlead()
    // Whose incarnation is not known yet gets no heartbeat: `lead` comes again once it is (S2).
    if (incarnation === null) {
      this.#leadership.sawTerm(term)
      return
    }
    const session: Session = { term, addedAt, incarnation }
    if (!this.#leadership.begin(session)) return
    this.#onAdmitted(incarnation, true)
    this.#control.lead(session, probe)
    this.#data.lead(session, lastIndex, lastTerm)
  }

  #unlead(): void {
    this.#leadership.end()
    this.#control.unlead()
    this.#data.unlead()
  }

  #tell(reply: ReplicatorReply): void {
    this.#consensus?.control(reply)
  }

  #all(): readonly PeerConnection[] {
    const { heartbeat, data, client } = this.#connections
    return [heartbeat, data, client]
  }

  #connection(transport: Transport, purpose: Purpose, lane: Lane): PeerConnection {
    const { cluster, nodeId, incarnation, standing, peer, address, config } = this.#init
    const { reconnectMinMs, reconnectMaxMs } = config
    const life = { incarnation, ...standing }
    const { minVersion, maxVersion, features } = this.#init.transport.announce ?? OWN_ANNOUNCEMENT
    const can = { version: maxVersion, minVersion, features }
    const hello = { ...can, cluster, nodeId, ...life, purpose, to: peer }
    const context = this.#context
    const events: ConnectionEvents = {
      opened: (welcome) => this.#onOpened(purpose, welcome),
      ready: () => {
        this.#figures.add('connections')
        if (purpose === 'heartbeat') this.#health.connection(true, context.now(), 'connected')
        lane.ready()
      },
      frame: (type, head, payload) => lane.frame(type, head, payload),
      down: (reason) => {
        context.log.debug({ peer, purpose, reason }, 'connection down')
        if (purpose === 'heartbeat') this.#health.connection(false, context.now(), reason)
        lane.down()
      },
      refused: (refusal) => this.#onRefused(refusal),
    }
    const backoff = { reconnectMinMs, reconnectMaxMs }
    return new PeerConnection({ context, transport, hello, address, ...backoff, events })
  }

  // -- S16: whom this node talks to

  /** An incarnation that is admitted already need not wait for a consensus actor that may be busy. */
  #onOpened(purpose: Purpose, { incarnation, features = [], vouches = false }: Welcome): void {
    this.#refusal = null
    const known = incarnation === this.#admitted
    if (!known || purpose === 'heartbeat') {
      const { peer } = this.#init
      this.#tell({ kind: 'peerConnected', peer, incarnation, features, vouches })
    }
    if (known) this.#connections[purpose].admit()
  }

  #onAdmitted(incarnation: string, admitted: boolean): void {
    if (admitted) this.#admitted = incarnation
    else if (this.#admitted === incarnation) this.#admitted = null
    for (const connection of this.#all()) {
      const found = connection.incarnation
      if (found === null) continue
      if (found === this.#admitted) connection.admit()
      else if (connection.isReady || found === incarnation) {
        connection.drop(`incarnation ${found} of the peer is not admitted`, 'long')
      }
    }
  }

  #onRefused(refusal: Refusal): void {
    const { code, message } = refusal
    if (this.#refusal === code) return
    this.#refusal = code
    this.#context.log.warn({ peer: this.#init.peer, code }, message)
    this.#tell({ kind: 'peerRefused', peer: this.#init.peer, code, message })
  }
}
