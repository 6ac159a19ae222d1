import { after } from '../../lib/runtime/clock.js'

/** Load and stalls last so long; nothing here waits for an event by sleeping. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    after(ms, resolve)
  })
}
