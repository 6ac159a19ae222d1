import { beforeAccess } from './scheduling-point.js'

/**
 * Whole numbers that several threads read and write, each access atomic (S8). Each word has one
 * writer, or only `add` is used on it; nothing here is a lock. In the simulator other actors may run before
 * each access.
 */
export class SharedWords {
  readonly memory: SharedArrayBuffer
  readonly #words: BigInt64Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new BigInt64Array(memory)
  }

  /** Memory for `count` words, all zero. */
  static allocate(count: number): SharedArrayBuffer {
    return new SharedArrayBuffer(count * BigInt64Array.BYTES_PER_ELEMENT)
  }

  get length(): number {
    return this.#words.length
  }

  load(index: number): number {
    beforeAccess()
    return Number(Atomics.load(this.#words, index))
  }

  /** Stores the whole part of `value`: a time loses its fraction and never lies in the future. */
  store(index: number, value: number): void {
    beforeAccess()
    Atomics.store(this.#words, index, BigInt(Math.floor(value)))
  }

  /** Returns the value before the addition. */
  add(index: number, delta: number): number {
    beforeAccess()
    return Number(Atomics.add(this.#words, index, BigInt(Math.floor(delta))))
  }
}
