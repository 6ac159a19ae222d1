import type { PeerReport } from '../../actors/consensus/protocol.js'
import type { AdminRequest } from './administration.js'
import { type EntryMark, isProposable } from './entry-mark.js'
import type { RaftErrorData } from './error-wire.js'
import type {
  ForwardedOutcome,
  ForwardedResult,
  ForwardReply,
  ForwardRequest,
  PackedBytes,
} from './forward-body.js'

/**
 * Whether what another node sent is what its kind says. The bytes arrived as they were sent; a node of
 * another version, or one whose memory is damaged, may send anything, and must not end this one.
 */

type Fields = Readonly<Record<string, unknown>>

export function isForwardRequest(value: unknown): value is ForwardRequest {
  if (!isRecord(value)) return false
  const { commands, timeoutMs } = value
  switch (value.kind as ForwardRequest['kind']) {
    case 'apply':
      return arePacked(commands) && isTimeForEach(value.timeoutsMs, commands)
    case 'applyMarked': {
      const { marks } = value
      const each = arePacked(commands) && isTimeForEach(value.timeoutsMs, commands)
      return each && areAll(marks, isMark) && marks.length === commands.lengths.length
    }
    case 'applyBatch':
      return arePacked(commands) && isTime(timeoutMs)
    case 'readIndex':
      return typeof value.lease === 'boolean' && isTime(timeoutMs)
    case 'administer':
      return isAdminRequest(value.request) && isTime(timeoutMs)
    case 'peers':
      return isTime(timeoutMs)
    default:
      return false
  }
}

export function isForwardReply(value: unknown): value is ForwardReply {
  if (!isRecord(value)) return false
  switch (value.kind as ForwardReply['kind']) {
    case 'applied':
      return areAll(value.outcomes, isOutcome)
    case 'appliedBatch':
      return isIndex(value.firstIndex) && isIndex(value.term) && areAll(value.results, isResult)
    case 'index':
      return isIndex(value.index)
    case 'peers':
      return areAll(value.peers, isPeerReport)
    case 'failed':
      return isErrorData(value.error)
    default:
      return false
  }
}

/** At least one: a request for nothing would have no answer. */
function arePacked(value: unknown): value is PackedBytes {
  if (!isRecord(value)) return false
  const { lengths, bytes } = value
  if (!(lengths instanceof Uint32Array) || !(bytes instanceof Uint8Array)) return false
  return lengths.length > 0 && lengths.reduce((sum, length) => sum + length, 0) === bytes.length
}

function isTimeForEach(value: unknown, { lengths }: PackedBytes): boolean {
  return value instanceof Float64Array && value.length === lengths.length && value.every(isTime)
}

function isMark(value: unknown): value is EntryMark {
  if (!isRecord(value)) return false
  const mark = value as unknown as EntryMark
  return isIdentity(value.identity) && isProposable(mark)
}

const SESSION_NUMBERS = ['clientId', 'sequence', 'acknowledged']
const DIGEST = /^[0-9a-f]{32}$/

function isIdentity(value: unknown): boolean {
  if (value === undefined) return true
  if (!isRecord(value)) return false
  if (value.kind === 'session') return SESSION_NUMBERS.every((name) => isIndex(value[name]))
  const { kind, key, request, timeoutMs, maxKeys, maxResultBytes } = value
  const digests = [key, request].every((text) => typeof text === 'string' && DIGEST.test(text))
  const limits = [maxKeys, maxResultBytes].every((limit) => isIndex(limit) && limit < 2 ** 32)
  return kind === 'key' && digests && limits && isIndex(timeoutMs)
}

/** The fields that no later check looks at; what a server may be is checked where it is added. */
function isAdminRequest(value: unknown): value is AdminRequest {
  if (!isRecord(value)) return false
  const { id, to, prevIndex } = value
  if (prevIndex !== undefined && !isIndex(prevIndex)) return false
  switch (value.kind as AdminRequest['kind']) {
    case 'addVoter':
    case 'addNonvoter':
      return isRecord(value.server)
    case 'demoteVoter':
    case 'removeServer':
      return typeof id === 'string'
    case 'updateServer':
      return typeof id === 'string' && isRecord(value.change)
    case 'reconfigure':
      return areAll(value.servers, isRecord)
    case 'transfer':
      return to === null || typeof to === 'string'
    default:
      return false
  }
}

function isOutcome(value: unknown): value is ForwardedOutcome {
  if (!isRecord(value)) return false
  if (value.ok === true) return isIndex(value.index) && isIndex(value.term)
  return value.ok === false && isErrorData(value.error)
}

function isResult(value: unknown): value is ForwardedResult {
  return isRecord(value) && (value.ok === true || (value.ok === false && isErrorData(value.error)))
}

const INCARNATIONS: ReadonlySet<unknown> = new Set(['known', 'unseen', 'lost'])

function isPeerReport(value: unknown): value is PeerReport {
  if (!isRecord(value)) return false
  const { id, matchIndex, lastContactMs, roundTripMs, incarnation } = value
  const times = [lastContactMs, roundTripMs].every((ms) => ms === null || typeof ms === 'number')
  return typeof id === 'string' && isIndex(matchIndex) && times && INCARNATIONS.has(incarnation)
}

const OUTCOMES: ReadonlySet<unknown> = new Set([null, 'rejected', 'unknown', 'committed'])

function isErrorData(value: unknown): value is RaftErrorData {
  if (!isRecord(value) || !OUTCOMES.has(value.outcome)) return false
  const { code, message, details, cause } = value
  return (
    typeof code === 'string' && typeof message === 'string' && isRecord(details) && isCause(cause)
  )
}

/** Causes of causes; a ring of them has no end. */
const MAX_CAUSES = 16

function isCause(value: unknown, depth = 0): boolean {
  if (value === null) return true
  if (!isRecord(value) || depth > MAX_CAUSES) return false
  const { name, message, code, stack, fields, cause } = value
  return (
    [name, message].every((text) => typeof text === 'string') &&
    [code, stack].every((text) => text === null || typeof text === 'string') &&
    (fields === undefined || isRecord(fields)) &&
    isCause(cause, depth + 1)
  )
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value > 0
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function areAll<T>(value: unknown, check: (item: unknown) => item is T): value is readonly T[] {
  // Array.from also sees the holes of a list.
  return Array.isArray(value) && Array.from(value).every(check)
}
