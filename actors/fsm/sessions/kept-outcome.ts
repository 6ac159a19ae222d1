import type { CommandError } from '../../../lib/fsm/state-machine.js'
import type { WireError } from '../../../lib/runtime/wire-error.js'
import { decodeResult, encodeResult } from './result-bytes.js'

/** What a command came to, the same on every replica: no stack, no cause. */
export type KeptOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError }

type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: CommandError }

/** Null: it is too large, or no data. */
export function encodeOutcome(outcome: Outcome, maxBytes: number): Uint8Array | null {
  if (outcome.ok) return encodeResult([outcome.value], maxBytes)
  const { code, message, details } = outcome.error
  // Details that are no data are left out, as on their way to the first caller.
  return (
    encodeResult([code, message, details], maxBytes) ??
    encodeResult([code, message, null], maxBytes)
  )
}

/** @throws RangeError for anything but what `encodeOutcome` made */
export function decodeOutcome(bytes: Uint8Array): KeptOutcome {
  const fields = decodeResult(bytes)
  if (!Array.isArray(fields)) throw new RangeError('a kept outcome is no list')
  if (fields.length === 1) return { ok: true, value: fields[0] }
  const [code, message, details] = fields as [string, string, unknown]
  const error = { name: 'CommandError', message, code, details, stack: null, cause: null }
  return { ok: false, error }
}
