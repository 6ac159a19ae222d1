import { Worker } from 'node:worker_threads'
import type { ActorSpec, Timer } from './actor.js'
import { after } from './clock.js'
import { inheritedArguments } from './worker-arguments.js'
import type { WorkerSpec, WorkerStart } from './worker-main.js'

/** From the last actor's exit to the end of a shared thread; something was left open when it takes longer. */
const THREAD_END_MS = 1000

/** What a thread tells the actors on it. */
export interface Passenger {
  /** An error that none of them caught; the thread ends. */
  threadFailed(error: unknown): void
  threadEnded(code: number): void
}

export type ThreadOptions = Pick<ActorSpec, 'name' | 'execArgv' | 'resourceLimits'>

/** A worker thread, seen from the thread that started it: that of one actor, or one that several share. */
export class WorkerThread {
  readonly isShared: boolean
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #aboard = new Set<Passenger>()
  #isEnding = false
  #deadline: Timer | null = null

  /** Starts it, with its first actor. */
  constructor(
    url: URL,
    options: ThreadOptions,
    isShared: boolean,
    first: WorkerSpec,
    passenger: Passenger,
  ) {
    const { name, resourceLimits } = options
    const execArgv = options.execArgv ?? inheritedArguments(process.execArgv)
    this.isShared = isShared
    this.#worker = new Worker(url, {
      name,
      workerData: { first, isShared } satisfies WorkerStart,
      transferList: [first.root],
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
      ...(resourceLimits === undefined ? {} : { resourceLimits: { ...resourceLimits } }),
    })
    this.#aboard.add(passenger)
    this.#worker.on('error', (error: unknown) => {
      for (const one of [...this.#aboard]) one.threadFailed(error)
    })
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#deadline?.cancel()
        this.#isEnding = true
        for (const one of [...this.#aboard]) one.threadEnded(code)
        resolve()
      })
    })
  }

  /** Whether another actor may come aboard. */
  get takes(): boolean {
    return this.isShared && !this.#isEnding
  }

  /** Another actor. @throws DataCloneError when its `init` cannot be cloned; then nothing has happened. */
  board(spec: WorkerSpec, passenger: Passenger): void {
    this.#worker.postMessage(spec, [spec.root])
    this.#aboard.add(passenger)
  }

  /** That actor has exited. A shared thread ends with the last one; a thread of one actor by itself. */
  leave(passenger: Passenger): void {
    this.#aboard.delete(passenger)
    if (!this.isShared || this.#isEnding || this.#aboard.size > 0) return
    this.#isEnding = true
    this.#worker.postMessage(null)
    this.#deadline = after(THREAD_END_MS, () => this.terminate())
  }

  terminate(): void {
    void this.#worker.terminate()
  }

  /** It no longer keeps the process alive. */
  unref(): void {
    this.#worker.unref()
  }

  utilization(): { readonly utilization: number; readonly active: number; readonly idle: number } {
    return this.#worker.performance.eventLoopUtilization()
  }
}

/** The threads of one system that actors share, by name. */
export class SharedThreads {
  readonly #threads = new Map<string, WorkerThread>()

  /** The thread of that name with the actor aboard; started if it is not there. */
  board(url: URL, name: string, spec: WorkerSpec, passenger: Passenger): WorkerThread {
    const running = this.#threads.get(name)
    if (running?.takes) {
      running.board(spec, passenger)
      return running
    }
    const thread = new WorkerThread(url, { name }, true, spec, passenger)
    this.#threads.set(name, thread)
    return thread
  }

  /** Resolves once all of them have ended; they do when no actor is left on them. */
  async ended(): Promise<void> {
    await Promise.all([...this.#threads.values()].map((thread) => thread.ended))
  }
}
