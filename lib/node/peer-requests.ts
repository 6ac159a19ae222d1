import type { NodeRequest } from '../../actors/consensus/protocol.js'
import { raftErrorFromData } from './error-wire.js'
import { RaftError } from './errors.js'
import { refusalError } from './failures.js'
import {
  decodeForwardReply,
  encodeForward,
  type ForwardReply,
  type ForwardRequest,
} from './forward-body.js'

/** Longest time a peer is asked to take. */
export const LONGEST_REQUEST_MS = 86_400_000

/** What becomes of a request to a peer; one of these is called, once. */
export interface PeerRequest {
  replied(reply: ForwardReply): void
  /** It left this process and no answer will come. */
  lost(error: RaftError): void
  /** It never left this process. */
  unsent(error: RaftError): void
}

/** Requests over the Raft transport to another node, by number. */
export class PeerRequests {
  /** Sent since the start. */
  count = 0
  readonly #tell: (request: NodeRequest, bytes: number) => boolean
  readonly #pending = new Map<number, { readonly to: string; readonly request: PeerRequest }>()
  #next = 1

  constructor(tell: (request: NodeRequest, bytes: number) => boolean) {
    this.#tell = tell
  }

  send(to: string, body: ForwardRequest, timeoutMs: number, request: PeerRequest): void {
    const number = this.#next++
    const bytes = encodeForward(body)
    this.count++
    this.#pending.set(number, { to, request })
    const message = { kind: 'forward', request: number, to, body: bytes, timeoutMs } as const
    if (this.#tell(message, bytes.length)) return
    this.#pending.delete(number)
    request.unsent(notSent(to))
  }

  /** One read index of the leader. A read repeats freely, so `done` need not know whether it was sent. */
  readIndex(
    to: string,
    lease: boolean,
    timeoutMs: number,
    done: (index: number | RaftError) => void,
  ): void {
    this.send(to, { kind: 'readIndex', lease, timeoutMs }, timeoutMs, {
      replied: (reply) => done(reply.kind === 'index' ? reply.index : failureOf(reply, to)),
      lost: done,
      unsent: done,
    })
  }

  /** `forwardReply` of consensus. */
  replied(number: number, body: Uint8Array | null, sent: boolean): void {
    const pending = this.#pending.get(number)
    if (pending === undefined) return
    this.#pending.delete(number)
    const { to, request } = pending
    if (body === null) {
      if (sent) request.lost(answerLost(to))
      else request.unsent(notSent(to))
      return
    }
    let reply: ForwardReply
    try {
      reply = decodeForwardReply(body)
    } catch (error) {
      request.lost(answerLost(to, error))
      return
    }
    request.replied(reply)
  }
}

/** A reply that is no success: its own error, or that of an answer to another question. */
export function failureOf(reply: ForwardReply, to: string): RaftError {
  return reply.kind === 'failed' ? raftErrorFromData(reply.error) : answerLost(to)
}

function answerLost(to: string, cause?: unknown): RaftError {
  const message = `the answer of the leader ${to} was lost: what was sent may or may not be applied`
  return new RaftError('RAFT_LEADERSHIP_LOST', message, { details: { leader: { id: to } }, cause })
}

function notSent(to: string): RaftError {
  return refusalError('noLeader', 'rejected', { leader: { id: to }, unreachable: true })
}
