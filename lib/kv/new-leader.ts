import type { LeaderInfo } from '../node/types.js'
import { after } from '../runtime/clock.js'
import type { KvReplica } from './replica.js'

/** After a transfer the new leader is a few round trips away; what takes longer is not worth waiting for. */
const waitMs = 2000

/**
 * Whom this node takes for the leader once a transfer is done: `to`, or anyone but the one before. What
 * it knows by then, when it hears of no such leader.
 */
export async function leaderAfter(
  node: KvReplica,
  { before, to }: { readonly before: string | null; readonly to: string | null },
): Promise<LeaderInfo | null> {
  const isNew = (id: string | null) => id !== null && (to === null ? id !== before : id === to)
  if (isNew(node.leader?.id ?? null)) return node.leader
  await new Promise<void>((resolve) => {
    const done = () => {
      forget()
      timer.cancel()
      resolve()
    }
    const timer = after(waitMs, done)
    const forget = node.on('leader', ({ leader }) => {
      if (isNew(leader)) done()
    })
  })
  return node.leader
}
