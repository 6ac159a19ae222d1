import type { Budget } from './budget.js'
import { Burst } from './burst.js'
import { batchTooLarge, commandTooLarge } from './command-limits.js'
import type { ResolvedConfig } from './config.js'
import type { Deadline, Deadlines } from './deadlines.js'
import type { EntryMark } from './entry-mark.js'
import type { RaftErrorCode } from './error-codes.js'
import { raftErrorFromData } from './error-wire.js'
import { RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import { type ForwardReply, type ForwardRequest, packBytes } from './forward-body.js'
import { ForwardCommand } from './forward-command.js'
import type { NodeView } from './node-view.js'
import { failureOf, LONGEST_REQUEST_MS, type PeerRequests } from './peer-requests.js'
import type { PendingCall } from './pending-call.js'
import type { Proposer } from './proposer.js'
import type { Applied, AppliedBatch } from './types.js'

export interface ForwarderHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly deadlines: Deadlines
  readonly budget: Budget
  readonly proposer: Proposer
  readonly peers: PeerRequests
  now(): number
  overloaded(what: string): void
  readonly defer: (callback: () => void) => void
}

/** Refusals after which another leader may take the command. */
const retried: ReadonlySet<RaftErrorCode> = new Set<RaftErrorCode>([
  'RAFT_NOT_LEADER',
  'RAFT_NO_LEADER',
  'RAFT_TRANSFER_IN_PROGRESS',
  'RAFT_CLOSED',
])

/** S17: nothing of the command is anywhere, and another leader may take it. */
export function mayGoElsewhere(error: RaftError): boolean {
  return error.outcome === 'rejected' && retried.has(error.code)
}

/** More ends that are none for a command that is applied once however often it is proposed. */
const repeated: ReadonlySet<RaftErrorCode> = new Set<RaftErrorCode>([
  ...retried,
  'RAFT_NOT_BOOTSTRAPPED',
  'RAFT_OVERLOADED',
  'RAFT_STORAGE_FULL',
  'RAFT_LEADERSHIP_LOST',
  'RAFT_ABORTED_BY_RESTORE',
  'RAFT_TIMEOUT',
  'RAFT_STORE_FAILED',
  'RAFT_STATE_MACHINE_FAILED',
  'RAFT_RESULT_LOST',
])

/** S17: with a session or a key, also what may have been applied is proposed again. */
function mayRepeat(error: RaftError): boolean {
  // With an index the log has decided: it would decide the same again.
  return repeated.has(error.code) && error.details.index === undefined
}

/** About what a mark takes in a body. */
const MARK_BYTES = 256

/**
 * Brings commands to the leader, wherever it is: into the local proposer, or to another node in one hop.
 * Commands of one burst travel in one body. A command is tried again only after it was certainly not
 * proposed (S17), unless it is marked as one that is applied once; and while no leader is known it waits
 * for one until its time is over.
 */
export class Forwarder {
  readonly #host: ForwarderHost
  readonly #outbox: ForwardCommand[] = []
  readonly #waiting = new Set<ForwardCommand>()
  /** Marked commands that another node has, or had. */
  readonly #away = new Set<ForwardCommand>()
  readonly #burst: Burst
  #retry: Deadline | null = null
  #added = 0

