/** Something that happens at a moment of virtual time. */
export interface HeapEvent {
  readonly time: number
  /** Events of one moment happen in the order in which they were made. */
  readonly sequence: number
}

/** A binary heap: the earliest event first. */
export class EventHeap<E extends HeapEvent> {
  readonly #events: E[] = []

  get length(): number {
    return this.#events.length
  }

  peek(): E | undefined {
    return this.#events[0]
  }

  push(event: E): void {
    const events = this.#events
    let at = events.length
    events.push(event)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = events[parentAt]
      if (parent === undefined || !isBefore(event, parent)) break
      events[at] = parent
      at = parentAt
    }
    events[at] = event
  }

  pop(): E | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (last !== undefined && events.length > 0) this.#sink(last)
    return first
  }

  /** Puts `event` at the root and lets it down to its place. */
  #sink(event: E): void {
    const events = this.#events
    const half = events.length >> 1
    let at = 0
    while (at < half) {
      let childAt = 2 * at + 1
      let child = events[childAt] as E
      const right = events[childAt + 1]
      if (right !== undefined && isBefore(right, child)) {
        child = right
        childAt++
      }
      if (!isBefore(child, event)) break
      events[at] = child
      at = childAt
    }
    events[at] = event
  }
}

function isBefore(a: HeapEvent, b: HeapEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence)
}
