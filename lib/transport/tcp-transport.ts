import { connect, createServer, type Server, Socket } from 'node:net'
import type { ActorContext } from '../runtime/actor.js'
import { AcceptedConnection } from './accepted-connection.js'
import { formatAddress, parseAddress } from './address.js'
import { DialledConnection } from './dialled-connection.js'
import { TransportError } from './errors.js'
import { resolveLimits } from './limits.js'
import { TcpPipe } from './tcp-pipe.js'
import type {
  Channel,
  ChannelHandler,
  Hello,
  Listener,
  ListenHandler,
  Transport,
  TransportLimits,
} from './transport.js'
import { checkTcpOptions, type TcpOptions } from './transports.js'

/** Idle time before the kernel probes a silent peer; it gives up about ten seconds later. */
const KEEP_ALIVE_DELAY_MS = 5000

export function createTransport(options: TcpOptions, context: ActorContext): Transport {
  checkTcpOptions(options)
  return new TcpTransport(options.listen, resolveLimits(options), context)
}

class TcpTransport implements Transport {
  readonly #listen: string
  readonly #limits: TransportLimits
  readonly #context: ActorContext

  constructor(listen: string, limits: TransportLimits, context: ActorContext) {
    this.#listen = listen
    this.#limits = limits
    this.#context = context
  }

  dial(address: string, hello: Hello, handler: ChannelHandler): Channel {
    const pipe = new TcpPipe(dialSocket(address), this.#context)
    const connection = new DialledConnection(pipe, hello, handler, this.#limits, this.#context)
    pipe.attach(connection)
    return connection.channel
  }

  listen(handler: ListenHandler, boundBefore?: string): Promise<Listener> {
    const { host, port: wanted } = parseAddress(this.#listen)
    const port = boundBefore === undefined ? wanted : parseAddress(boundBefore).port
    const sockets = new Set<Socket>()
    const server = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    })
    server.on('connection', (socket) => {
      let taken = false
      this.#context.turn(() => {
        taken = true
        this.#accepted(socket, sockets, handler)
      })
      // The actor is gone without a last word (an inline one can be): nobody else frees the port.
      if (!taken) void closeAll(server, sockets.add(socket))
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        // Out of file descriptors, for instance: that one connection is lost, the port stays open.
        server.on('error', (error) => this.#context.turn(() => handler.onRefused('unknown', error)))
        resolve({ address: boundAddress(server), close: () => closeAll(server, sockets) })
      })
    })
  }

  #accepted(socket: Socket, sockets: Set<Socket>, handler: ListenHandler): void {
    const remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
    const { maxConnections } = this.#limits
    if (sockets.size >= maxConnections) {
      socket.on('error', () => {})
      socket.destroy()
      const message = `maxConnections ${maxConnections} are open; the new one is closed`
      const error = new TransportError('RAFT_TOO_MANY_CONNECTIONS', message, { maxConnections })
      handler.onRefused(remote, error)
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const pipe = new TcpPipe(socket, this.#context)
    pipe.attach(new AcceptedConnection(pipe, remote, handler, this.#limits, this.#context))
  }
}

/** The name is looked up by this very call, so a peer that moved is found at the next dial. */
function dialSocket(address: string): Socket {
  try {
    const { host, port } = parseAddress(address)
    return connect({
      host,
      port,
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    })
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

function closeAll(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  return new Promise((resolve) => server.close(() => resolve()))
}
