import type { Entry, SnapshotSink, StateMachine } from '../fsm/state-machine.js'
import { isPromise } from '../runtime/promise.js'
import { ReplicaState } from './replica-state.js'
import type { SubjectReplica } from './subject-replica.js'

/** What a replica shows after it has applied a command. */
export interface AppliedEntry {
  readonly index: number
  readonly term: number
  /** The leader's clock. */
  readonly time: number
  readonly command: string
  /** Commands so far. */
  readonly count: number
  /** Of the whole state, the user's machine's part included. */
  readonly digest: string
}

/** `position`: the command is the so manieth; `done`: its condition held. */
export interface Applied {
  readonly position: number
  readonly done: boolean
}

/** `count`: commands so far; `value` of the register that was asked for, empty when never written. */
export interface Answer {
  readonly count: number
  readonly value: string
}

/** A machine whose content the simulator can look at. */
export interface ReplicaMachine extends StateMachine<Uint8Array, Applied, string, Answer> {
  readonly state: ReplicaState
}

export interface ReplicaMachineOptions {
  /** Called for every command that a replica applies, in order. */
  readonly onApply: (applied: AppliedEntry) => void
  /** May throw or take its time. */
  readonly beforeApply?: () => void
  /** The user's machine beside the simulator's own state. */
  readonly subject?: SubjectReplica | null
  /** It outlives the processes of its node, as one does that keeps its state on disk (S14). */
  readonly keepsItself?: boolean
}

/** Separates the simulator's command from the user's bytes. */
const NEWLINE = 10

/** The state machine of every simulated node: registers, digests, and the user's machine if there is one. */
export function replicaMachine(options: ReplicaMachineOptions): ReplicaMachine {
  const { onApply, beforeApply, subject = null, keepsItself = false } = options
  let state = new ReplicaState()
  const applied = ({ index, term, time }: Entry, command: string, own: number): Applied => {
    const done = state.apply(index, command)
    const { count, history, registers } = state.summary
    onApply({ index, term, time, command, count, digest: `${history} ${registers} ${own}` })
    return { position: count, done }
  }
  return {
    ...(keepsItself ? { lastApplied: () => state.index } : {}),
    get state() {
      return state
    },
    apply: (entry: Entry) => {
      beforeApply?.()
      const end = entry.command.indexOf(NEWLINE)
      const text = end === -1 ? entry.command : entry.command.subarray(0, end)
      const command = new TextDecoder().decode(text)
      const own = end === -1 ? 0 : (subject?.apply(entry, entry.command.subarray(end + 1)) ?? 0)
      if (isPromise(own)) return own.then((digest) => applied(entry, command, digest))
      return applied(entry, command, own)
    },
    query: (key) => ({ count: state.summary.count, value: state.value(key) }),
    snapshot: () => {
      const captured = new TextEncoder().encode(state.write())
      const capture = (own: ((sink: SnapshotSink) => Promise<void>) | null) => ({
        persist: async (sink: SnapshotSink): Promise<void> => {
          await sink.write(lengthOf(captured))
          await sink.write(captured)
          await own?.(sink)
        },
      })
      return subject === null ? capture(null) : subject.persist().then(capture)
    },
    restore: async (source) => {
      const bytes = new Bytes(source)
      const length = new DataView((await bytes.take(4)).buffer).getUint32(0)
      const restored = ReplicaState.read(new TextDecoder().decode(await bytes.take(length)))
      await subject?.restore(bytes.rest())
      state = restored
    },
  }
}

/** The bytes of a command: the simulator's own text and, for the user's machine, its bytes. */
export function commandBytes(command: string, own: Uint8Array | null): Uint8Array {
  const text = new TextEncoder().encode(own === null ? command : `${command}\n`)
  return own === null ? text : Buffer.concat([text, own])
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return length
}

/** Takes a stream apart. */
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>
  #held = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#held.length < length) {
      const { done, value } = await this.#chunks.next()
      if (done === true) throw new Error('a snapshot of the simulator ends too early')
      this.#held = new Uint8Array(Buffer.concat([this.#held, value]))
    }
    const taken = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return taken
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.#held.length > 0) yield this.#held
    for (let next = await this.#chunks.next(); next.done !== true; ) {
      yield next.value
      next = await this.#chunks.next()
    }
  }
}
