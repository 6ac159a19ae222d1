/** A queue on a ring that doubles when full: no allocation per element, none moved by `shift`. */
export class Fifo<T> {
  #ring: (T | undefined)[] = new Array(16).fill(undefined)
  #mask = 15
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: T): void {
    if (this.#length > this.#mask) this.#grow()
    this.#ring[(this.#head + this.#length) & this.#mask] = value
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const value = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#length--
    return value
  }

  #grow(): void {
    const size = this.#mask + 1
    const ring: (T | undefined)[] = new Array(size * 2).fill(undefined)
    for (let i = 0; i < this.#length; i++) ring[i] = this.#ring[(this.#head + i) & this.#mask]
    this.#ring = ring
    this.#mask = size * 2 - 1
    this.#head = 0
  }
}
