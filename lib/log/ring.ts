/**
 * A double-ended queue over a circular array whose size is a power of two: both ends are O(1) and
 * nothing is ever shifted.
 */
export class Ring<T> {
  #items: (T | undefined)[] = new Array(16)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The item at a position counted from the front. The caller keeps to 0 <= position < length. */
  at(position: number): T {
    return this.#items[(this.#head + position) & (this.#items.length - 1)] as T
  }

  first(): T | undefined {
    return this.#length === 0 ? undefined : this.at(0)
  }

  last(): T | undefined {
    return this.#length === 0 ? undefined : this.at(this.#length - 1)
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  unshift(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#items.length - 1)
    this.#items[this.#head] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  pop(): T | undefined {
    if (this.#length === 0) return undefined
    this.#length--
    const position = (this.#head + this.#length) & (this.#items.length - 1)
    const item = this.#items[position]
    this.#items[position] = undefined
    return item
  }

  /** How many items from the front satisfy `before`, which is true for a prefix of them. */
  partition(before: (item: T) => boolean): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (before(this.at(middle))) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(): void {
    const items: (T | undefined)[] = new Array(this.#items.length * 2)
    for (let position = 0; position < this.#length; position++) items[position] = this.at(position)
    this.#items = items
    this.#head = 0
  }
}
