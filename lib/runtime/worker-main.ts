import { type MessagePort, workerData } from 'node:worker_threads'
import { assertNever } from '../core/assert.js'
import type { CreateActor } from './actor.js'
import { LogLane, type LogThreshold } from './actor-log.js'
import { ActorMemory } from './actor-memory.js'
import { Cell } from './cell.js'
import { DeadLetterReport } from './dead-letters.js'
import { Inlets } from './inlets.js'
import type { HostMessage, SystemMessage } from './letter.js'
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

/** The thread of one actor. It ends by closing its ports, so whatever was posted is still delivered. */
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
    process.on('uncaughtException', (error) => this.#cell.fail(asError(error)))
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
      case 'unlink':
        return mailbox.pushChange(message)
      case 'stop':
        mailbox.passControl()
        return this.#cell.stop()
      default:
        assertNever(message)
    }
  }
}

void new ActorThread(workerData as WorkerSpec).start()
