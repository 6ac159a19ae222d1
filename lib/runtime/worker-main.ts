import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { assertNever } from '../core/assert.js'
import type { CreateActor } from './actor.js'
import { LogLane, type LogThreshold } from './actor-log.js'
import { ActorMemory } from './actor-memory.js'
import { Cell } from './cell.js'
import { DeadLetterReport } from './dead-letters.js'
import { ActorKilledError } from './errors.js'
import { GoneRef } from './gone-ref.js'
import { Inlets } from './inlets.js'
import type { HostMessage, SystemMessage } from './letter.js'
import { LocalRef } from './local-ref.js'
import { LoopHost } from './loop-host.js'
import { Mailbox } from './mailbox.js'
import { MailboxWords } from './mailbox-words.js'
import { PortRef } from './port-ref.js'
import { asError, toWireError } from './wire-error.js'

/** What a worker thread is started with. */
export interface WorkerSpec {
  readonly name: string
  readonly module: string
  readonly init: unknown
  readonly memory: SharedArrayBuffer
  /** To the system and back. */
  readonly root: MessagePort
  readonly logThreshold: LogThreshold
}

/** A thread and its first actor; others come aboard of a shared one later, as a WorkerSpec each, null at the end. */
export interface WorkerStart {
  readonly first: WorkerSpec
  readonly isShared: boolean
}

/** The actors of this thread that run. */
const aboard = new Map<string, Cell>()

/** The thread of one actor, or its part of a shared one. It ends by closing its ports, so whatever was posted is still delivered. */
class ActorThread {
  readonly #spec: WorkerSpec
  readonly #cell: Cell
  readonly #inlets: Inlets
  readonly #deadLetters: DeadLetterReport

  constructor(spec: WorkerSpec) {
    this.#spec = spec
    const memory = new ActorMemory(spec.memory)
    const mailbox = new Mailbox(memory.words)
    this.#deadLetters = new DeadLetterReport((message) => this.#post(message))
    const host = new LoopHost({
      log: new LogLane(memory.pendingLog, spec.logThreshold, (record) => this.#post(record)),
      stats: memory.stats,
      random: Math.random,
      deadLetter: (kind) => this.#deadLetters.add(spec.name, kind),
      exited: (exit) => {
        this.#deadLetters.flush()
        if (aboard.get(spec.name) === this.#cell) aboard.delete(spec.name)
        this.#post({ kind: 'exit', error: exit.kind === 'failed' ? toWireError(exit.error) : null })
      },
    })
    this.#cell = new Cell(spec.name, mailbox, host)
    this.#inlets = new Inlets(mailbox, {
      run: () => this.#cell.run(),
      system: (message) => this.#system(message, mailbox),
      broken: (error) => this.#cell.fail(error),
    })
    host.attach(this.#cell, this.#inlets)
    aboard.set(spec.name, this.#cell)
    this.#inlets.add(spec.root)
  }

  async start(): Promise<void> {
    try {
      const module = (await import(this.#spec.module)) as { readonly createActor?: CreateActor }
      if (typeof module.createActor !== 'function') {
        throw new TypeError(
          `${this.#spec.module} does not export createActor(init, context), which an actor module must`,
        )
      }
      await this.#cell.start(module.createActor, this.#spec.init)
      this.#post({ kind: 'ready' })
    } catch (error) {
      this.#cell.fail(asError(error))
    }
  }

  #post(message: HostMessage): void {
    this.#spec.root.postMessage(message)
  }

  #system(message: SystemMessage, mailbox: Mailbox): void {
    switch (message.kind) {
      case 'inlet':
        mailbox.passControl()
        return this.#inlets.add(message.port)
      case 'link':
        return mailbox.pushChange({
          kind: 'link',
          name: message.name,
          ref: new PortRef(message.to, message.port, new MailboxWords(message.memory), (to, kind) =>
            this.#deadLetters.add(to, kind),
          ),
        })
      case 'linkBeside':
        return this.#linkBeside(message.name, message.to, mailbox)
      case 'unlink':
        return mailbox.pushChange(message)
      case 'stop':
        mailbox.passControl()
        return this.#cell.stop()
      case 'kill':
        // Only its `stop` can close what it has open on a thread that goes on; one that hangs is not waited for.
        if (this.#cell.stopping) return this.#cell.kill(message.why)
        return this.#cell.fail(new ActorKilledError(this.#spec.name, message.why))
      default:
        assertNever(message)
    }
  }

  /** The other one may have exited meanwhile; then the end of the link is on its way. */
  #linkBeside(name: string, to: string, mailbox: Mailbox): void {
    const cell = aboard.get(to)
    const bury = (letter: string, kind: string): void => this.#deadLetters.add(letter, kind)
    const ref = cell === undefined ? new GoneRef(to, bury) : new LocalRef(cell, bury)
    mailbox.pushChange({ kind: 'link', name, ref })
  }
}

process.on('uncaughtException', (error) => {
  for (const cell of [...aboard.values()]) cell.fail(asError(error))
})

const { first, isShared } = workerData as WorkerStart
void new ActorThread(first).start()
if (isShared) {
  parentPort?.on('message', (spec: WorkerSpec | null) => {
    if (spec === null) parentPort?.close()
    else void new ActorThread(spec).start()
  })
}
