import { deflateInto, inflateInto } from './deflate.js'

/** What the threads of the compression pool run. Input and output lie in shared memory. */
export interface CompressionTask {
  readonly kind: 'deflate' | 'inflate'
  readonly input: Uint8Array
  readonly output: Uint8Array
}

/** Bytes written to `output`, or -1: the input is no chunk of that length. */
export function compressionTask({ kind, input, output }: CompressionTask): number {
  if (kind === 'deflate') return deflateInto(input, output)
  try {
    inflateInto(input, output)
    return output.length
  } catch {
    // The error's code would not survive the way back; the caller makes it anew.
    return -1
  }
}
