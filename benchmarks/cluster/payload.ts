import { Prng } from '../../lib/runtime/prng.js'

const KEY_BYTES = 8

/** The commands of a load, one after the other. */
export type Payloads = () => Uint8Array

/** Always the same bytes: `apply` copies them before it returns. */
export function samePayload(size: number): Payloads {
  const payload = new Uint8Array(size).fill(120)
  return () => payload
}

/** Each begins with a key of eight digits: 0, 1, 2 and so on. */
export function keysInOrder(size: number): Payloads {
  let key = 0
  return keyed(size, () => key++)
}

/** Keys below `count`, the same ones in every run. */
export function seededKeys(size: number, count: number): Payloads {
  const random = new Prng(1)
  return keyed(size, () => random.next() % count)
}

function keyed(size: number, next: () => number): Payloads {
  return () => {
    const payload = Buffer.alloc(Math.max(size, KEY_BYTES), 120)
    payload.write(String(next()).padStart(KEY_BYTES, '0'), 'latin1')
    return payload
  }
}
