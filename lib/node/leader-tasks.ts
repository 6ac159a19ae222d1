import type { ActorContext, Timer } from '../runtime/actor.js'
import type { ResolvedConfig } from './config.js'
import type { RaftError } from './errors.js'
import { abortedError, closedError, refusalError } from './failures.js'
import type { NodeView } from './node-view.js'
import type { Requests } from './requests.js'

/** What a task of `whileLeader` is given. */
export interface LeaderTaskContext {
  /** The term that this node leads: a fencing token for whatever the task writes elsewhere. */
  readonly term: number
  /** Aborted as soon as this node knows that it does not lead that term any more. */
  readonly signal: AbortSignal
}

/** What runs while this node leads; a promise is waited for. */
export type LeaderTask = (context: LeaderTaskContext) => unknown

/** When `whileLeader` ends, and what becomes of errors. */
export interface WhileLeaderOptions {
  /** Ends it: no further run, and the one under way is aborted. */
  readonly signal?: AbortSignal | undefined
  /**
   * Takes what a run throws while it may still run; the task runs again in the next term led here. Without
   * it the first such error ends everything: the promise of `whileLeader` rejects with it.
   */
  readonly onError?: ((error: unknown, term: number) => void) | undefined
}

export interface LeaderTasksHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly requests: Pick<Requests, 'barrier'>
  readonly context: Pick<ActorContext, 'after' | 'log'>
}

/** All that `whileLeader` runs on this node. */
export class LeaderTasks {
  readonly #host: LeaderTasksHost
  readonly #loops = new Set<LeaderLoop>()
  #closed: { readonly cause: RaftError | undefined } | null = null

  constructor(host: LeaderTasksHost) {
    this.#host = host
  }

  run(task: LeaderTask, options: WhileLeaderOptions = {}): Promise<void> {
    if (this.#closed !== null) {
      return Promise.reject(closedError('whileLeader', null, this.#closed.cause))
    }
    const loop = new LeaderLoop(this.#host, task, options, () => this.#loops.delete(loop))
    this.#loops.add(loop)
    loop.begin()
    return loop.ended
  }

  /** The status has changed. */
  changed(): void {
    for (const loop of this.#loops) loop.changed()
  }

  close(cause: RaftError | undefined): void {
    this.#closed ??= { cause }
    for (const loop of [...this.#loops]) loop.stop(closedError('whileLeader', null, cause))
  }
}

interface Run {
  readonly term: number
  readonly abort: AbortController
}

/** One task: waits for this node to lead, runs it, and waits for its end before anything else. */
class LeaderLoop {
  readonly ended: Promise<void>
  readonly #host: LeaderTasksHost
  readonly #task: LeaderTask
  readonly #options: WhileLeaderOptions
  readonly #onStop = () =>
    this.stop(abortedError('whileLeader', null, this.#options.signal?.reason))
  #end: () => void = () => {}
  #fail: (error: unknown) => void = () => {}
  /** The newest term in which the task was begun, or was found not to be wanted. */
  #doneTerm = 0
  #run: Run | null = null
  #overdue: Timer | null = null
  #stopped = false
  #retry: Timer | null = null

  constructor(
    host: LeaderTasksHost,
    task: LeaderTask,
    options: WhileLeaderOptions,
    onEnd: () => void,
  ) {
    this.#host = host
    this.#task = task
    this.#options = options
    this.ended = new Promise((resolve, reject) => {
      const leave = () => {
        onEnd()
        options.signal?.removeEventListener('abort', this.#onStop)
      }
      this.#end = () => {
        leave()
        resolve()
      }
      this.#fail = (error) => {
        leave()
        reject(error)
      }
    })
  }

  begin(): void {
    const { signal } = this.#options
    signal?.addEventListener('abort', this.#onStop, { once: true })
    if (signal?.aborted === true) this.#onStop()
    else this.changed()
  }

  /** Leadership may have been won or lost. */
  changed(): void {
    if (this.#stopped) return
    const { view } = this.#host
    const { term } = view.status
    const run = this.#run
    if (run !== null) {
      if (!view.leads || term !== run.term) this.#abort(run, refusalError('leadershipLost', null))
      return
    }
    if (!view.leads || term <= this.#doneTerm || this.#retry !== null) return
    this.#run = { term, abort: new AbortController() }
    void this.#runIn(term, this.#run.abort.signal)
  }

  stop(reason: RaftError): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#retry?.cancel()
    if (this.#run === null) this.#end()
    else this.#abort(this.#run, reason)
  }

  #abort(run: Run, reason: RaftError): void {
    if (run.abort.signal.aborted) return
    const { context, config } = this.#host
    const afterMs = config.leaderStallTimeoutMs
    this.#overdue = context.after(afterMs, () => {
      const { term } = run
      context.log.warn(
        { term, afterMs },
        'a whileLeader task goes on though its signal was aborted',
      )
    })
    run.abort.abort(reason)
  }

  async #runIn(term: number, signal: AbortSignal): Promise<void> {
    const applied = await this.#barrier(signal)
    if (applied && !signal.aborted) {
      this.#doneTerm = term
      try {
        await this.#task({ term, signal })
      } catch (error) {
        // What a task throws because it was aborted is the end that was asked for.
        if (!signal.aborted && !this.#failed(error, term)) return
      }
    }
    this.#run = null
    this.#overdue?.cancel()
    if (this.#stopped) this.#end()
    else if (applied || signal.aborted) this.changed()
    else this.#retryLater()
  }

  /** Everything before this term is applied here: the task sees what its predecessors have done. */
  async #barrier(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#host.requests.barrier({ timeoutMs: Number.POSITIVE_INFINITY, signal })
      return true
    } catch {
      return false
    }
  }

  /** Refused for a while, by a full store or a transfer that came to nothing, and still leading. */
  #retryLater(): void {
    const { context, config } = this.#host
    this.#retry = context.after(config.heartbeatIntervalMs, () => {
      this.#retry = null
      this.changed()
    })
  }

  /** False: this was the end. */
  #failed(error: unknown, term: number): boolean {
    const { onError } = this.#options
    if (onError === undefined) {
      this.#stopped = true
      this.#fail(error)
      return false
    }
    try {
      onError(error, term)
    } catch (thrown) {
      this.#host.context.log.error({ error: thrown }, 'the onError of a whileLeader task threw')
    }
    return true
  }
}
