import { BatchError } from './batch-error.js'

/** What the entry that opens a session says: the same limits for it on every replica. */
export interface SessionOpening {
  /** Drawn at random by whoever opens it, so that ids of different clusters and times never meet. */
  readonly nonce: number
  /** The session expires when it was not used for so long, in log time. */
  readonly timeoutMs: number
  /** Most sessions at a time; the one unused for longest makes room. */
  readonly maxSessions: number
  /** Most bytes of results kept for this session. */
  readonly maxResultBytes: number
}

/**
 * How far above the lowest result that it still waits for a client may number its commands: the most
 * commands that are remembered for one session.
 */
export const SESSION_WINDOW = 65_536

const VERSION = 1
const FIELDS = ['nonce', 'timeoutMs', 'maxSessions', 'maxResultBytes'] as const

/** The data of a session's first entry: JSON with a version, like a configuration's. */
export function encodeSessionOpening(opening: SessionOpening): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...opening }))
}

/** @throws BatchError when the bytes are none that this release knows. */
export function decodeSessionOpening(bytes: Uint8Array): SessionOpening {
  const value = parse(bytes)
  if (value?.version !== VERSION) {
    return fail(`expected version ${VERSION}, found ${JSON.stringify(value?.version)}`)
  }
  for (const field of FIELDS) {
    const number = value[field]
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) continue
    return fail(`${field} is ${JSON.stringify(number)}`)
  }
  const { nonce, timeoutMs, maxSessions, maxResultBytes } = value as unknown as SessionOpening
  return { nonce, timeoutMs, maxSessions, maxResultBytes }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    // TextDecoder refuses shared memory, so the few bytes are copied first.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes)))
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function fail(reason: string): never {
  throw new BatchError('entries', `the bytes do not open a session: ${reason}`)
}
