import { connect, createServer, type DropArgument, type Server, Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import type { ActorContext } from '../runtime/actor.js'
import { AcceptedConnection } from './accepted-connection.js'
import { formatAddress, parseAddress } from './address.js'
import { type Credentials, loadCredentials, sameCredentials } from './certificates.js'
import { DialledConnection } from './dialled-connection.js'
import { TransportError } from './errors.js'
import { resolveLimits } from './limits.js'
import { TcpPipe } from './tcp-pipe.js'
import { acceptFailure } from './tls-errors.js'
import { TlsSockets } from './tls-sockets.js'
import type {
  Channel,
  ChannelHandler,
  Hello,
  Listener,
  ListenHandler,
  RefreshOptions,
  Transport,
  TransportLimits,
} from './transport.js'
import { checkTcpOptions, reloadIntervalOf, type TcpSpec, withCredentials } from './transports.js'

/** Idle time before the kernel probes a silent peer; it gives up about ten seconds later. */
const KEEP_ALIVE_DELAY_MS = 5000

export function createTransport(options: TcpSpec, context: ActorContext): Transport {
  checkTcpOptions(options)
  return new TcpTransport(withCredentials(options), context)
}

/** Certificates that were named by their paths may change there. */
export const refreshOptions: RefreshOptions<TcpSpec> = (options) => {
  const { tls } = options
  if (tls === undefined) return null
  return {
    intervalMs: reloadIntervalOf(tls),
    async read({ credentials: inUse }) {
      const credentials = await loadCredentials('tls', tls)
      if (inUse !== undefined && sameCredentials(credentials, inUse)) return null
      return { ...options, credentials }
    },
  }
}

class TcpTransport implements Transport {
  readonly #listen: string
  readonly #limits: TransportLimits
  readonly #context: ActorContext
  readonly #tls: TlsSockets | null
  #credentials: Credentials | undefined
  readonly #dialled = new Set<Socket>()
  #listening: Listening | null = null

  constructor(options: TcpSpec, context: ActorContext) {
    const { listen, credentials } = options
    this.#listen = listen
    this.#limits = resolveLimits(options)
    this.#context = context
    this.#credentials = credentials
    this.#tls = credentials === undefined ? null : new TlsSockets(credentials)
  }

  dial(address: string, hello: Hello, handler: ChannelHandler): Channel {
    const socket = dialSocket(address, this.#tls)
    this.#dialled.add(socket)
    socket.once('close', () => this.#dialled.delete(socket))
    const pipe = new TcpPipe(socket, this.#context)
    const connection = new DialledConnection(pipe, hello, handler, this.#limits, this.#context)
    pipe.attach(connection)
    return connection.channel
  }

  listen(handler: ListenHandler, boundBefore?: string): Promise<Listener> {
    const listening = new Listening(handler, this.#limits, this.#context, this.#tls)
    this.#listening = listening
    const { host, port: wanted } = parseAddress(this.#listen)
    const port = boundBefore === undefined ? wanted : parseAddress(boundBefore).port
    return listening.bind(host, port)
  }

  /**
   * Connections that are open keep the certificates that they were made with, unless the authorities have
   * changed: then every peer has to prove itself anew.
   */
  refresh({ credentials }: TcpSpec): void {
    const before = this.#credentials
    if (this.#tls === null || credentials === undefined || before === undefined) return
    if (sameCredentials(before, credentials)) return
    this.#credentials = credentials
    this.#tls.replace(credentials)
    this.#listening?.refresh(this.#tls)
    if (before.ca === credentials.ca) return
    for (const socket of this.#dialled) socket.destroy()
    this.#listening?.disconnect()
  }
}

/** The server and what it has accepted. */
class Listening {
  readonly #handler: ListenHandler
  readonly #limits: TransportLimits
  readonly #context: ActorContext
  readonly #server: Server
  /** Of a TLS connection both the socket that was accepted and the one that is read from it. */
  readonly #sockets = new Set<Socket>()

  constructor(
    handler: ListenHandler,
    limits: TransportLimits,
    context: ActorContext,
    tls: TlsSockets | null,
  ) {
    this.#handler = handler
    this.#limits = limits
    this.#context = context
    const { handshakeTimeoutMs: handshakeTimeout, maxConnections } = limits
    this.#server = tls?.createServer({ handshakeTimeout }) ?? createServer({ noDelay: true })
    this.#server.maxConnections = maxConnections
    this.#server.on('drop', (dropped) => this.#turn(() => this.#dropped(dropped)))
    this.#server.on('connection', (socket) => {
      this.#remember(socket)
      if (tls === null) this.#turn(() => this.#accepted(socket))
    })
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#remember(socket)
      this.#turn(() => this.#accepted(socket))
    })
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      socket.destroy()
      this.#turn(() => this.#failed(error, socket))
    })
  }

  bind(host: string, port: number): Promise<Listener> {
    const server = this.#server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        // Out of file descriptors, for instance: that one connection is lost, the port stays open.
        server.on('error', (error) => this.#turn(() => this.#handler.onRefused('unknown', error)))
        resolve({ address: boundAddress(server), close: () => this.#close() })
      })
    })
  }

  refresh({ contextOptions }: TlsSockets): void {
    ;(this.#server as TlsServer).setSecureContext(contextOptions)
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #remember(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #turn(run: () => void): void {
    let taken = false
    this.#context.turn(() => {
      taken = true
      run()
    })
    // The actor is gone without a last word (an inline one can be): nobody else frees the port.
    if (!taken) void this.#close()
  }

  #accepted(socket: Socket): void {
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    const pipe = new TcpPipe(socket, this.#context)
    const remote = remoteOf(socket)
    pipe.attach(new AcceptedConnection(pipe, remote, this.#handler, this.#limits, this.#context))
  }

  #dropped(dropped: DropArgument | undefined): void {
    const { maxConnections } = this.#limits
    const message = `maxConnections ${maxConnections} are open; the new one is closed`
    const error = new TransportError('RAFT_TOO_MANY_CONNECTIONS', message, { maxConnections })
    this.#handler.onRefused(remoteOf(dropped ?? {}), error)
  }

  #failed(error: Error, socket: TLSSocket): void {
    // An Error in the types, and the code of one in fact; null while there is none.
    const code = socket.authorizationError as unknown
    const failure = acceptFailure(error, typeof code === 'string' ? code : null)
    this.#handler.onRefused(remoteOf(socket), failure)
  }

  #close(): Promise<void> {
    this.disconnect()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

function remoteOf(socket: {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
}

/** The name is looked up by this very call, so a peer that moved is found at the next dial. */
function dialSocket(address: string, tls: TlsSockets | null): Socket {
  try {
    const to = parseAddress(address)
    const socket = tls?.connect(to) ?? connect({ ...to, autoSelectFamily: true })
    return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  } catch (error) {
    // A member's address may be anything: it fails as a peer that is not there does, not the actor.
    const socket = new Socket()
    process.nextTick(() => socket.destroy(asError(error)))
    return socket
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

function boundAddress(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return ''
  return formatAddress({ host: address.address, port: address.port })
}
