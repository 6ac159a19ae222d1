import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import type { QueryItem } from '../../actors/fsm/protocol.js'
import { Burst } from './burst.js'
import { isClonable } from './clonable.js'
import type { ResolvedConfig } from './config.js'
import { queryFailed } from './error-wire.js'
import { RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import type { NodeView } from './node-view.js'
import type { Calls, PendingCall, Waiting } from './pending-call.js'
import type { ReadIndexes } from './read-indexes.js'
import type { CallOptions, Consistency, QueryAnswer, QueryOptions } from './types.js'
import type { Waiters } from './waiters.js'

export interface ReaderHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly calls: Calls
  readonly waiters: Waiters
  readonly readIndexes: ReadIndexes
  /** The state machine runs on another thread, so requests must be clonable. */
  readonly remoteMachine: boolean
  now(): number
  tell(request: NodeRequest, bytes: number): boolean
  overloaded(what: string): void
  readonly defer: (callback: () => void) => void
}

/** A query as the caller gave it; `method` for those through the `queries` proxy. */
export interface Question {
  readonly request: unknown
  readonly method?: string
}

/**
 * Queries of this node's state machine. What an answer may miss is decided first (a read index, a lease,
 * or nothing); then all questions of a burst that need the same index go out in one message.
 */
export class Reader {
  /** Asked and not yet answered. */
  pending = 0
  readonly #host: ReaderHost
  readonly #burst: Burst
  #ready: Query[] = []
  readonly #asked = new Map<number, Query>()
  #nextId = 1

  constructor(host: ReaderHost) {
    this.#host = host
    this.#burst = new Burst(
      () => this.#ready.length,
      () => this.#flush(),
      host.defer,
    )
  }

  query(question: Question, options: QueryOptions | undefined): Promise<QueryAnswer> {
    const { calls, config, view, waiters } = this.#host
    const call = calls.start<QueryAnswer>('query', options, config.requestTimeoutMs, null)
    if (call.settled) return call.promise
    const refusal = this.#refusal(question, options)
    if (refusal !== null) {
      call.reject(refusal)
      return call.promise
    }
    const query = new Query(this.#nextId++, question, call, options?.minIndex ?? 0)
    this.pending++
    call.onSettled = () => {
      this.pending--
      this.#asked.delete(query.id)
    }
    const gate = () => this.#gate(query, options)
    if (query.minIndex <= view.status.lastApplied) gate()
    // Waited for on this side: consensus would keep a question for an index that never comes.
    else waiters.wait(new Step(call, gate), { applied: query.minIndex })
    return call.promise
  }

  /** An index at or above every write that was applied anywhere before the call. */
  readIndex(options: CallOptions | undefined, here: boolean): Promise<number> {
    const { calls, config, readIndexes } = this.#host
    const what = here ? 'verifyLeader' : 'readIndex'
    const call = calls.start<number>(what, options, config.requestTimeoutMs, null)
    if (!call.settled) readIndexes.join(call, { lease: false, here })
    return call.promise
  }

  answered({ index, items }: Extract<NodeReply, { kind: 'queryDone' }>): void {
    for (const { id, outcome } of items) {
      const call = this.#asked.get(id)?.call
      if (outcome.ok) call?.resolve({ index, result: outcome.value })
      else call?.reject(queryFailed(outcome.error))
    }
  }

  #refusal(question: Question, options: QueryOptions | undefined): RaftError | null {
    const { maxPendingReads } = this.#host.config
    if (this.pending >= maxPendingReads) {
      this.#host.overloaded('reads')
      return overloadedError('read', { pendingReads: this.pending, maxPendingReads })
    }
    const consistency: string = options?.consistency ?? 'linearizable'
    if (!consistencies.has(consistency)) {
      return invalid(`consistency is linearizable, lease or stale; found ${consistency}`)
    }
    if (options?.maxStalenessMs !== undefined && consistency !== 'stale') {
      return invalid(`maxStalenessMs goes with consistency stale; found ${consistency}`)
    }
    if (this.#host.remoteMachine && !isClonable(question.request)) {
      return invalid('a query must be structured-clonable: plain data, no functions')
    }
    return null
  }

  /** What the answer may miss. */
  #gate(query: Query, options: QueryOptions | undefined): void {
    const consistency = options?.consistency ?? 'linearizable'
    if (consistency === 'stale') {
      const tooStale = this.#tooStale(options?.maxStalenessMs)
      if (tooStale === null) this.#ask(query)
      else query.call.reject(tooStale)
      return
    }
    const indexed = new Step<number>(query.call, (index) => {
      query.minIndex = Math.max(index, query.minIndex)
      this.#ask(query)
    })
    this.#host.readIndexes.join(indexed, { lease: consistency === 'lease', here: false })
  }

  #tooStale(maxStalenessMs: number | undefined): RaftError | null {
    if (maxStalenessMs === undefined) return null
    const heardMs = stalenessMs(this.#host.view, this.#host.now())
    if (heardMs !== null && heardMs <= maxStalenessMs) return null
    const found = heardMs === null ? 'never' : `${Math.round(heardMs)} ms ago`
    return new RaftError(
      'RAFT_TOO_STALE',
      `the leader was last heard ${found}, the query allows ${maxStalenessMs} ms; ask another node or allow more`,
      { details: { lastContactMs: heardMs, maxStalenessMs } },
    )
  }

  #ask(query: Query): void {
    if (query.call.settled) return
    this.#ready.push(query)
    this.#burst.schedule()
  }

  #flush(): void {
    const groups = new Map<number, QueryItem[]>()
    const queries = this.#ready.filter(({ call }) => !call.settled)
    this.#ready = []
    for (const query of queries) {
      this.#asked.set(query.id, query)
      const item = { id: query.id, ...query.question }
      const items = groups.get(query.minIndex)
      if (items === undefined) groups.set(query.minIndex, [item])
      else items.push(item)
    }
    for (const [minIndex, items] of groups) {
      if (this.#host.tell({ kind: 'query', minIndex, items }, 0)) continue
      const error = () => overloadedError('read', { queries: items.length })
      for (const { id } of items) this.#asked.get(id)?.call.reject(error())
    }
  }
}

