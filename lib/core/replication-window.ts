import { assert } from './assert.js'
import type { Position } from './replication-messages.js'

/** A request that is sent and not yet answered. */
export interface SentRequest {
  readonly request: number
  /** Its prevLogIndex and prevLogTerm. */
  readonly prev: Position
  /** What its success acknowledges: prevLogIndex + its entries. */
  readonly last: Position
  readonly bytes: number
}

/**
 * The requests of one data connection that have no answer yet, in the order sent. Their numbers grow
 * by one and are never used again on that connection (S1).
 */
export class RequestWindow {
  #sent: SentRequest[] = []
  #bytes = 0
  #nextRequest = 1
  /** When the oldest request began to be the one that is waited for. */
  #waitingSince = 0

  get nextRequest(): number {
    return this.#nextRequest
  }

  get requests(): number {
    return this.#sent.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#sent.length === 0
  }

  /** Null while nothing is in flight. Every answer that acknowledges something renews it. */
  get waitingSince(): number | null {
    return this.isEmpty ? null : this.#waitingSince
  }

  push(now: number, sent: SentRequest): void {
    assert(sent.request === this.#nextRequest, 'requests of a connection are numbered in order', {
      request: sent.request,
      expected: this.#nextRequest,
    })
    if (this.isEmpty) this.#waitingSince = now
    this.#nextRequest++
    this.#sent.push(sent)
    this.#bytes += sent.bytes
  }

  /** Null when `request` is not in flight: answered, given up by `forget`, or never sent. */
  find(request: number): SentRequest | null {
    const first = this.#sent[0]
    return first === undefined ? null : (this.#sent[request - first.request] ?? null)
  }

  /** Takes `request` and all earlier ones out (S1: a success acknowledges them too); their bytes. */
  acknowledge(now: number, request: number): number {
    const first = this.#sent[0]
    assert(first !== undefined, 'only a request in flight can be acknowledged', { request })
    const done = this.#sent.splice(0, request - first.request + 1)
    const bytes = done.reduce((sum, sent) => sum + sent.bytes, 0)
    this.#bytes -= bytes
    this.#waitingSince = now
    return bytes
  }

  /** After a rejection: no answer to a request sent so far means anything any more (S1). */
  forget(): void {
    this.#sent = []
    this.#bytes = 0
  }

  /** A new connection numbers its requests from 1. */
  restart(): void {
    this.forget()
    this.#nextRequest = 1
  }
}
