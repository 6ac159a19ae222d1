import type { CoreState } from './core-state.js'
import { isVoter } from './quorum.js'
import { stepDown } from './roles.js'
import { handOver } from './transfer.js'

/**
 * S15: a leader whose store has no room leads on: it refuses proposals and serves reads. It makes way as soon as
 * a voter holds more than it could store itself, which shows that there is room. To make way for voters whose
 * disks are as full would leave the cluster without a leader, for none of them could write its first entry.
 */
export function makeWayIfFull(state: CoreState, now: number): void {
  const { leading, storeFull, durable, configuration } = state
  if (leading === null || !storeFull) return
  const hasRoom = [...leading.progress.values()].some(
    ({ peer, matchIndex }) => isVoter(configuration, peer) && matchIndex > durable.index,
  )
  if (!hasRoom) return
  handOver(state, now)
  stepDown(state, now, 'the store is full')
}