  constructor(host: ForwarderHost) {
    this.#host = host
    this.#burst = new Burst(
      () => this.#added,
      () => this.#flush(),
      host.defer,
    )
  }

  apply(call: PendingCall<Applied>, data: Uint8Array): void {
    this.#start(new ForwardCommand(call, [data], false, this.#host.now()))
  }

  applyBatch(call: PendingCall<AppliedBatch>, commands: readonly Uint8Array[]): void {
    this.#start(new ForwardCommand(call, commands, true, this.#host.now()))
  }

  /** A command that may be proposed any number of times: every replica knows it again by its mark. */
  applyOnce(call: PendingCall<Applied>, data: Uint8Array, mark: () => EntryMark): void {
    this.#start(new ForwardCommand(call, [data], false, this.#host.now(), mark))
  }

  /** The status has changed: whoever waits for a leader may go on. */
  routesChanged(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const command of waiting) this.#route(command)
    for (const command of [...this.#away]) this.#followLeader(command)
  }

  /** A marked command does not wait for a node that leads no more: it may be gone without a word. */
  #followLeader(command: ForwardCommand): void {
    const { place } = command
    if (place.kind !== 'sent' || place.to === this.#host.view.remoteLeader) return
    this.#away.delete(command)
    command.uncertain = true
    this.#route(command)
  }

  #start(command: ForwardCommand): void {
    const { call } = command
    if (call.settled) return
    const refusal = this.#tooLarge(command)
    if (refusal !== null) return call.reject(refusal)
    call.giveUp = () => command.giveUp()
    call.onSettled = () => {
      this.#waiting.delete(command)
      this.#away.delete(command)
      this.#uncount(command)
    }
    this.#route(command)
  }

  /** Refused here: on the way it could be too large for a frame, and would break the connection. */
  #tooLarge({ bulk, commands, bytes, only }: ForwardCommand): RaftError | null {
    const { config } = this.#host
    return bulk ? batchTooLarge(commands, bytes, config) : commandTooLarge(only, config)
  }

  #route(command: ForwardCommand): void {
    const { view } = this.#host
    if (command.call.settled) return
    if (view.leads) this.#proposeHere(command)
    else if (!this.#count(command)) this.#refuse(command)
    else if (view.remoteLeader === null) this.#wait(command, view.notLeading('rejected'))
    else {
      command.place = { kind: 'waiting' }
      this.#outbox.push(command)
      this.#added++
      this.#burst.schedule()
    }
  }

  #proposeHere(command: ForwardCommand): void {
    const { proposer } = this.#host
    this.#uncount(command)
    command.place = { kind: 'local', placement: null }
    const attempt = ++command.attempt
    const reject = (error: RaftError) => this.#failed(command, attempt, error)
    const placement = command.bulk
      ? proposer.placeAll(command.commands, (applied) => command.resolve(applied), reject)
      : proposer.place(
          command.only,
          (applied) => command.resolve(applied),
          reject,
          command.mark?.(),
        )
    if (placement !== null) command.place = { kind: 'local', placement }
  }

  #failed(command: ForwardCommand, attempt: number, error: RaftError): void {
    if (command.call.settled) return
    // A later attempt will say what became of this one too.
    if (attempt !== command.attempt) return
    this.#away.delete(command)
    if (!mayGoElsewhere(error) && (command.mark === null || !mayRepeat(error))) {
      command.call.reject(command.uncertain ? uncertain(error) : error)
      return
    }
    if (error.outcome !== 'rejected') command.uncertain = true
    if (this.#count(command)) this.#wait(command, error)
    else this.#refuse(command)
  }

  #wait(command: ForwardCommand, reason: RaftError): void {
    command.place = { kind: 'waiting' }
    command.call.lastError = reason
    this.#waiting.add(command)
    const { view, deadlines, config } = this.#host
    if (this.#retry !== null || (view.remoteLeader === null && !view.leads)) return
    // The leader we know of refused: it, or our knowledge of it, is about to change.
    this.#retry = deadlines.add(config.heartbeatIntervalMs, {
      due: () => {
        this.#retry = null
        this.routesChanged()
      },
    })
  }

  #flush(): void {
    const to = this.#host.view.remoteLeader
    const commands = this.#outbox.splice(0).filter(({ call }) => !call.settled)
    if (to === null) {
      for (const command of commands) this.#route(command)
      return
    }
    for (const command of commands) if (command.bulk) this.#sendBulk(to, command)
    const marked = commands.filter(({ mark }) => mark !== null)
    const plain = marked.length === 0 ? commands : commands.filter(({ mark }) => mark === null)
    for (const run of this.#runs(plain)) this.#sendRun(to, run)
    for (const run of this.#runs(marked)) this.#sendRun(to, run)
  }

  /** Single commands in bodies of at most a batch's size. */
  *#runs(commands: readonly ForwardCommand[]): Generator<ForwardCommand[]> {
    const { maxBatchBytes, maxBatchEntries } = this.#host.config
    let run: ForwardCommand[] = []
    let bytes = 0
    for (const command of commands) {
      if (command.bulk) continue
      const room = command.bytes + (command.mark === null ? 0 : MARK_BYTES)
      const full = run.length === maxBatchEntries || bytes + room > maxBatchBytes
      if (full && run.length > 0) {
        yield run
        run = []
        bytes = 0
      }
      run.push(command)
      bytes += room
    }
    if (run.length > 0) yield run
  }

  #sendRun(to: string, run: readonly ForwardCommand[]): void {
    const timeoutsMs = Float64Array.from(run, (command) => this.#remaining(command))
    const commands = packBytes(run.map((command) => command.only))
    const marks = run.flatMap(({ mark }) => (mark === null ? [] : [mark()]))
    const request: ForwardRequest =
      marks.length === 0
        ? { kind: 'apply', commands, timeoutsMs }
        : { kind: 'applyMarked', commands, timeoutsMs, marks }
    this.#send(to, run, request, (reply, failed) => {
      const outcomes = reply.kind === 'applied' ? reply.outcomes : []
      run.forEach((command, i) => {
        const outcome = outcomes[i]
        if (outcome === undefined) failed(command, failureOf(reply, to))
        else if (!outcome.ok) failed(command, raftErrorFromData(outcome.error))
        else {
          const { index, term, result } = outcome
          command.resolve({ index, term, result })
        }
      })
    })
  }

  #sendBulk(to: string, command: ForwardCommand): void {
    const timeoutMs = this.#remaining(command)
    const commands = packBytes(command.commands)
    this.#send(to, [command], { kind: 'applyBatch', commands, timeoutMs }, (reply, failed) => {
      if (reply.kind !== 'appliedBatch') {
        failed(command, failureOf(reply, to))
        return
      }
      const results = reply.results.map((result) =>
        result.ok ? result : ({ ok: false, error: raftErrorFromData(result.error) } as const),
      )
      command.resolve({ firstIndex: reply.firstIndex, term: reply.term, results })
    })
  }

  #send(
    to: string,
    commands: readonly ForwardCommand[],
    body: ForwardRequest,
    replied: (reply: ForwardReply, failed: Failed) => void,
  ): void {
    const timeoutMs = Math.max(...commands.map((command) => this.#remaining(command)))
    // Only a marked command is ever sent again before its last attempt has ended.
    const attempts = new Map<ForwardCommand, number>()
    for (const command of commands) {
      command.place = { kind: 'sent', to }
      if (command.mark === null) continue
      attempts.set(command, ++command.attempt)
      this.#away.add(command)
    }
    const failed: Failed = (command, error) =>
      this.#failed(command, attempts.get(command) ?? command.attempt, error)
    const fail = (error: RaftError) => {
      for (const command of commands) failed(command, error)
    }
    const done = (reply: ForwardReply) => replied(reply, failed)
    this.#host.peers.send(to, body, timeoutMs, { replied: done, lost: fail, unsent: fail })
  }

  #remaining(command: ForwardCommand): number {
    const left = command.deadlineAt - this.#host.now()
    return Math.min(Math.max(left, 1), LONGEST_REQUEST_MS)
  }

  #count(command: ForwardCommand): boolean {
    if (command.counted) return true
    command.counted = this.#host.budget.take(command.commands.length, command.bytes)
    return command.counted
  }

  #uncount(command: ForwardCommand): void {
    if (!command.counted) return
    command.counted = false
    this.#host.budget.give(command.commands.length, command.bytes)
  }

  #refuse(command: ForwardCommand): void {
    this.#host.overloaded('proposals')
    const error = overloadedError('command', this.#host.budget.numbers())
    command.call.reject(command.uncertain ? uncertain(error) : error)
  }
}

type Failed = (command: ForwardCommand, error: RaftError) => void

/** The last attempt ended so; what became of an earlier one nobody knows (S17). */
function uncertain(error: RaftError): RaftError {
  const { code, message, details, outcome } = error
  // That the key belongs to another request is as true of every attempt.
  if (outcome !== 'rejected' || code === 'RAFT_IDEMPOTENCY_KEY_REUSED') return error
  return new RaftError(code, `${message}; an earlier attempt may have been applied`, {
    outcome: 'unknown',
    details,
    cause: error,
  })
}
