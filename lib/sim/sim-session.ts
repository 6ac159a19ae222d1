import { ENTRY_COMMAND, ENTRY_SESSION_OPEN, type EntryType } from '../log/batch.js'
import type { EntryIdentity } from '../log/entry-identity.js'
import { encodeSessionOpening } from '../log/session-codec.js'

/** One entry that a client asks some leader's program to propose. */
export interface SessionEntry {
  readonly type: EntryType
  readonly data: Uint8Array
  readonly identity?: EntryIdentity
}

/** What became of it, as far as that program knows. */
export type SessionOutcome =
  | { readonly kind: 'done'; readonly value: unknown }
  /** It is in the log and was refused there, with this code. */
  | { readonly kind: 'refused'; readonly code: unknown }
  /** It may be in the log or not. */
  | { readonly kind: 'lost' }

export interface SessionHost {
  readonly after: (delayMs: number, callback: () => void) => void
  readonly random: () => number
  /** True once nothing new is to be asked for. */
  readonly quiet: () => boolean
  /** Asks whichever program leads now; false: none does. `ended` is called once, or never after a crash. */
  readonly propose: (entry: SessionEntry, ended: (outcome: SessionOutcome) => void) => boolean
  /** A new command, with bytes for the state machine; null: not now. */
  readonly command: (id: string) => { readonly text: string; readonly bytes: Uint8Array } | null
  readonly opened: () => void
  /** The session is over: the cluster said so. */
  readonly expired: () => void
  readonly repeated: () => void
  /** A command's own result; it may come more than once. */
  readonly done: (command: string, value: unknown) => void
}

interface Pending {
  readonly sequence: number
  readonly text: string
  readonly bytes: Uint8Array
  attempts: number
  attemptedAt: number
}

const ACT_EVERY_MS = 300
/** So long an attempt may take before it is made again, elsewhere perhaps. */
const PATIENCE_MS = 900
const MOST_PENDING = 3
const LIMITS = { maxSessions: 64, maxResultBytes: 4096 }
/** By the clocks of leaders, in the log: the short one is over whenever the cluster stands still for a while. */
const TIMEOUTS_MS = [600, 20_000]

/**
 * A client outside the cluster that works through a session: it brings each command to whoever leads, and does
 * so again when it hears nothing, or for no reason at all. Each must be applied once.
 */
export class SimSession {
  readonly #host: SessionHost
  readonly #name: string
  readonly #pending: Pending[] = []
  #clientId: number | null = null
  #opening = false
  #openings = 0
  #next = 1
  #now = 0

  constructor(name: string, host: SessionHost) {
    this.#name = name
    this.#host = host
    this.#later()
  }

  #later(): void {
    const delayMs = 2 * ACT_EVERY_MS * this.#host.random()
    this.#host.after(delayMs, () => {
      this.#now += delayMs
      if (!this.#host.quiet()) this.#act()
      this.#later()
    })
  }

  #act(): void {
    if (this.#clientId === null) return this.#open()
    const waiting = this.#pending.find(({ attemptedAt }) => this.#now - attemptedAt > PATIENCE_MS)
    if (waiting !== undefined) return this.#attempt(waiting)
    if (this.#pending.length >= MOST_PENDING) return
    const sequence = this.#next
    const made = this.#host.command(`${this.#name}.${this.#clientId}.${sequence}`)
    if (made === null) return
    this.#next++
    const command = { sequence, ...made, attempts: 0, attemptedAt: 0 }
    this.#pending.push(command)
    this.#attempt(command)
    // Sent twice, as by a client whose connection broke at once.
    if (this.#host.random() < 0.1) this.#attempt(command)
  }

  #open(): void {
    if (this.#opening && this.#host.random() < 0.8) return
    this.#opening = true
    const opening = ++this.#openings
    const nonce = Math.floor(this.#host.random() * Number.MAX_SAFE_INTEGER)
    const timeoutMs = TIMEOUTS_MS[this.#host.random() < 0.3 ? 0 : 1] ?? 0
    const data = encodeSessionOpening({ nonce, timeoutMs, ...LIMITS })
    this.#host.propose({ type: ENTRY_SESSION_OPEN, data }, (outcome) => {
      if (opening !== this.#openings) return
      this.#opening = false
      if (outcome.kind !== 'done') return
      this.#clientId = outcome.value as number
      this.#next = 1
      this.#host.opened()
    })
  }

  #attempt(command: Pending): void {
    command.attemptedAt = this.#now
    if (++command.attempts > 1) this.#host.repeated()
    const clientId = this.#clientId as number
    const acknowledged = this.#pending[0]?.sequence ?? this.#next
    const { sequence, bytes } = command
    const identity = { kind: 'session', clientId, sequence, acknowledged } as const
    this.#host.propose({ type: ENTRY_COMMAND, data: bytes, identity }, (outcome) => {
      if (this.#clientId === clientId) this.#ended(command, outcome)
    })
  }

  #ended(command: Pending, outcome: SessionOutcome): void {
    if (outcome.kind === 'lost') return
    if (outcome.kind === 'done') this.#host.done(command.text, outcome.value)
    const at = this.#pending.indexOf(command)
    // A late answer to a command that has ended: nothing is kept of it any more.
    if (at === -1) return
    this.#pending.splice(at, 1)
    if (outcome.kind === 'refused' && outcome.code === 'RAFT_SESSION_EXPIRED') this.#over()
  }

  #over(): void {
    this.#clientId = null
    this.#pending.length = 0
    this.#host.expired()
  }
}
