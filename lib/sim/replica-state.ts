import { digestOf } from './digest.js'
import { applyTo, type Registers } from './registers.js'

/** So many of the latest commands are part of the state: enough for snapshots of several chunks. */
const RECENT = 200

/** What a replica's machine holds of the simulator's own commands. */
export interface ReplicaSummary {
  /** Commands so far. */
  readonly count: number
  /** Over all commands, in order. */
  readonly history: number
  /** Over the registers. */
  readonly registers: number
}

/**
 * The simulator's own part of a replica's state: registers, and digests of all commands and of the registers
 * as they are now. Two replicas that have applied the same log have the same of all.
 */
export class ReplicaState {
  #index = 0
  #count = 0
  #history = digestOf('')
  #registersDigest = 0
  #registers: Registers = new Map()
  #recent: string[] = []

  get summary(): ReplicaSummary {
    return { count: this.#count, history: this.#history, registers: this.#registersDigest }
  }

  /** Of the latest command. */
  get index(): number {
    return this.#index
  }

  value(key: string): string {
    return this.#registers.get(key) ?? ''
  }

  /** True: the command's condition held. */
  apply(index: number, command: string): boolean {
    this.#index = index
    this.#count++
    this.#history = digestOf(command, this.#history)
    this.#recent.push(command)
    if (this.#recent.length >= 2 * RECENT) this.#recent = this.#recent.slice(-RECENT)
    const [, , key = ''] = command.split(' ', 3)
    const before = this.value(key)
    const done = applyTo(this.#registers, command)
    if (done) this.#registersDigest ^= pairDigest(key, before) ^ pairDigest(key, this.value(key))
    return done
  }

  write(): string {
    const { count, history } = this.summary
    const recent = this.#recent.slice(-RECENT)
    const registers = [...this.#registers]
    return JSON.stringify({ index: this.#index, count, history, registers, recent })
  }

  /** The digest of the registers is taken of what was read, so that a snapshot that lost some shows. */
  static read(text: string): ReplicaState {
    const { index, count, history, registers, recent } = JSON.parse(text)
    const state = new ReplicaState()
    state.#index = index
    state.#count = count
    state.#history = history
    state.#registers = new Map(registers)
    state.#recent = recent
    for (const [key, value] of state.#registers) {
      state.#registersDigest ^= pairDigest(key, value)
    }
    return state
  }
}

function pairDigest(key: string, value: string): number {
  return value === '' ? 0 : digestOf(`${key} ${value}`)
}
