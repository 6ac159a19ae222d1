import { deflateInto } from './deflate.js'

/** What the threads of the compression pool run. Both pieces lie in shared memory. */
export interface CompressionTask {
  readonly input: Uint8Array
  /** As long as `input`. */
  readonly output: Uint8Array
}

/** Bytes written to `output`; 0: it does not pay. */
export function compressionTask({ input, output }: CompressionTask): number {
  return deflateInto(input, output)
}
