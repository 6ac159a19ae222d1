import type { LogIndex } from '../../../lib/core/types.js'
import type { EntrySession } from '../../../lib/log/entry-identity.js'
import { SESSION_WINDOW, type SessionOpening } from '../../../lib/log/session-codec.js'
import type { WireError } from '../../../lib/runtime/wire-error.js'
import { type Admission, type Place, tableError } from './admission.js'
import { ResultCache, type Slot } from './result-cache.js'

/** A session as it is written into a snapshot. */
export interface SessionRecord {
  readonly clientId: number
  readonly timeoutMs: number
  readonly maxResultBytes: number
  readonly usedAt: number
  readonly acknowledged: number
  /** In the order in which they were applied. */
  readonly slots: readonly (readonly [sequence: number, slot: Slot])[]
}

interface Session {
  readonly timeoutMs: number
  readonly maxResultBytes: number
  /** Log time of the last entry that used it. */
  usedAt: number
  acknowledged: number
  readonly slots: Map<number, Slot>
  readonly cache: ResultCache
}

/** All open sessions, in the order of their last use; changed by log entries and by nothing else. */
export class SessionTable {
  readonly #sessions = new Map<number, Session>()

  get size(): number {
    return this.#sessions.size
  }

  /** Returns the new session's id. The sessions unused for longest make room for it. */
  open(opening: SessionOpening, { index, time }: Place): number {
    this.#sweep(time)
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size < Math.max(1, opening.maxSessions)) break
      this.#sessions.delete(oldest)
    }
    const { timeoutMs, maxResultBytes } = opening
    const clientId = this.#freeId(opening.nonce, index)
    const cache = new ResultCache()
    const session = { timeoutMs, maxResultBytes, usedAt: time, acknowledged: 0, cache }
    this.#sessions.set(clientId, { ...session, slots: new Map() })
    return clientId
  }

  /** A use without a command. Null: all is well. */
  keepAlive(identity: EntrySession, place: Place): WireError | null {
    const session = this.#use(identity, place)
    if (session === null) return expired(identity, place)
    for (const slot of acknowledge(session, identity.acknowledged)) session.cache.release(slot)
    return null
  }

  /** Ending a session that is over is no fault. */
  close({ clientId }: EntrySession): void {
    this.#sessions.delete(clientId)
  }

  admit(identity: EntrySession, place: Place): Admission {
    const session = this.#use(identity, place)
    if (session === null) {
      const error = expired(identity, place)
      return { verdict: 'refused', error, cache: null, dropped: NOTHING }
    }
    const { sequence } = identity
    const { slots, cache, maxResultBytes } = session
    const dropped = acknowledge(session, identity.acknowledged)
    if (sequence < session.acknowledged) {
      const error = givenUp(identity, session.acknowledged, place)
      return { verdict: 'refused', error, cache, dropped }
    }
    if (sequence >= session.acknowledged + SESSION_WINDOW) {
      const error = outOfWindow(identity, session.acknowledged, place)
      return { verdict: 'refused', error, cache, dropped }
    }
    const known = slots.get(sequence)
    if (known !== undefined) return { verdict: 'known', slot: known, cache, dropped }
    const slot: Slot = { index: place.index, term: place.term, result: null }
    slots.set(sequence, slot)
    return { verdict: 'apply', slot, maxResultBytes, cache, dropped }
  }

  /** In the order of last use. */
  *records(): Generator<SessionRecord> {
    for (const [clientId, session] of this.#sessions) {
      const { timeoutMs, maxResultBytes, usedAt, acknowledged } = session
      const slots = [...session.slots]
      yield { clientId, timeoutMs, maxResultBytes, usedAt, acknowledged, slots }
    }
  }

  /** Records in the order in which `records` gave them. */
  add(record: SessionRecord): void {
    const { clientId, timeoutMs, maxResultBytes, usedAt, acknowledged } = record
    const cache = new ResultCache()
    for (const [, slot] of record.slots) cache.store(slot, slot.result, maxResultBytes)
    const slots = new Map(record.slots)
    this.#sessions.set(clientId, { timeoutMs, maxResultBytes, usedAt, acknowledged, slots, cache })
  }

  /** The session, now used; null when there is none, or none any more. */
  #use({ clientId }: EntrySession, { time }: Place): Session | null {
    this.#sweep(time)
    const session = this.#sessions.get(clientId)
    if (session === undefined) return null
    this.#sessions.delete(clientId)
    if (isOver(session, time)) return null
    session.usedAt = time
    this.#sessions.set(clientId, session)
    return session
  }

  /** Frees memory early; whether a session is over is always judged by itself. */
  #sweep(time: number): void {
    for (const [clientId, session] of this.#sessions) {
      if (!isOver(session, time)) return
      this.#sessions.delete(clientId)
    }
  }

  /** The opener's nonce keeps ids apart that belong to different histories, e.g. after a restore. */
  #freeId(nonce: number, index: LogIndex): number {
    let id = Number((BigInt(nonce) + BigInt(index)) % BigInt(Number.MAX_SAFE_INTEGER))
    while (id === 0 || this.#sessions.has(id)) id++
    return id
  }
}

function isOver({ usedAt, timeoutMs }: Session, time: number): boolean {
  return time - usedAt > timeoutMs
}

/** Returns what the client waits for no more. */
function acknowledge(session: Session, acknowledged: number): readonly Slot[] {
  const { slots, acknowledged: before } = session
  if (acknowledged <= before) return NOTHING
  session.acknowledged = acknowledged
  const dropped: Slot[] = []
  // Mostly it is the next few numbers; a leap is cheaper to look for among what there is.
  const sequences =
    acknowledged - before > slots.size ? [...slots.keys()] : range(before, acknowledged)
  for (const sequence of sequences) {
    const slot = sequence < acknowledged ? slots.get(sequence) : undefined
    if (slot === undefined) continue
    slots.delete(sequence)
    dropped.push(slot)
  }
  return dropped
}

function* range(from: number, end: number): Generator<number> {
  for (let number = from; number < end; number++) yield number
}

const NOTHING: readonly Slot[] = []

function expired({ clientId, sequence }: EntrySession, { index }: Place): WireError {
  return tableError(
    'RAFT_SESSION_EXPIRED',
    `session ${clientId} is not open: it was closed, was not used for too long, or made room for others; open a new one`,
    { index, clientId, sequence },
  )
}

/** A copy that comes late: its sender has been told an end already. */
function givenUp(identity: EntrySession, acknowledged: number, { index }: Place) {
  const { clientId, sequence } = identity
  return tableError(
    'RAFT_SESSION_EXPIRED',
    `command ${sequence} of session ${clientId} was given up by its client, which waits for ${acknowledged} and later`,
    { index, clientId, sequence, acknowledged },
  )
}

function outOfWindow(identity: EntrySession, acknowledged: number, { index }: Place) {
  const { clientId, sequence } = identity
  return tableError(
    'RAFT_OVERLOADED',
    `command ${sequence} of session ${clientId} is ${SESSION_WINDOW} or more above ${acknowledged}, the lowest its client waits for`,
    { index, clientId, sequence, acknowledged },
  )
}
