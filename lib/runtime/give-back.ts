import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** Less than this is not worth the call. */
const LEAST_BYTES = 16 * 1024

let port: MessagePort | null = null

/**
 * Frees the memory of `bytes` now and leaves them empty. For large buffers that nobody else has seen, such
 * as what a socket has read: the collector only sees their small wrappers and would let tens of
 * megabytes of them gather on each thread. Does nothing where the memory is shared, or holds more.
 */
export function giveBack(bytes: Uint8Array): void {
  const { buffer, length } = bytes
  if (length < LEAST_BYTES || !(buffer instanceof ArrayBuffer)) return
  if (length < buffer.byteLength) return
  // What is transferred to a closed port ends there.
  port ??= closedPort()
  port.postMessage(undefined, [buffer])
}

/**
 * Like `giveBack` for the whole buffer of which `bytes` are a part. Not when that may be the pool from which
 * Node.js cuts small buffers: 8 KiB in Node.js 20 and 22, but 64 KiB in 24, and it is everybody's.
 */
export function giveBackAll(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength <= Buffer.poolSize) return
  giveBack(new Uint8Array(bytes.buffer as ArrayBuffer))
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}
