import type { Budget } from './budget.js'
import { Burst } from './burst.js'
import { batchTooLarge, commandTooLarge } from './command-limits.js'
import type { ResolvedConfig } from './config.js'
import type { Deadline, Deadlines } from './deadlines.js'
import type { RaftErrorCode } from './error-codes.js'
import { raftErrorFromData } from './error-wire.js'
import type { RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import { type ForwardReply, type ForwardRequest, packBytes } from './forward-body.js'
import { ForwardCommand } from './forward-command.js'
import type { NodeView } from './node-view.js'
import { failureOf, type PeerRequests } from './peer-requests.js'
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

/** Longest time a peer is asked to take. */
const LONGEST_REQUEST_MS = 86_400_000

/**
 * Brings commands to the leader, wherever it is: into the local proposer, or to another node in one hop.
 * Commands of one burst travel in one body. A command is tried again only after it was certainly not
 * proposed (S17), and while no leader is known it waits for one until its time is over.
 */
export class Forwarder {
  readonly #host: ForwarderHost
  readonly #outbox: ForwardCommand[] = []
  readonly #waiting = new Set<ForwardCommand>()
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

  /** The status has changed: whoever waits for a leader may go on. */
  routesChanged(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const command of waiting) this.#route(command)
  }

  #start(command: ForwardCommand): void {
    const { call } = command
    if (call.settled) return
    const refusal = this.#tooLarge(command)
    if (refusal !== null) return call.reject(refusal)
    call.giveUp = () => command.giveUp()
    call.onSettled = () => {
      this.#waiting.delete(command)
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
    const reject = (error: RaftError) => this.#failed(command, error)
    const placement = command.bulk
      ? proposer.placeAll(command.commands, (applied) => command.resolve(applied), reject)
      : proposer.place(command.only, (applied) => command.resolve(applied), reject)
    if (placement !== null) command.place = { kind: 'local', placement }
  }

  #failed(command: ForwardCommand, error: RaftError): void {
    if (command.call.settled) return
    if (!mayGoElsewhere(error)) command.call.reject(error)
    else if (this.#count(command)) this.#wait(command, error)
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
    for (const run of this.#runs(commands)) this.#sendRun(to, run)
  }

  /** Single commands in bodies of at most a batch's size. */
  *#runs(commands: readonly ForwardCommand[]): Generator<ForwardCommand[]> {
    const { maxBatchBytes, maxBatchEntries } = this.#host.config
    let run: ForwardCommand[] = []
    let bytes = 0
    for (const command of commands) {
      if (command.bulk) continue
      const full = run.length === maxBatchEntries || bytes + command.bytes > maxBatchBytes
      if (full && run.length > 0) {
        yield run
        run = []
        bytes = 0
      }
      run.push(command)
      bytes += command.bytes
    }
    if (run.length > 0) yield run
  }

  #sendRun(to: string, run: readonly ForwardCommand[]): void {
    const timeoutsMs = Float64Array.from(run, (command) => this.#remaining(command))
    const commands = packBytes(run.map((command) => command.only))
    this.#send(to, run, { kind: 'apply', commands, timeoutsMs }, (reply) => {
      const outcomes = reply.kind === 'applied' ? reply.outcomes : []
      run.forEach((command, i) => {
        const outcome = outcomes[i]
        if (outcome === undefined) this.#failed(command, failureOf(reply, to))
        else if (!outcome.ok) this.#failed(command, raftErrorFromData(outcome.error))
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
    this.#send(to, [command], { kind: 'applyBatch', commands, timeoutMs }, (reply) => {
      if (reply.kind !== 'appliedBatch') {
        this.#failed(command, failureOf(reply, to))
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
    replied: (reply: ForwardReply) => void,
  ): void {
    const timeoutMs = Math.max(...commands.map((command) => this.#remaining(command)))
    for (const command of commands) command.place = { kind: 'sent' }
    const fail = (error: RaftError) => {
      for (const command of commands) this.#failed(command, error)
    }
    this.#host.peers.send(to, body, timeoutMs, { replied, lost: fail, unsent: fail })
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
    command.call.reject(overloadedError('command', this.#host.budget.numbers()))
  }
}
