/**
 * The simulator's one source of randomness: xoshiro128** over 32-bit words, seeded through splitmix32.
 * Equal seeds give equal sequences on every machine.
 */
export class Prng {
  #a: number
  #b: number
  #c: number
  #d: number

  /** Any whole number; its low 53 bits count. */
  constructor(seed: number) {
    let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)
    const draw = (): number => {
      state = (state + 0x9e3779b9) | 0
      let z = state
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      return z ^ (z >>> 16)
    }
    this.#a = draw()
    this.#b = draw()
    this.#c = draw()
    this.#d = draw() | 1
  }

  /** Uniform over 0..2^32-1. */
  next(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotate(this.#d, 11)
    return result
  }

  /** Uniform in [0, 1). */
  random(): number {
    return this.next() / 2 ** 32
  }

  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1))
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.integer(0, from.length - 1)]
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
