import type { NodeEvent } from '../../actors/consensus/protocol.js'
import { isPromise } from '../runtime/promise.js'
import type { FlappingEvent } from './flapping.js'

/**
 * An event, by which node and when (ms since the epoch). What each one carries is documented with its type
 * (actors/consensus/node-event.ts).
 *
 * | kind          | when                                                                                |
 * | ------------- | ----------------------------------------------------------------------------------- |
 * | leader        | the leader that this node knows changed (null: lost), or leads a new term            |
 * | state         | the role or the term of this node changed, with the role before and the cause        |
 * | configuration | a configuration came into force, or was committed                                   |
 * | peer          | a member was added, updated, removed; is reachable or not; was refused               |
 * | heartbeat     | leader: a follower's answers failed, resumed; follower: its leader is late, resumed  |
 * | vote          | this node asked for votes, answered a request, or counted an answer                  |
 * | snapshot      | one was saved, received, sent, or failed                                             |
 * | progress      | replay of the log after the start; restore and install of a snapshot                 |
 * | stateMachine  | it has not answered for applyStallTimeoutMs, or has again                            |
 * | overload      | calls were refused because too much is pending; once a second at most                |
 * | flapping      | leadership changed hands too often, with the likely cause; once a window             |
 * | deadLetter    | a message between actors found nobody to take it, or a full mailbox                  |
 *
 * hashicorp/raft's observations are among them: RaftState is `state`, LeaderObservation `leader`,
 * PeerObservation `peer`, RequestVote and RequestPreVote `vote`, FailedHeartbeat and ResumedHeartbeat
 * `heartbeat`. An observer's filter is the listener's own business; a blocking one does not exist, because
 * nothing that listens may hold up the node.
 */
export type RaftEvent = (
  | NodeEvent
  /** Leadership changes hands too often, and what may be the cause. */
  | FlappingEvent
  /** A message found no actor to take it, or one whose mailbox was full. */
  | { readonly kind: 'deadLetter'; readonly to: string; readonly message: string }
) & { readonly node: string; readonly at: number }

/** The name of an event, for `RaftNode.on`. */
export type RaftEventKind = RaftEvent['kind']

/** What an iterator yields: events, and in place of those it had no room for, their number. */
export type RaftEventOrGap =
  | RaftEvent
  | {
      readonly kind: 'dropped'
      readonly count: number
      readonly node: string
      readonly at: number
    }

/** What it throws, at once or as a promise, is logged and harms nobody. */
export type RaftEventListener<K extends RaftEventKind> = (
  event: Extract<RaftEvent, { kind: K }>,
) => unknown

/** How `RaftNode.events` is read. */
export interface EventsOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
  /** Events kept for a slow reader; past it the oldest go. Default 1024. */
  readonly buffer?: number | undefined
}

const DEFAULT_BUFFER = 1024

/** Tells listeners and iterators. None of them can hold up the node or each other. */
export class EventHub {
  readonly #node: string
  readonly #onError: (error: unknown, kind: string) => void
  readonly #listeners = new Map<RaftEventKind, Set<(event: never) => unknown>>()
  readonly #streams = new Set<EventStream>()
  #closed = false

  constructor(node: string, onError: (error: unknown, kind: string) => void) {
    this.#node = node
    this.#onError = onError
  }

  /** Returns a function that takes the listener away again. */
  on<K extends RaftEventKind>(kind: K, listener: RaftEventListener<K>): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set()
    this.#listeners.set(kind, listeners)
    // One that is added twice is called twice, and each call takes away its own.
    const own = (event: Extract<RaftEvent, { kind: K }>) => listener(event)
    listeners.add(own)
    return () => {
      listeners.delete(own)
    }
  }

  stream(options: EventsOptions = {}): AsyncIterableIterator<RaftEventOrGap> {
    const { signal } = options
    const stream = new EventStream(this.#node, options.buffer ?? DEFAULT_BUFFER, () => {
      this.#streams.delete(stream)
      signal?.removeEventListener('abort', end)
    })
    const end = () => stream.end()
    if (this.#closed || signal?.aborted) stream.end()
    else {
      this.#streams.add(stream)
      signal?.addEventListener('abort', end, { once: true })
    }
    return stream
  }

  emit(event: RaftEvent): void {
    for (const stream of this.#streams) stream.push(event)
    for (const listener of this.#listeners.get(event.kind) ?? []) {
      try {
        const returned: unknown = listener(event as never)
        // An async listener fails later, and its failure is nobody's but its own either.
        if (isPromise(returned)) returned.then(null, (error) => this.#onError(error, event.kind))
      } catch (error) {
        // a listener's fault is its own; the next listener hears the event all the same.
        this.#onError(error, event.kind)
      }
    }
  }

  close(): void {
    this.#closed = true
    for (const stream of this.#streams) stream.end()
    this.#listeners.clear()
  }
}

class EventStream implements AsyncIterableIterator<RaftEventOrGap> {
  readonly #node: string
  readonly #limit: number
  readonly #onEnd: () => void
  #buffer: RaftEvent[] = []
  #dropped = 0
  #droppedAt = 0
  #waiting: ((result: IteratorResult<RaftEventOrGap>) => void)[] = []
  #ended = false

  constructor(node: string, limit: number, onEnd: () => void) {
    this.#node = node
    this.#limit = Math.max(1, limit)
    this.#onEnd = onEnd
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  push(event: RaftEvent): void {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      waiting({ done: false, value: event })
      return
    }
    if (this.#buffer.length === this.#limit) {
      this.#buffer.shift()
      this.#dropped++
      this.#droppedAt = event.at
    }
    this.#buffer.push(event)
  }

  /** What is buffered can still be read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  async next(): Promise<IteratorResult<RaftEventOrGap>> {
    if (this.#dropped > 0) {
      const value = { kind: 'dropped', count: this.#dropped, node: this.#node, at: this.#droppedAt }
      this.#dropped = 0
      return { done: false, value: value as RaftEventOrGap }
    }
    const event = this.#buffer.shift()
    if (event !== undefined) return { done: false, value: event }
    if (this.#ended) return { done: true, value: undefined }
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  async return(): Promise<IteratorResult<RaftEventOrGap>> {
    this.#buffer = []
    this.#dropped = 0
    this.end()
    return { done: true, value: undefined }
  }
}
