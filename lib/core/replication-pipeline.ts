import type { FedBatch, FedChunk } from './replication-messages.js'
import { beginSnapshot } from './replication-snapshot.js'
import type { ReplicationState } from './replication-state.js'

/** The codec of the wire takes no more batches in one request. */
const MAX_BATCHES_PER_APPEND = 1024

/** The match is known: send everything after it as it comes. */
export function beginPipeline<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  state.mode = 'pipeline'
  state.search = null
  state.prev = state.match
  state.openFeed(state.nextIndex, state.config.maxInflightBytes)
}

export function advancePipeline<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  while (hasRoom(state)) sendNext(state)
  const bytes = state.feed.grant(state.window.bytes)
  if (bytes > 0) state.emit({ kind: 'credit', feed: state.feed.number, bytes })
  tellCommit(state)
}

/** S6: whole batches; the first may begin below nextIndex, and the follower skips what it holds. */
function sendNext<B extends FedBatch, C extends FedChunk>(state: ReplicationState<B, C>): void {
  const { config, window, feed } = state
  const room = Math.min(config.maxAppendBytes, config.maxInflightBytes - window.bytes)
  const batches = feed.take(room, MAX_BATCHES_PER_APPEND)
  const [first, last] = [batches[0], batches.at(-1)]
  if (first === undefined || last === undefined) return
  state.sendAppend({ index: first.firstIndex - 1, term: first.prevTerm }, batches)
  state.prev = { index: last.firstIndex + last.count - 1, term: last.term }
}

function hasRoom<B extends FedBatch, C extends FedChunk>(state: ReplicationState<B, C>): boolean {
  const { config, window, feed } = state
  if (feed.isEmpty || window.requests >= config.maxInflightRequests) return false
  // A batch larger than the whole window goes alone.
  return window.bytes === 0 || window.bytes + feed.nextLength <= config.maxInflightBytes
}

/** With nothing in flight and nothing to send, the follower may lack the newest commit index. */
export function mayLackCommit<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): boolean {
  return state.window.isEmpty && state.feed.isEmpty && state.toldCommit < state.prev.index
}

function tellCommit<B extends FedBatch, C extends FedChunk>(state: ReplicationState<B, C>): void {
  if (!mayLackCommit(state) || state.now < state.commitLookAt) return
  const canCommit = Math.min(state.commitIndex, state.prev.index)
  if (canCommit > state.toldCommit) state.sendAppend(state.prev, [])
  else state.commitLookAt = state.now + state.config.commitTimeoutMs
}

export function onFed<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  batches: readonly B[],
  compacted: boolean,
): void {
  for (const [position, batch] of batches.entries()) {
    if (state.feed.push(batch)) continue
    // A message to this side was lost: ask again from the first entry that is not sent.
    state.release(batches.slice(position))
    state.closeFeed()
    state.openFeed(state.nextIndex, state.config.maxInflightBytes - state.window.bytes)
    return
  }
  if (compacted) beginSnapshot(state)
}
