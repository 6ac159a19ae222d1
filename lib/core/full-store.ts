import type { CoreState } from './core-state.js'
import { isVoter } from './quorum.js'
import { stepDown } from './roles.js'
import { handOver } from './transfer.js'

/**
 * S15: a leader whose store has no room refuses proposals and serves reads. It makes way as soon as a voter holds
 * more than it could store itself, which shows that there is room, and at the latest when its entries have
 * waited for leaderStallTimeoutMs (S12): whether the others are as full or only hard to reach it cannot know.
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
