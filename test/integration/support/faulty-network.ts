import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after } from '../../../lib/runtime/clock.js'
import { decodeHello, HandshakeReader } from '../../../lib/transport/handshake.js'

/** One direction between two nodes, e.g. `n1>n2`. */
type Way = `${string}>${string}`

/** What the network does to bytes on their way; what is not named here is not touched. */
interface Faults {
  /** Nothing passes, and nobody is told: the sender's buffers fill, as when packets are dropped. */
  readonly silent: ReadonlySet<Way>
  /** Connections between the two are reset, new ones too. */
  readonly cut: ReadonlySet<Way>
  /** Everything arrives so much later. */
  readonly delayMs: number
}

const NONE: Faults = { silent: new Set(), cut: new Set(), delayMs: 0 }

/**
 * Stands between real nodes: each is dialled at an address of this network, which passes the bytes on to where
 * it listens. Who dials is read from the handshake, so that a fault can be between two of them, one way.
 */
export class FaultyNetwork {
  readonly #servers: Server[] = []
  readonly #links = new Set<Link>()
  faults: Faults = NONE

  /** Where others dial the node that will listen at `listen`. */
  async front(id: string, listen: string): Promise<string> {
    const [host = '', port] = listen.split(':')
    const server = createServer((near) => {
      const far = connect({ host, port: Number(port) })
      const link = new Link(near, far, id, () => this.faults)
      this.#links.add(link)
      near.once('close', () => this.#links.delete(link))
    })
    this.#servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Between the node and each of the others, both ways. */
  cut(id: string, others: readonly string[]): void {
    this.#set({ ...NONE, cut: new Set([...ways([id], others), ...ways(others, [id])]) })
  }

  /** From each of the first to each of the others. */
  silence(from: readonly string[], to: readonly string[]): void {
    this.#set({ ...NONE, silent: new Set([...this.faults.silent, ...ways(from, to)]) })
  }

  delay(delayMs: number): void {
    this.#set({ ...NONE, delayMs })
  }

  /** What was held back arrives now. */
  heal(): void {
    this.#set(NONE)
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.destroy()
    await Promise.all(
      this.#servers.map(async (server) => {
        server.close()
        await once(server, 'close')
      }),
    )
  }

  #set(faults: Faults): void {
    this.faults = faults
    for (const link of this.#links) link.changed()
  }
}

function ways(from: readonly string[], to: readonly string[]): readonly Way[] {
  return from.flatMap((one) => to.map((other): Way => `${one}>${other}`))
}

/** One connection, from whoever dialled to the node behind the address. */
class Link {
  readonly #near: Socket
  readonly #far: Socket
  readonly #to: string
  readonly #faults: () => Faults
  readonly #hello = new HandshakeReader('hello')
  /** Unknown until the handshake has come. */
  #from: string | null = null

  constructor(near: Socket, far: Socket, to: string, faults: () => Faults) {
    this.#near = near
    this.#far = far
    this.#to = to
    this.#faults = faults
    this.#pass(near, far, (bytes) => this.#listen(bytes))
    this.#pass(far, near, () => {})
  }

  /** The faults are others now. */
  changed(): void {
    if (this.#isCut()) return this.destroy()
    if (!this.#isSilent(this.#from, this.#to)) this.#near.resume()
    if (!this.#isSilent(this.#to, this.#from)) this.#far.resume()
  }

  destroy(): void {
    this.#near.destroy()
    this.#far.destroy()
  }

  #pass(from: Socket, to: Socket, look: (bytes: Buffer) => void): void {
    from.on('error', () => {})
    from.on('close', () => to.destroy())
    from.on('data', (bytes: Buffer) => {
      look(bytes)
      if (this.#isCut()) return this.destroy()
      if (this.#holds(from)) {
        // What was read already waits in front of what comes.
        from.pause()
        from.unshift(bytes)
        return
      }
      const { delayMs } = this.#faults()
      if (delayMs > 0) after(delayMs, () => to.write(bytes))
      else to.write(bytes)
    })
  }

  #holds(from: Socket): boolean {
    return from === this.#near
      ? this.#isSilent(this.#from, this.#to)
      : this.#isSilent(this.#to, this.#from)
  }

  #listen(bytes: Buffer): void {
    if (this.#from !== null) return
    const hello = this.#hello.push(bytes)
    if (hello !== null) this.#from = decodeHello(hello.version, hello.body).nodeId
  }

  #isCut(): boolean {
    return this.#faults().cut.has(`${this.#from}>${this.#to}`)
  }

  #isSilent(from: string | null, to: string | null): boolean {
    return this.#faults().silent.has(`${from}>${to}`)
  }
}
