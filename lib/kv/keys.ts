import { CommandError } from '../fsm/state-machine.js'

/**
 * A key as the state machine holds it: one character for each byte of its UTF-8 form. Comparing two
 * such strings with `<` compares bytes, which is the order of lists on every replica and in every
 * language; an ASCII key is its own ByteKey.
 */
export type ByteKey = string

/** Longest key, in bytes of UTF-8. The shortest is one byte. */
export const maxKeyBytes = 1024

/** Throws a CommandError (KV_KEY_INVALID) for a key that is empty, too long or not valid Unicode. */
export function byteKey(key: string): ByteKey {
  return bytePrefix(key, checkKey(key))
}

/** The key's length in bytes; throws like `byteKey` when that is out of range. */
export function checkKey(key: string): number {
  const length = Buffer.byteLength(key, 'utf8')
  if (length === 0) throw new CommandError('KV_KEY_INVALID', 'a key has at least one byte')
  if (length > maxKeyBytes) {
    throw new CommandError(
      'KV_KEY_INVALID',
      `a key has at most ${maxKeyBytes} bytes, this one has ${length}`,
    )
  }
  return length
}

/** The same for a prefix or a position in the order: any length, the empty string too. */
export function bytePrefix(text: string, length = Buffer.byteLength(text, 'utf8')): ByteKey {
  // As many bytes as characters: ASCII, the same in both forms.
  if (length === text.length) return text
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.toString('utf8') !== text) {
    throw new CommandError('KV_KEY_INVALID', 'a key is Unicode text without lone surrogates')
  }
  return bytes.toString('latin1')
}

/** The key as people know it. */
export function keyText(key: ByteKey): string {
  const bytes = Buffer.from(key, 'latin1')
  return bytes.toString('utf8')
}
