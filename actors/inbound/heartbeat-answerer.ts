import type { Heartbeat, HeartbeatReply } from '../../lib/core/rpc.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { ControlBlockReader } from '../consensus/control-block.js'

/** S9: answers heartbeats that match the control block; the rest is for the core. */
export class HeartbeatAnswerer {
  readonly #incarnation: string
  readonly #block: ControlBlockReader
  readonly #logAlive: SharedWords
  #answered = 0

  constructor(incarnation: string, controlBlock: SharedArrayBuffer, logAlive: SharedArrayBuffer) {
    this.#incarnation = incarnation
    this.#block = new ControlBlockReader(new SharedWords(controlBlock))
    this.#logAlive = new SharedWords(logAlive)
  }

  /** Heartbeats answered here since the start. */
  get answered(): number {
    return this.#answered
  }

  /** The answer to send, or null: only the core can tell. */
  answer(heartbeat: Heartbeat, now: number): HeartbeatReply | null {
    if (heartbeat.incarnation !== this.#incarnation || this.#logAlive.load(0) !== 1) return null
    if (!this.#block.answer(heartbeat, now)) return null
    this.#answered += 1
    const { term, probe, sentAt, leaseMs } = heartbeat
    return { kind: 'heartbeatReply', term, accepted: true, probe, sentAt, leaseMs }
  }
}
