import type { Admission } from '../../../../actors/fsm/sessions/admission.js'
import { Repetitions } from '../../../../actors/fsm/sessions/repetitions.js'
import { encodeTables } from '../../../../actors/fsm/sessions/table-codec.js'
import {
  type DecodedEntry,
  ENTRY_COMMAND,
  ENTRY_SESSION_CLOSE,
  ENTRY_SESSION_KEEP_ALIVE,
  ENTRY_SESSION_OPEN,
  type EntryIdentity,
  type EntryType,
} from '../../../../lib/log/batch.js'
import { encodeSessionOpening, type SessionOpening } from '../../../../lib/log/session-codec.js'

const NOTHING = new Uint8Array(0)

const digest = (text: string): string => Buffer.from(text.padEnd(16)).toString('hex')

/** The tables with a log of their own: every call is one more entry. */
export class Tables {
  repetitions = new Repetitions()
  index = 0
  time = 1_000_000

  /** Log time passes before the next entry. */
  pass(ms: number): this {
    this.time += ms
    return this
  }

  open(opening: Partial<SessionOpening> = {}): number {
    const limits = { nonce: 0, timeoutMs: 1000, maxSessions: 10, maxResultBytes: 100 }
    const data = encodeSessionOpening({ ...limits, ...opening })
    const outcome = this.repetitions.control(this.#entry(ENTRY_SESSION_OPEN, undefined, data))
    return outcome.ok ? (outcome.value as number) : 0
  }

  keepAlive(clientId: number, acknowledged = 0) {
    const identity = { kind: 'session', clientId, sequence: 0, acknowledged } as const
    return this.repetitions.control(this.#entry(ENTRY_SESSION_KEEP_ALIVE, identity))
  }

  close(clientId: number) {
    const identity = { kind: 'session', clientId, sequence: 0, acknowledged: 0 } as const
    return this.repetitions.control(this.#entry(ENTRY_SESSION_CLOSE, identity))
  }

  /** One command and its end: `applied`, the value that it was answered, or the code of a refusal. */
  command(clientId: number, sequence: number, value: unknown = sequence, acknowledged = 0) {
    return this.#end(this.admit({ kind: 'session', clientId, sequence, acknowledged }), value)
  }

  key(key: string, value: unknown, more: { request?: string; timeoutMs?: number } = {}) {
    const { request = 'r', timeoutMs = 1000 } = more
    const digests = { key: digest(key), request: digest(request) }
    const limits = { timeoutMs, maxKeys: 3, maxResultBytes: 100 }
    return this.#end(this.admit({ kind: 'key', ...digests, ...limits }), value)
  }

  admit(identity: EntryIdentity): Admission {
    return this.repetitions.admit(this.#entry(ENTRY_COMMAND, identity), identity)
  }

  #end(admission: Admission, value: unknown): unknown {
    if (admission.verdict === 'apply') {
      this.repetitions.applied(admission, value)
      return 'applied'
    }
    const { outcome } = this.repetitions.repeated(admission)
    return outcome.ok ? { again: outcome.value } : outcome.error.code
  }

  get bytes(): Uint8Array {
    return encodeTables(this.repetitions)
  }

  #entry(type: EntryType, identity?: EntryIdentity, data: Uint8Array = NOTHING): DecodedEntry {
    const place = { index: ++this.index, term: 1, time: this.time }
    return { ...place, type, data, extensions: undefined, identity }
  }
}
