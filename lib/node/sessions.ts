import { ENTRY_SESSION_OPEN } from '../log/batch.js'
import { encodeSessionOpening } from '../log/session-codec.js'
import { ClientSession, type SessionHost } from './client-session.js'
import { RaftError } from './errors.js'
import type { Applied, CallOptions } from './types.js'

/** What `RaftNode.session` takes. */
export interface SessionOptions extends CallOptions {
  /**
   * How long the session may go unused before it expires, by the leaders' clocks in the log; while its
   * node runs and reaches a leader it is used often enough by itself. Default: config.sessionTimeoutMs.
   */
  readonly sessionTimeoutMs?: number | undefined
}

const SHORTEST_TIMEOUT_MS = 100

export interface SessionsHost extends SessionHost {
  /** Uniform in [0, 1). */
  random(): number
}

/** Opens client sessions; commands are bytes. */
export class Sessions {
  readonly #host: SessionsHost

  constructor(host: SessionsHost) {
    this.#host = host
  }

  async open(options: SessionOptions = {}): Promise<ClientSession> {
    const { calls, forwarder, config, random } = this.#host
    const { sessionTimeoutMs = config.sessionTimeoutMs } = options
    const call = calls.start<Applied>('session', options, config.requestTimeoutMs)
    if (!isTimeout(sessionTimeoutMs)) call.reject(wrongTimeout(sessionTimeoutMs))
    if (!call.settled) {
      const { maxSessions, maxSessionResultBytes: maxResultBytes } = config
      const nonce = Math.floor(random() * Number.MAX_SAFE_INTEGER)
      const limits = { timeoutMs: sessionTimeoutMs, maxSessions, maxResultBytes }
      const data = encodeSessionOpening({ nonce, ...limits })
      // Proposed twice it opens two sessions, of which one is never used and expires.
      forwarder.applyOnce(call, data, () => ({ type: ENTRY_SESSION_OPEN }))
    }
    const { result } = await call.promise
    return new ClientSession(this.#host, result as number, sessionTimeoutMs)
  }
}

function isTimeout(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= SHORTEST_TIMEOUT_MS
}

function wrongTimeout(sessionTimeoutMs: number): RaftError {
  return new RaftError(
    'RAFT_CONFIG_INVALID',
    `session: sessionTimeoutMs is a whole number from ${SHORTEST_TIMEOUT_MS}; found ${sessionTimeoutMs}`,
    { outcome: 'rejected', details: { sessionTimeoutMs } },
  )
}
