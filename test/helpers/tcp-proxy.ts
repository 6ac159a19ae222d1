import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy on a port of its own that can be cut, and that counts what passes towards its target. */
export class TcpProxy {
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  /** Of those who dial. */
  readonly #near = new Set<Socket>()
  #open = true
  /** Bytes that came from those who dial, since the start. */
  bytes = 0
  /** Called with each run of bytes on its way to the target. */
  onBytes: () => void = () => {}

  private constructor(server: Server, target: string) {
    const [host = '', port] = target.split(':')
    this.#server = server
    this.#target = { host, port: Number(port) }
    server.on('connection', (socket) => this.#take(socket))
  }

  /** Listens on `address`, by default on a free port. */
  static async start(target: string, address = '127.0.0.1:0'): Promise<TcpProxy> {
    const [host, port] = address.split(':')
    const server = createServer().listen(Number(port), host)
    await once(server, 'listening')
    return new TcpProxy(server, target)
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends every connection. */
  break(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Ends every connection and takes no more until `mend`. */
  cut(): void {
    this.#open = false
    this.break()
  }

  mend(): void {
    this.#open = true
  }

  /** Nothing passes towards the target, and nothing is lost, until `release`. */
  hold(): void {
    for (const socket of this.#near) socket.pause()
  }

  /** Likewise for the connection over which most has come. */
  holdBusiest(): void {
    const [busiest] = [...this.#near].sort((a, b) => b.bytesRead - a.bytesRead)
    busiest?.pause()
  }

  release(): void {
    for (const socket of this.#near) socket.resume()
  }

  /** Resolves when so many bytes have passed towards the target from now on. */
  passed(bytes: number): Promise<void> {
    const until = this.bytes + bytes
    return new Promise((resolve) => {
      this.onBytes = () => {
        if (this.bytes < until) return
        this.onBytes = () => {}
        resolve()
      }
    })
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #take(near: Socket): void {
    if (!this.#open) {
      near.destroy()
      return
    }
    const far = connect(this.#target)
    this.#near.add(near)
    near.on('close', () => this.#near.delete(near))
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
    near.on('data', (bytes: Buffer) => {
      this.bytes += bytes.length
      this.onBytes()
    })
  }
}
