import type { RaftEvent, RaftEventKind } from '../../node/events.js'
import type { KvReplica } from '../replica.js'
import { eventText } from './event-text.js'
import type { LiveEvent } from './live-message.js'

const kept = 100

const kinds: readonly RaftEventKind[] = [
  'leader',
  'state',
  'configuration',
  'peer',
  'heartbeat',
  'vote',
  'snapshot',
  'progress',
  'stateMachine',
  'overload',
  'flapping',
  'deadLetter',
]

/** The last events of a node, in words. */
export class EventLog {
  #events: LiveEvent[] = []
  #last = 0
  #forget: (() => void)[] = []

  /** The number of the newest. */
  get last(): number {
    return this.#last
  }

  /** Listens until `close`. */
  listen(node: Pick<KvReplica, 'on'>): void {
    this.#forget = kinds.map((kind) => node.on(kind, (event: RaftEvent) => this.add(event)))
  }

  add(event: RaftEvent): void {
    const told = eventText(event)
    if (told === null) return
    this.#last++
    const { at, kind } = event
    const before = this.#events.at(-1)
    // A node that cannot win an election would say nothing else for minutes.
    const again = before?.kind === kind && before.text === told.text
    if (again) this.#events.pop()
    const times = again ? before.times + 1 : 1
    this.#events.push({ number: this.#last, at, kind, ...told, times })
    if (this.#events.length > kept) this.#events.shift()
  }

  /** Those after the one with this number that are still known. */
  since(number: number): readonly LiveEvent[] {
    return this.#events.filter((event) => event.number > number)
  }

  close(): void {
    for (const forget of this.#forget) forget()
    this.#forget = []
  }
}
