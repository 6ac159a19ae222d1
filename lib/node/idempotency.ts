import { createHash } from 'node:crypto'
import { ENTRY_COMMAND } from '../log/batch.js'
import type { ResolvedConfig } from './config.js'
import type { EntryMark } from './entry-mark.js'
import { RaftError } from './errors.js'

/** Longest idempotency key, in bytes of UTF-8. */
export const MAX_IDEMPOTENCY_KEY_BYTES = 255

/** Digests of 16 bytes: that two of them meet by chance is as good as impossible. */
const DIGEST_DIGITS = 32

type Limits = Pick<
  ResolvedConfig,
  'idempotencyTimeoutMs' | 'maxIdempotencyKeys' | 'maxIdempotencyResultBytes'
>

/**
 * Marks a command with its caller's key: every replica applies it for the first entry that bears the
 * key and answers later ones alike, and refuses another command under the same key.
 * @throws RaftError RAFT_CONFIG_INVALID for a key that is empty or too long
 */
export function keyMark(key: string, command: Uint8Array, config: Limits): EntryMark {
  const bytes = Buffer.byteLength(key, 'utf8')
  if (bytes < 1 || bytes > MAX_IDEMPOTENCY_KEY_BYTES) {
    throw new RaftError(
      'RAFT_CONFIG_INVALID',
      `an idempotency key has 1 to ${MAX_IDEMPOTENCY_KEY_BYTES} bytes, found ${bytes}`,
      { outcome: 'rejected', details: { bytes } },
    )
  }
  return {
    type: ENTRY_COMMAND,
    identity: {
      kind: 'key',
      key: digest(key),
      request: digest(command),
      timeoutMs: config.idempotencyTimeoutMs,
      maxKeys: config.maxIdempotencyKeys,
      maxResultBytes: config.maxIdempotencyResultBytes,
    },
  }
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, DIGEST_DIGITS)
}
