import type { Socket } from 'node:net'
import { assert } from '../core/assert.js'
import type { ActorContext } from '../runtime/actor.js'
import { giveBack } from '../runtime/give-back.js'
import { TransportError } from './errors.js'
import type { Pipe, PipeEvents } from './pipe.js'
import { dialFailure } from './tls-errors.js'
import { provenIdentities } from './tls-sockets.js'

/** Frames up to this size are copied into one run: cheaper than an iovec for each of their parts. */
const COALESCE_BYTES = 4096

/**
 * A socket as a pipe, with or without TLS. Everything written in one turn leaves in one writev; large runs are
 * not copied here, so their memory is read until `written` (TLS encrypts it before that).
 */
export class TcpPipe implements Pipe {
  readonly #socket: Socket
  readonly #context: ActorContext
  #events: PipeEvents | null = null
  #corked = false
  /** One for each write that has a `written`, in order; `#done` of them are finished. */
  readonly #unwritten: (() => void)[] = []
  #done = 0
  #draining = false
  #error: Error | null = null

  constructor(socket: Socket, context: ActorContext) {
    this.#socket = socket
    this.#context = context
  }

  /** Events flow from here on. */
  attach(events: PipeEvents): void {
    this.#events = events
    const socket = this.#socket
    const connected = isSecure(socket) ? 'secureConnect' : 'connect'
    socket.on(connected, () => this.#turn((to) => to.connected()))
    socket.on('data', (chunk: Buffer) => {
      const bulk = this.#events?.bulk?.()
      this.#turn((to) => to.received(chunk))
      // Ordinary traffic is left to the collector, which is faster.
      if (bulk === true || this.#events?.bulk?.() === true) giveBack(chunk)
    })
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => this.#closed())
  }

  write(runs: readonly Uint8Array[], written?: () => void): void {
    this.#cork()
    if (written !== undefined) this.#unwritten.push(written)
    const finished = written === undefined ? undefined : () => this.#finished()
    if (runs.length > 1 && totalLength(runs) <= COALESCE_BYTES) {
      this.#socket.write(Buffer.concat(runs), finished)
      return
    }
    const last = runs.length - 1
    runs.forEach((run, i) => {
      if (i === last) this.#socket.write(run, finished)
      else this.#socket.write(run)
    })
  }

  get identities(): readonly string[] | null {
    return provenIdentities(this.#socket)
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #turn(run: (events: PipeEvents) => void): void {
    const events = this.#events
    assert(events !== null, 'a pipe has events once it is attached')
    let taken = false
    this.#context.turn(() => {
      taken = true
      run(events)
    })
    // The actor is gone and nobody else will close the socket of an actor on a shared thread.
    if (!taken) this.#socket.destroy()
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#corked = false
      this.#socket.uncork()
    })
  }

  /** Many writes finish together: they are reported in one turn. */
  #finished(): void {
    this.#done += 1
    if (this.#draining) return
    this.#draining = true
    process.nextTick(() => {
      this.#draining = false
      if (this.#unwritten.length > 0) this.#turn(() => this.#report(this.#done))
    })
  }

  #report(count: number): void {
    const finished = this.#unwritten.splice(0, count)
    this.#done -= finished.length
    for (const written of finished) written()
  }

  /** The handle is closed: libuv has dropped its writes and reads no memory of ours any more. */
  #closed(): void {
    this.#turn((to) => {
      this.#report(this.#unwritten.length)
      to.closed(this.#error === null ? null : connectionLost(this.#error))
    })
  }
}

function isSecure(socket: Socket): boolean {
  return 'encrypted' in socket
}

function totalLength(runs: readonly Uint8Array[]): number {
  return runs.reduce((sum, run) => sum + run.length, 0)
}

function connectionLost(cause: Error): TransportError {
  if (cause instanceof TransportError) return cause
  const tls = dialFailure(cause)
  if (tls !== null) return tls
  const code = 'code' in cause ? cause.code : undefined
  // A name with several addresses fails with an AggregateError, whose message is empty.
  const message = cause.message === '' ? `every address failed: ${code}` : cause.message
  return new TransportError('RAFT_CONNECTION_LOST', message, { code }, cause)
}
