import type { RaftEvent } from './events.js'

/** Leadership changes hands too often. */
export interface FlappingEvent {
  readonly kind: 'flapping'
  /** Leaders that began a term within `windowMs`. */
  readonly changes: number
  readonly windowMs: number
  /** What preceded most of these changes, for people. */
  readonly cause: string
}

/** So many new leaders in the window are too many. */
const CHANGES = 4
/** The window, in times of the heartbeat timeout. */
const WINDOW_TIMEOUTS = 20

/**
 * Counts how often a leader begins a term, and says so when it happens too often: once a window. The cause
 * is guessed from what this node saw between the changes.
 */
export class FlappingDetector {
  readonly #config: { readonly heartbeatTimeoutMs: number }
  #changes: { readonly at: number; readonly cause: string }[] = []
  #clue = NO_CLUE
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(config: { readonly heartbeatTimeoutMs: number }) {
    this.#config = config
  }

  /** `now` is monotonic ms. */
  saw(event: RaftEvent, now: number): FlappingEvent | null {
    this.#clue = clueOf(event) ?? this.#clue
    if (event.kind !== 'leader' || event.leader === null) return null
    const windowMs = WINDOW_TIMEOUTS * this.#config.heartbeatTimeoutMs
    this.#changes = this.#changes.filter(({ at }) => now - at < windowMs)
    this.#changes.push({ at: now, cause: this.#clue })
    this.#clue = NO_CLUE
    if (this.#changes.length < CHANGES || now - this.#toldAt < windowMs) return null
    this.#toldAt = now
    const changes = this.#changes.length
    return { kind: 'flapping', changes, windowMs, cause: mostFrequent(this.#changes) }
  }
}

const NO_CLUE = 'nothing that this node saw; look at the events of the other nodes'

/** What an event says about why the leader may change next; null: nothing. */
function clueOf(event: RaftEvent): string | null {
  switch (event.kind) {
    case 'state':
      return event.role === 'leader' || /^heard leader/.test(event.cause) ? null : event.cause
    case 'heartbeat':
      return event.healthy ? null : `${event.peer}: ${event.reason}`
    case 'peer':
      return event.change === 'inactive' ? `the connection to ${event.peer}: ${event.reason}` : null
    default:
      return null
  }
}

function mostFrequent(changes: readonly { readonly cause: string }[]): string {
  const counts = new Map<string, number>()
  for (const { cause } of changes) {
    // Numbers in a text (ms, terms) do not make it another cause.
    const kind = cause.replace(/\d+/g, '#')
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1])
  const text = changes.findLast(({ cause }) => cause.replace(/\d+/g, '#') === most?.[0])?.cause
  return text ?? NO_CLUE
}
