import type { ActorContext } from '../runtime/actor.js'
import type { Announcement } from './announcement.js'

/**
 * A transport carries frames between nodes. An actor creates its own instance from a spec, on its own
 * thread, with `createTransport`; all callbacks run as turns of that actor (`context.turn`).
 */
export interface Transport {
  /** One outgoing channel; it never reconnects by itself. Names are resolved again at each dial. */
  dial(address: string, hello: Hello, handler: ChannelHandler): Channel
  /**
   * Accepts channels from now on; throws or rejects (EADDRINUSE, ...) when it cannot. `boundBefore`: the
   * address that a predecessor was bound to, where peers look for this node; its port is taken again.
   */
  listen(handler: ListenHandler, boundBefore?: string): Listener | Promise<Listener>
  /** Other options of the same kind, e.g. a new certificate, for connections made from now on. */
  refresh?(options: unknown): void
}

/** What a connection is for; each keeps its own lane (DESIGN §2.6). */
export type Purpose = 'data' | 'heartbeat' | 'client'

/** The dialler's half of the handshake. */
export interface Hello {
  /** The newest version of the protocol that the dialler speaks. */
  readonly version: number
  /** The oldest one. Default: `version`. */
  readonly minVersion?: number
  /** What it can do. Default: nothing that has to be announced. */
  readonly features?: readonly string[]
  readonly cluster: string
  readonly nodeId: string
  readonly incarnation: string
  readonly purpose: Purpose
  /** The node that the dialler means to reach; another one refuses. */
  readonly to: string
  /** Of the dialler's configuration (Configuration.generation). Default: FIRST_GENERATION. */
  readonly generation?: string
  /** Index of the entry that added the dialler, as far as it knows (S16). Default: 0. */
  readonly addedAt?: number
}

/** The listener's half: who it is, and whether it takes the connection. */
export interface Welcome {
  /** Of the protocol, for this connection; with a refusal the newest that the listener speaks. */
  readonly version: number
  readonly features?: readonly string[]
  readonly cluster: string
  readonly nodeId: string
  readonly incarnation: string
  /**
   * The greeted node is a member here, since the entry that it named (`Hello.addedAt`): the listener would
   * know an earlier life of it (S16). Default: false; whoever knows no members can vouch for nobody.
   */
  readonly vouches?: boolean
  /** RAFT_CLUSTER_MISMATCH, RAFT_LOST_STATE, ...; absent when the connection is taken. */
  readonly refusal?: { readonly code: string; readonly message: string }
}

/** One message on the wire: a small encoded head, checksummed, and a payload that checks itself. */
export interface Frame {
  readonly type: number
  readonly head: Uint8Array
  /** Byte runs sent one after the other; received as one run. */
  readonly payload: readonly Uint8Array[]
}

export interface Channel {
  /**
   * Queues a frame. `written` is called once, when the socket no longer reads the payload's memory:
   * after the write or after the channel closed. Returns false when the channel is not open (yet, or
   * any more): the frame was not taken and `written` is not called.
   */
  send(frame: Frame, written?: () => void): boolean
  /** Bytes queued and not yet handed to the operating system. */
  readonly bufferedBytes: number
  /** Takes no more from the peer, save what has already been read from the socket. */
  pause(): void
  resume(): void
  /** Closes now, dropping what is queued; `onClose` follows in a turn of its own. */
  close(): void
}

/**
 * `allocate` and `onFrame` may throw a TransportError, which closes the channel with it; any other
 * exception fails the actor.
 */
export interface ChannelHandler {
  /** The handshake succeeded. */
  onOpen(channel: Channel, welcome: Welcome): void
  /**
   * Where a payload of `length` bytes is to be written (shared memory of the receiver's own), decided
   * from the head. Without it the payload arrives in a fresh Uint8Array.
   */
  allocate?(type: number, head: Uint8Array, length: number): Uint8Array
  onFrame(channel: Channel, type: number, head: Uint8Array, payload: Uint8Array): void
  /** Called once, also when the dial or handshake failed. `refusal` is the peer's Welcome refusal. */
  onClose(channel: Channel, error: Error | null, refusal?: Welcome['refusal']): void
}

export interface ListenHandler {
  /**
   * Decides over a well-formed hello, perhaps later: `accept` sends the Welcome (which may refuse) and
   * takes the handler for the channel's frames. The connection may be gone by then: `accept` then calls
   * `onClose` at once. A decision later than handshakeTimeoutMs finds it closed.
   */
  onHello(hello: Hello, accept: (welcome: Welcome, handler: ChannelHandler) => void): void
  /** A connection that was refused before a hello: wrong magic, too large, garbage, HTTP, too slow. */
  onRefused(remote: string, error: Error): void
}

export interface Listener {
  /** `host:port` really bound (port 0 is resolved). */
  readonly address: string
  /** Also closes the connections accepted here. */
  close(): void | Promise<void>
}

/** What a transport's module may export beside `createTransport`, for options that are read from files. */
export type RefreshOptions<Options = unknown> = (options: Options) => {
  /** How often to look; 0: only when asked. */
  readonly intervalMs: number
  /** The options as they are now; null: they are those in use. Rejects when what is there is no good. */
  read(inUse: Options): Promise<Options | null>
} | null

export interface TransportLimits {
  /** Largest frame head accepted. Default 64 KiB. */
  readonly maxHeadBytes: number
  /** Largest payload accepted. Default 16 MiB; at least maxEntryBytes and maxBatchBytes with room. */
  readonly maxPayloadBytes: number
  /** From accept or connect to the end of the handshake. Default 5000. */
  readonly handshakeTimeoutMs: number
  /** Open inbound connections. Default 1024. */
  readonly maxConnections: number
}

export type CreateTransport<Options = unknown> = (
  options: Options,
  context: ActorContext,
) => Transport | Promise<Transport>

/** How a node is told which transport to use. */
export interface TransportSpec {
  readonly module: string
  readonly options: unknown
  /** `host:port` that other nodes dial. */
  readonly advertise: string
  /** What the node announces. Default: all that this release can. Tests of rolling upgrades say less, or more. */
  readonly announce?: Announcement
  /** Present when the network lives in this thread's memory: inbound and replicators then run inline. */
  readonly create?: CreateTransport
}
