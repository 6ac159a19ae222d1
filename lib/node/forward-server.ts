import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import type { Administration, AdminRequest } from './administration.js'
import type { EntryMark } from './entry-mark.js'
import { raftErrorToData } from './error-wire.js'
import { RaftError } from './errors.js'
import {
  decodeForwardRequest,
  encodeForward,
  type ForwardedOutcome,
  type ForwardReply,
  type ForwardRequest,
  unpackBytes,
} from './forward-body.js'
import type { PeerReports } from './peer-reports.js'
import type { Calls, PendingCall } from './pending-call.js'
import type { Proposer } from './proposer.js'
import type { ReadIndexes } from './read-indexes.js'
import type { Applied, AppliedBatch } from './types.js'

export interface ForwardServerHost {
  readonly calls: Calls
  readonly proposer: Proposer
  readonly readIndexes: ReadIndexes
  readonly administration: Administration
  readonly peerReports: PeerReports
  /** Largest answer that fits in a frame. */
  readonly maxReplyBytes: number
  tell(request: NodeRequest, bytes: number): boolean
}

type Forwarded = Extract<NodeReply, { kind: 'forwarded' }>

/** Serves what other nodes forward here. One hop: when this node does not lead, it says so. */
export class ForwardServer {
  readonly #host: ForwardServerHost

  constructor(host: ForwardServerHost) {
    this.#host = host
  }

  take({ connection, request, body }: Forwarded): void {
    const answer = (reply: ForwardReply) => this.#answer(connection, request, reply)
    let decoded: ForwardRequest
    try {
      decoded = decodeForwardRequest(body)
    } catch (error) {
      answer(failed(unreadable(error)))
      return
    }
    switch (decoded.kind) {
      case 'apply':
        this.#apply(unpackBytes(decoded.commands), decoded.timeoutsMs, [], answer)
        return
      case 'applyMarked': {
        const { commands, timeoutsMs, marks } = decoded
        this.#apply(unpackBytes(commands), timeoutsMs, marks, answer)
        return
      }
      case 'applyBatch':
        this.#applyBatch(unpackBytes(decoded.commands), decoded.timeoutMs, answer)
        return
      case 'readIndex':
        this.#readIndex(decoded.lease, decoded.timeoutMs, answer)
        return
      case 'administer':
        this.#administer(decoded.request, decoded.timeoutMs, answer)
        return
      case 'peers':
        this.#peers(decoded.timeoutMs, answer)
        return
    }
  }

  /** All answers go back in one body, once the last command has ended. */
  #apply(
    commands: readonly Uint8Array[],
    timeoutsMs: Float64Array,
    marks: readonly EntryMark[],
    answer: (reply: ForwardReply) => void,
  ): void {
    const outcomes: ForwardedOutcome[] = []
    let open = commands.length
    const ended = (position: number, outcome: ForwardedOutcome) => {
      outcomes[position] = outcome
      open--
      if (open === 0) answer({ kind: 'applied', outcomes })
    }
    commands.forEach((data, position) => {
      const timeoutMs = timeoutsMs[position] ?? 1
      const call = this.#host.calls.start<Applied>('a forwarded apply', { timeoutMs }, timeoutMs)
      call.promise.then(
        ({ index, term, result }) => ended(position, { ok: true, index, term, result }),
        (error) => ended(position, { ok: false, error: raftErrorToData(error) }),
      )
      if (call.settled) return
      const placement = this.#host.proposer.place(
        data,
        (applied) => call.resolve(applied),
        (error) => call.reject(error),
        marks[position],
      )
      tie(call, placement)
    })
  }

  #applyBatch(
    commands: readonly Uint8Array[],
    timeoutMs: number,
    answer: (reply: ForwardReply) => void,
  ): void {
    const call = this.#host.calls.start<AppliedBatch>(
      'a forwarded applyBatch',
      { timeoutMs },
      timeoutMs,
    )
    call.promise.then(
      (applied) => answer(batchReply(applied)),
      (error) => answer(failed(error)),
    )
    if (call.settled) return
    const placement = this.#host.proposer.placeAll(
      commands,
      (applied) => call.resolve(applied),
      (error) => call.reject(error),
    )
    tie(call, placement)
  }

  #readIndex(lease: boolean, timeoutMs: number, answer: (reply: ForwardReply) => void): void {
    const { calls } = this.#host
    const call = calls.start<number>('a forwarded readIndex', { timeoutMs }, timeoutMs, null)
    call.promise.then(
      (index) => answer({ kind: 'index', index }),
      (error) => answer(failed(error)),
    )
    if (!call.settled) this.#host.readIndexes.join(call, { lease, here: true })
  }

  #administer(
    request: AdminRequest,
    timeoutMs: number,
    answer: (reply: ForwardReply) => void,
  ): void {
    this.#host.administration.serve(request, { timeoutMs }).then(
      (index) => answer({ kind: 'index', index }),
      (error) => answer(failed(error)),
    )
  }

  #peers(timeoutMs: number, answer: (reply: ForwardReply) => void): void {
    this.#host.peerReports.ask({ timeoutMs }).then(
      (peers) => answer({ kind: 'peers', peers }),
      (error) => answer(failed(error)),
    )
  }

  #answer(connection: number, request: number, reply: ForwardReply): void {
    const body = this.#encoded(reply)
    this.#host.tell({ kind: 'answerForwarded', connection, request, body }, body.length)
  }

  #encoded(reply: ForwardReply): Uint8Array {
    let cause: unknown
    try {
      const body = encodeForward(reply)
      if (body.length <= this.#host.maxReplyBytes) return body
    } catch (error) {
      cause = error
    }
    return encodeForward(withoutResults(reply, cause))
  }
}

/** The caller's time limit and the proposer's batch know of each other. */
function tie(
  call: PendingCall<Applied> | PendingCall<AppliedBatch>,
  placement: ReturnType<Proposer['place']>,
): void {
  if (placement !== null) call.giveUp = () => placement.batch.giveUp(placement.position)
}

function batchReply({ firstIndex, term, results }: AppliedBatch): ForwardReply {
  return {
    kind: 'appliedBatch',
    firstIndex,
    term,
    results: results.map((result) =>
      result.ok ? result : { ok: false, error: raftErrorToData(result.error) },
    ),
  }
}

function failed(error: unknown): ForwardReply {
  return { kind: 'failed', error: raftErrorToData(error) }
}

/** The commands are committed; what they returned is too large to send, or cannot be cloned. */
function withoutResults(reply: ForwardReply, cause: unknown): ForwardReply {
  const lost = raftErrorToData(
    new RaftError(
      'RAFT_RESULT_LOST',
      cause === undefined
        ? 'the command is committed, but its result is too large to send back to the node that asked'
        : 'the command is committed, but its result cannot be sent to another node: return plain data',
      { cause },
    ),
  )
  if (reply.kind !== 'applied') return { kind: 'failed', error: lost }
  const outcomes = reply.outcomes.map((outcome) =>
    outcome.ok ? ({ ok: false, error: lost } as const) : outcome,
  )
  return { kind: 'applied', outcomes }
}

/** Nothing of it was proposed. */
function unreadable(cause: unknown): RaftError {
  const message = 'the forwarded request cannot be read: the nodes run different versions'
  return new RaftError('RAFT_NOT_AVAILABLE', message, { cause })
}
