import { createActor } from '../../../../actors/log/log-actor.js'
import type {
  LogInit,
  LogMessage,
  LogReply,
  RecoveredLog,
} from '../../../../actors/log/protocol.js'
import { BatchBuilder, ENTRY_COMMAND, sealBatch } from '../../../../lib/log/batch.js'
import type { BatchRef } from '../../../../lib/log/batch-ref.js'
import { Arena, PIN_LOG, pin } from '../../../../lib/log/slab.js'
import type { StoreSpec } from '../../../../lib/log/store.js'
import { memoryStore } from '../../../../lib/log/stores.js'
import type { ActorContext, ActorRef, Behavior } from '../../../../lib/runtime/actor.js'
import { SharedWords } from '../../../../lib/runtime/shared-words.js'

/** Plays host to a log actor: the test decides what a turn is and when a timer fires. */
export class LogHarness {
  readonly replies: LogReply[] = []
  readonly warnings: string[] = []
  readonly failures: Error[] = []
  readonly #timers: (() => void)[] = []
  readonly #alive: SharedWords
  readonly #arena = new Arena({ slabBytes: 64 * 1024, maxIdleSlabs: 4 })
  #behavior: Behavior<LogMessage> | null = null

  private constructor(alive: SharedWords) {
    this.#alive = alive
  }

  static async start(
    store: StoreSpec = memoryStore(),
    init: Partial<LogInit> = {},
  ): Promise<LogHarness> {
    const aliveWord = SharedWords.allocate(1)
    const harness = new LogHarness(new SharedWords(aliveWord))
    const defaults = { nodeId: 'n1', cluster: 'c', dataDir: '/nowhere', maxReadBytes: 1 << 20 }
    const behavior = await createActor(
      { ...defaults, store, aliveWord, ...init },
      harness.#context(),
    )
    behavior.linked?.('consensus', harness.#consensus())
    harness.#behavior = behavior
    return harness
  }

  get alive(): boolean {
    return this.#alive.load(0) === 1
  }

  /** Timers set and not fired. */
  get timers(): number {
    return this.#timers.length
  }

  /** One turn: the messages, then afterTurn. Stops where a message throws, as a host does. */
  async turn(...messages: readonly LogMessage[]): Promise<void> {
    try {
      for (const message of messages) await this.#actor.receive(message)
      this.#actor.afterTurn?.()
    } catch (error) {
      this.#failed(error)
    }
    await this.idle()
  }

  /** Waits until a store that answers with promises has answered. */
  async idle(): Promise<void> {
    await this.#actor.answer?.({ kind: 'stats' })
  }

  async ask(message: LogMessage): Promise<unknown> {
    return await this.#actor.answer?.(message)
  }

  async recovered(): Promise<RecoveredLog> {
    return (await this.ask({ kind: 'recovered' })) as RecoveredLog
  }

  fireTimers(): void {
    for (const fire of this.#timers.splice(0)) fire()
  }

  async stop(): Promise<void> {
    await this.#actor.stop?.()
  }

  /** The replies since the last call. */
  take(): readonly LogReply[] {
    return this.replies.splice(0)
  }

  /** A sealed batch of `count` entries, pinned as the consensus actor would pin it. */
  batch(firstIndex: number, count: number, term: number, prevTerm: number, size = 16): BatchRef {
    const builder = new BatchBuilder(this.#arena, 256)
    for (let n = 0; n < count; n++) {
      builder.add(ENTRY_COMMAND, new Uint8Array(size).fill(firstIndex + n))
    }
    const ref = sealBatch(builder.finish(), { firstIndex, term, prevTerm, time: firstIndex * 10 })
    pin(ref, PIN_LOG)
    return ref
  }

  /** An append of one batch. */
  append(seq: number, firstIndex: number, count: number, term = 1, prevTerm = term): LogMessage {
    return { kind: 'append', seq, batches: [this.batch(firstIndex, count, term, prevTerm)] }
  }

  get #actor(): Behavior<LogMessage> {
    if (this.#behavior === null) throw new Error('the log actor has not started')
    return this.#behavior
  }

  #failed(error: unknown): void {
    if (!this.failures.includes(error as Error)) this.failures.push(error as Error)
  }

  #context(): ActorContext {
    const quiet = (): void => {}
    return {
      name: 'log',
      log: {
        debug: quiet,
        info: quiet,
        warn: (_fields, message) => this.warnings.push(message),
        error: quiet,
      },
      now: () => 0,
      wallClock: () => 0,
      random: () => Math.random(),
      after: (_delayMs, callback) => {
        this.#timers.push(callback)
        return { cancel: () => this.#timers.splice(this.#timers.indexOf(callback), 1) }
      },
      turn: (callback) => {
        callback()
        this.#actor.afterTurn?.()
      },
      fail: (error) => this.#failed(error),
    }
  }

  #consensus(): ActorRef {
    const take = (message: LogReply): boolean => {
      this.replies.push(message)
      return true
    }
    return {
      name: 'consensus',
      tell: (message) => take(message as LogReply),
      control: (message) => take(message as LogReply),
      ask: () => Promise.reject(new Error('not asked')),
      backlog: () => ({ messages: 0, bytes: 0 }),
    }
  }
}

/** Term and vote, so that entries of that term may follow. */
export function hardState(seq: number, term: number, votedFor: string | null = null): LogMessage {
  return { kind: 'saveHardState', seq, hardState: { term, votedFor, promisedLeaseMs: 0 } }
}
