import type { FedBatch, FedChunk } from './replication-messages.js'
import { type Conflict, MatchSearch } from './replication-search.js'
import { beginSnapshot, onNotInstalled } from './replication-snapshot.js'
import type { ReplicationState } from './replication-state.js'
import type { SentRequest } from './replication-window.js'

/** Enough for one batch: a look-up wants only to know its terms. */
const LOOKUP_CREDIT = 1

/** Probe mode: find out where to ask, then ask with one empty AppendEntries at a time. */
export function advanceProbe<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  if (state.search !== null) {
    const { wanted, result } = state.search
    if (wanted !== null) {
      if (!state.feed.isOpen) state.openFeed(wanted + 1, LOOKUP_CREDIT)
      return
    }
    if (result === null) {
      beginSnapshot(state)
      return
    }
    state.search = null
    state.prev = result
  }
  if (state.window.isEmpty) state.sendAppend(state.prev, [])
}

/** A look-up was answered. */
export function onLookup<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  batches: readonly B[],
  compacted: boolean,
): void {
  const { search } = state
  const wanted = search?.wanted ?? null
  const first = batches[0]
  // An empty answer says nothing; the feed is asked again when its time is over.
  if (first === undefined && !compacted) return
  if (search !== null && wanted !== null) {
    if (first === undefined) search.compacted(wanted)
    else search.learn(wanted, first)
  }
  state.release(batches)
  state.closeFeed()
}

/** The follower does not hold `sent.prev`, or refuses what came after it. */
export function onRejection<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  sent: SentRequest,
  conflict: Conflict,
): void {
  state.forgetSent()
  if (hasLostState(state, sent, conflict)) {
    state.emit({ kind: 'lostState', lastIndex: conflict.lastIndex })
    state.end()
    return
  }
  if (state.mode === 'snapshot') {
    onNotInstalled(state)
    return
  }
  if (conflict.index === 0) {
    // Nothing of the two logs can be compared (uncertain.ts).
    beginSnapshot(state)
    return
  }
  const refused = !isConflict(sent, conflict) || sent.prev.index <= state.match.index
  if (refused || state.mode === 'pipeline') state.pauseAfterRefusal()
  state.probeFromMatch()
  if (!refused) state.search = new MatchSearch(state.match, sent.prev, conflict)
}

/** S16: what was acknowledged in this session is not there any more, or is something else. */
function hasLostState<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  sent: SentRequest,
  conflict: Conflict,
): boolean {
  if (conflict.lastIndex < state.match.index) return true
  const { prev } = sent
  return prev.index <= state.match.index && conflict.term !== 0 && conflict.term !== prev.term
}

/** False when the follower has the entry: then it refused for a reason of its own, e.g. a full disk. */
function isConflict(sent: SentRequest, conflict: Conflict): boolean {
  const { prev } = sent
  return conflict.term === 0 ? conflict.lastIndex < prev.index : conflict.term !== prev.term
}
