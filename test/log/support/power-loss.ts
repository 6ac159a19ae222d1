import { Prng } from '../../../lib/runtime/prng.js'
import type { Traced } from './strace.js'

/** A file as a disk has it: writes count once they are flushed; the others may be there in part. */
export class PowerLoss {
  readonly #random: Prng
  #durable: Buffer = Buffer.alloc(0)
  #pending: (Traced & { readonly kind: 'write' })[] = []

  constructor(seed: number) {
    this.#random = new Prng(seed)
  }

  take(event: Traced): void {
    if (event.kind === 'sync') {
      for (const write of this.#pending)
        this.#durable = written(this.#durable, write.at, write.bytes)
      this.#pending = []
    } else if (event.kind === 'write') {
      if (event.synced) this.#durable = written(this.#durable, event.at, event.bytes)
      else this.#pending.push(event)
    }
  }

  /** What is left when all, or some, of the unflushed writes are lost; torn at 512 bytes. */
  afterLoss(lost: 'all' | 'some'): Buffer {
    let file: Buffer = Buffer.from(this.#durable)
    if (lost === 'all') return file
    for (const { at, bytes } of this.#pending) {
      for (let start = 0; start < bytes.length; start += 512) {
        if (this.#random.chance(0.5)) {
          file = written(file, at + start, bytes.subarray(start, start + 512))
        }
      }
    }
    return file
  }
}

function written(file: Buffer, at: number, bytes: Uint8Array): Buffer {
  const end = at + bytes.length
  const grown = end > file.length ? Buffer.concat([file, Buffer.alloc(end - file.length)]) : file
  grown.set(bytes, at)
  return grown
}
