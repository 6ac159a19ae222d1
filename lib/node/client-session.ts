import {
  ENTRY_COMMAND,
  ENTRY_SESSION_CLOSE,
  ENTRY_SESSION_KEEP_ALIVE,
  type EntrySession,
} from '../log/batch.js'
import { SESSION_WINDOW } from '../log/session-codec.js'
import type { ResolvedConfig } from './config.js'
import type { Deadline, Deadlines } from './deadlines.js'
import type { EntryMark } from './entry-mark.js'
import { isRaftErrorInstance, RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import type { Forwarder } from './forwarder.js'
import type { Calls } from './pending-call.js'
import type { Applied, CallOptions } from './types.js'

export interface SessionHost {
  readonly config: ResolvedConfig
  readonly calls: Calls
  readonly forwarder: Forwarder
  readonly deadlines: Deadlines
  /** Monotonic ms. */
  now(): number
}

/** `expired`: the cluster has ended it, because it went unused for too long or made room for others. */
export type SessionState = 'open' | 'expired' | 'closed'

/** An idle session is used after this part of its timeout, so that a few such uses may get lost. */
const KEEP_ALIVE_PART = 1 / 3

const NOTHING = new Uint8Array(0)

/**
 * A client session: gives each command its number in the session and tells the cluster with each which
 * results it still waits for. Commands are bytes here; time comes from the node's own clock.
 */
export class ClientSession {
  readonly id: number
  readonly #host: SessionHost
  readonly #keepAliveMs: number
  /** Commands that have not ended, in the order of their numbers. */
  readonly #open = new Map<number, Promise<unknown>>()
  #next = 1
  #state: SessionState = 'open'
  #usedAt: number
  #timer: Deadline | null = null
  #closing: Promise<void> | null = null

  constructor(host: SessionHost, id: number, timeoutMs: number) {
    this.#host = host
    this.id = id
    this.#keepAliveMs = timeoutMs * KEEP_ALIVE_PART
    this.#usedAt = host.now()
    this.#watch()
  }

  get state(): SessionState {
    return this.#state
  }

  /** Proposes the command until it has ended or its time is over; it is applied once. */
  apply(data: Uint8Array, options?: CallOptions): Promise<Applied> {
    const { calls, forwarder, config, now } = this.#host
    const call = calls.start<Applied>('session.apply', options, config.requestTimeoutMs)
    const refusal = this.#refusal()
    if (refusal !== null) call.reject(refusal)
    if (call.settled) return call.promise
    const sequence = this.#next++
    const sentAt = now()
    this.#open.set(sequence, call.promise)
    call.promise.then(
      () => this.#ended(sequence, sentAt),
      (error) => this.#ended(sequence, null, error),
    )
    forwarder.applyOnce(call, data, () => this.#mark(ENTRY_COMMAND, sequence))
    return call.promise
  }

  /** Waits for the commands under way, then ends the session; one that is over is closed already. */
  close(options?: CallOptions): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async #close(options: CallOptions | undefined): Promise<void> {
    const wasOpen = this.#state === 'open'
    this.#end('closed')
    await Promise.allSettled(this.#open.values())
    if (!wasOpen) return
    const { calls, forwarder, config } = this.#host
    const call = calls.start<Applied>('session.close', options, config.requestTimeoutMs)
    if (!call.settled) {
      forwarder.applyOnce(call, NOTHING, () => this.#mark(ENTRY_SESSION_CLOSE, 0))
    }
    await call.promise
  }

  #refusal(): RaftError | null {
    if (this.#state !== 'open') return over(this.id, this.#state)
    const waiting = this.#next - this.#acknowledged()
    return waiting < SESSION_WINDOW ? null : overloadedError('command', { waiting })
  }

  #mark(type: EntryMark['type'], sequence: number): EntryMark {
    const acknowledged = this.#acknowledged()
    const identity: EntrySession = { kind: 'session', clientId: this.id, sequence, acknowledged }
    return { type, identity }
  }

  /** The lowest number whose result is still waited for. */
  #acknowledged(): number {
    for (const lowest of this.#open.keys()) return lowest
    return this.#next
  }

  #ended(sequence: number, sentAt: number | null, error?: unknown): void {
    this.#open.delete(sequence)
    if (sentAt !== null) this.#usedAt = Math.max(this.#usedAt, sentAt)
    if (isRaftErrorInstance(error) && error.code === 'RAFT_SESSION_EXPIRED') this.#end('expired')
  }

  #end(state: SessionState): void {
    if (this.#state === 'open') this.#state = state
    this.#timer?.cancel()
    this.#timer = null
  }

  #watch(): void {
    if (this.#state !== 'open' || this.#host.calls.over) return
    const idleMs = this.#host.now() - this.#usedAt
    const due = () => {
      if (this.#host.now() - this.#usedAt >= this.#keepAliveMs) this.#keepAlive()
      else this.#watch()
    }
    this.#timer = this.#host.deadlines.add(Math.max(1, this.#keepAliveMs - idleMs), { due })
  }

  #keepAlive(): void {
    const { calls, forwarder, now } = this.#host
    const sentAt = now()
    const call = calls.start<Applied>('session', undefined, this.#keepAliveMs)
    call.promise.then(
      () => {
        this.#ended(0, sentAt)
        this.#watch()
      },
      (error) => {
        this.#ended(0, null, error)
        this.#watch()
      },
    )
    if (call.settled) return
    forwarder.applyOnce(call, NOTHING, () => this.#mark(ENTRY_SESSION_KEEP_ALIVE, 0))
  }
}

function over(id: number, state: SessionState): RaftError {
  return new RaftError(
    'RAFT_SESSION_EXPIRED',
    `session ${id} is ${state}; the command was not proposed: open a new session`,
    { details: { clientId: id, state } },
  )
}
