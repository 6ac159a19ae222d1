/** Shorter runs are copied sooner by `set`. */
const LEAST_BYTES = 512

const { fill } = Buffer.prototype

/**
 * Copies all of `source` into `target`, beginning at `at`. Where one of the two lies in shared memory
 * `Uint8Array.set` copies word by word if both are aligned alike, else byte by byte, so that another
 * thread that writes there meanwhile would be seen; that takes up to fifteen times as long. What is copied
 * here nobody writes meanwhile (S7), and Buffer's `fill` with as many bytes as there is room is a plain
 * copy in native code.
 */
export function copyBytes(target: Uint8Array, source: Uint8Array, at = 0): void {
  if (source.length < LEAST_BYTES) target.set(source, at)
  else fill.call(target, source, at, at + source.length)
}
