import type { CoreStatus } from '../../lib/core/raft-core.js'
import type { NodeId } from '../../lib/core/types.js'
import type { NodeEvent } from './node-event.js'

/** so much of its timeout without the leader and the observers of a follower hear of it. */
const LATE_SHARE = 0.8
/** The worst delay of so long a time, and of the one before, is what `delayMs` shows. */
const DELAY_WINDOW_MS = 10_000
/** A thread that is late by so much of an election timeout can soon not take part in elections in time. */
const DANGER_SHARE = 0.5
const WARNING_INTERVAL_MS = 60_000
/** A program that starts loads modules and threads: what that costs is no news, and over by itself. */
const STARTING_MS = 10_000

/** Looks at the clock with every tick: is the leader late, and is this thread? */
export class ContactWatch {
  readonly #tell: (event: NodeEvent) => void
  readonly #measured: (delayMs: number) => void
  readonly #warn: (fields: object, message: string) => void
  /** The leader that is late. */
  #late: NodeId | null = null
  #dueAt: number | null = null
  #windowEndsAt = 0
  #delayMs = 0
  #delayBeforeMs = 0
  #quietUntil: number | null = null

  constructor(parts: {
    readonly tell: (event: NodeEvent) => void
    /** How late each tick came. */
    readonly measured: (delayMs: number) => void
    /** For people: this thread is too slow for the timeouts; once a minute at most. */
    readonly warn: (fields: object, message: string) => void
  }) {
    this.#tell = parts.tell
    this.#measured = parts.measured
    this.#warn = parts.warn
  }

  /** The longest that a tick came late lately: the delay of this thread's event loop. */
  get delayMs(): number {
    return Math.max(this.#delayMs, this.#delayBeforeMs)
  }

  /** A tick was set to come after `tickMs`. */
  armed(now: number, tickMs: number): void {
    this.#dueAt = now + tickMs
  }

  ticked(now: number, status: CoreStatus, heartbeatTimeoutMs: number): void {
    this.#measure(now, heartbeatTimeoutMs)
    const { role, leader, lastContactAt } = status
    if (role !== 'follower' || leader === null || lastContactAt === null) {
      this.#late = null
      return
    }
    const lastContactMs = Math.max(0, now - lastContactAt)
    const isLate = lastContactMs >= heartbeatTimeoutMs * LATE_SHARE
    if (isLate === (this.#late === leader)) return
    this.#late = isLate ? leader : null
    const change = isLate ? 'late' : 'resumed'
    const reason = isLate ? this.#lateness(lastContactMs) : 'the leader was heard again'
    this.#tell({ kind: 'heartbeat', peer: leader, change, healthy: !isLate, lastContactMs, reason })
  }

  #lateness(lastContactMs: number): string {
    const text = `the leader was not heard for ${Math.round(lastContactMs)} ms`
    return `${text}; this thread was up to ${Math.round(this.delayMs)} ms late itself`
  }

  #measure(now: number, heartbeatTimeoutMs: number): void {
    if (now >= this.#windowEndsAt) {
      this.#delayBeforeMs = this.#delayMs
      this.#delayMs = 0
      this.#windowEndsAt = now + DELAY_WINDOW_MS
    }
    if (this.#dueAt === null) return
    const delayMs = Math.max(0, now - this.#dueAt)
    this.#dueAt = null
    this.#delayMs = Math.max(this.#delayMs, delayMs)
    this.#measured(delayMs)
    this.#warnIfDangerous(now, delayMs, heartbeatTimeoutMs)
  }

  #warnIfDangerous(now: number, delayMs: number, heartbeatTimeoutMs: number): void {
    this.#quietUntil ??= now + STARTING_MS
    if (delayMs < DANGER_SHARE * heartbeatTimeoutMs || now < this.#quietUntil) return
    this.#quietUntil = now + WARNING_INTERVAL_MS
    this.#warn(
      { delayMs: Math.round(delayMs), heartbeatTimeoutMs },
      'the thread of consensus stood still for so long that elections are at risk: let it do less at ' +
        "once, place consensus on a thread of its own (threads: { consensus: 'worker' }), or raise " +
        'heartbeatTimeoutMs',
    )
  }
}
