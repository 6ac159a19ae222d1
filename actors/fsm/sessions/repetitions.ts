import { assert } from '../../../lib/core/assert.js'
import type { CommandError } from '../../../lib/fsm/state-machine.js'
import {
  type DecodedEntry,
  ENTRY_SESSION_CLOSE,
  ENTRY_SESSION_KEEP_ALIVE,
  ENTRY_SESSION_OPEN,
} from '../../../lib/log/batch.js'
import type { EntryIdentity } from '../../../lib/log/entry-identity.js'
import { decodeSessionOpening } from '../../../lib/log/session-codec.js'
import type { WireError } from '../../../lib/runtime/wire-error.js'
import { type Admission, tableError } from './admission.js'
import { decodeOutcome, encodeOutcome, type KeptOutcome } from './kept-outcome.js'
import { KeyTable } from './key-table.js'
import { SessionTable } from './session-table.js'

/** The answer to a command that is not applied now. */
export interface Repeated {
  /** Where it was applied; null: nowhere, it is refused. */
  readonly first: { readonly index: number; readonly term: number } | null
  readonly outcome: KeptOutcome
}

/**
 * Which commands were applied already, and with what result: the tables beside the state machine, changed
 * by log entries alone and equal on all replicas. Each command with an identity is admitted before its run
 * is applied and settled afterwards, both in log order; what is decided never depends on results. The
 * rules are in README.md.
 */
export class Repetitions {
  readonly sessions: SessionTable
  readonly keys: KeyTable

  constructor(sessions = new SessionTable(), keys = new KeyTable()) {
    this.sessions = sessions
    this.keys = keys
  }

  /** The verdict on a command, before its run is applied. */
  admit(entry: DecodedEntry, identity: EntryIdentity): Admission {
    return identity.kind === 'session'
      ? this.sessions.admit(identity, entry)
      : this.keys.admit(identity, entry)
  }

  /** The state machine has answered a command that was to be applied. */
  applied(admission: Admission, value: unknown): void {
    this.#keep(admission, (maxBytes) => encodeOutcome({ ok: true, value }, maxBytes))
  }

  /** The same for a CommandError. */
  refused(admission: Admission, error: CommandError): void {
    this.#keep(admission, (maxBytes) => encodeOutcome({ ok: false, error }, maxBytes))
  }

  /** Applied by a state machine that keeps its own state, in an earlier life: its result is unknown. */
  appliedBefore(admission: Admission): void {
    this.#keep(admission, () => null)
  }

  /** The answer to a command that is not to be applied, once all before it is settled. */
  repeated(admission: Exclude<Admission, { readonly verdict: 'apply' }>): Repeated {
    drop(admission)
    if (admission.verdict === 'refused') {
      return { first: null, outcome: { ok: false, error: admission.error } }
    }
    const { index, term, result } = admission.slot
    const first = { index, term }
    if (result === null) return { first, outcome: { ok: false, error: lost(index) } }
    return { first, outcome: decodeOutcome(result) }
  }

  /** An entry about a session itself; all commands before it are settled. Its result, or its refusal. */
  control(entry: DecodedEntry): KeptOutcome {
    const { type, data, identity } = entry
    if (type === ENTRY_SESSION_OPEN) {
      return { ok: true, value: this.sessions.open(decodeSessionOpening(data), entry) }
    }
    assert(identity?.kind === 'session', 'an entry about a session names it', { type })
    if (type === ENTRY_SESSION_CLOSE) this.sessions.close(identity)
    const error = type === ENTRY_SESSION_KEEP_ALIVE ? this.#keepAlive(entry, identity) : null
    return error === null ? { ok: true, value: undefined } : { ok: false, error }
  }

  #keepAlive(entry: DecodedEntry, identity: EntryIdentity & { kind: 'session' }): WireError | null {
    return this.sessions.keepAlive(identity, entry)
  }

  #keep(admission: Admission, encode: (maxBytes: number) => Uint8Array | null): void {
    drop(admission)
    const { verdict, cache } = admission
    assert(verdict === 'apply' && cache !== null, 'only what is to be applied has a result', {
      verdict,
    })
    const { slot, maxResultBytes } = admission
    cache.store(slot, encode(maxResultBytes), maxResultBytes)
  }
}

function drop({ cache, dropped }: Admission): void {
  for (const slot of dropped) cache?.release(slot)
}

function lost(index: number): WireError {
  return tableError(
    'RAFT_RESULT_LOST',
    `the command was applied at index ${index}, and its result is not kept: it was too large, made room for later ones, or went down with a restart`,
    { index },
  )
}