const consistencies: ReadonlySet<string> = new Set<Consistency>(['linearizable', 'lease', 'stale'])

class Query {
  readonly id: number
  readonly question: Question
  readonly call: PendingCall<QueryAnswer>
  /** The answer includes everything up to this index. */
  minIndex: number

  constructor(id: number, question: Question, call: PendingCall<QueryAnswer>, minIndex: number) {
    this.id = id
    this.question = question
    this.call = call
    this.minIndex = minIndex
  }
}

/** One step on a query's way: it fails the query, and is not wanted any more when the query has ended. */
class Step<T> implements Waiting<T> {
  readonly #call: PendingCall<QueryAnswer>
  readonly #then: (value: T) => void

  constructor(call: PendingCall<QueryAnswer>, then: (value: T) => void) {
    this.#call = call
    this.#then = then
  }

  get settled(): boolean {
    return this.#call.settled
  }

  get lastError(): RaftError | undefined {
    return this.#call.lastError
  }

  set lastError(error: RaftError | undefined) {
    this.#call.lastError = error
  }

  resolve(value: T): void {
    if (!this.#call.settled) this.#then(value)
  }

  reject(error: Error): void {
    this.#call.reject(error)
  }
}

/** Since the leader was last heard: 0 on the leader, null never. */
export function stalenessMs(view: NodeView, now: number): number | null {
  if (view.leads) return 0
  const { lastContactAt } = view.status
  return lastContactAt === null ? null : Math.max(0, now - lastContactAt)
}

function invalid(message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', message, { outcome: null })
}
