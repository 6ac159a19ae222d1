import type { ChunkReply, FedBatch, FedChunk } from './replication-messages.js'
import type { ReplicationState } from './replication-state.js'
import { SnapshotTransfer } from './replication-transfer.js'

/** An install that takes longer than this many stall timeouts is begun anew. */
const INSTALL_PATIENCE = 10
/** An install is asked after this often within one stall timeout. */
const VERIFIES_PER_STALL = 10

function verifyMs<B extends FedBatch, C extends FedChunk>(state: ReplicationState<B, C>): number {
  return state.config.replicationStallTimeoutMs / VERIFIES_PER_STALL
}

/** The log does not reach down to what the follower needs: send the newest snapshot. */
export function beginSnapshot<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  state.forgetSent()
  state.mode = 'snapshot'
  state.search = null
  state.transfer = new SnapshotTransfer(state.nextTransfer++)
}

export function advanceSnapshot<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  const { transfer } = state
  if (transfer === null) return
  if (transfer.verifyAt !== null) {
    verify(state, transfer)
    return
  }
  askForChunk(state, transfer)
  const chunk = transfer.next(state.now)
  if (chunk === null || transfer.meta === null) return
  state.emit({ kind: 'sendChunk', chunk, meta: transfer.meta })
  askForChunk(state, transfer)
}

function askForChunk<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  transfer: SnapshotTransfer<C>,
): void {
  const offset = transfer.ask(state.now)
  if (offset !== null) state.emit({ kind: 'wantChunk', transfer: transfer.number, offset })
}

/** An empty AppendEntries behind the snapshot succeeds once it is installed. */
function verify<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  transfer: SnapshotTransfer<C>,
): void {
  const { position, verifyAt } = transfer
  if (position === null || verifyAt === null) return
  if (state.window.isEmpty && state.now >= verifyAt) state.sendAppend(position, [])
}

/** The empty AppendEntries behind the snapshot was rejected: it is not installed (yet). */
export function onNotInstalled<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  state.transfer?.notInstalled(state.now, verifyMs(state))
}

/** Raft §7: replication goes on behind the snapshot. */
export function onInstalled<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  const transfer = state.transfer
  const position = transfer?.position
  if (transfer === null || position === null || position === undefined) return
  state.emit({ kind: 'snapshotSent', transfer: transfer.number })
  state.forgetSent()
  state.transfer = null
  state.probeFromMatch()
  if (position.index > state.match.index) state.prev = position
}

export function onChunk<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  chunk: C,
): void {
  if (state.transfer?.fed(chunk) === false) beginAnew(state)
}

export function onChunkReply<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
  reply: ChunkReply,
): void {
  const { transfer } = state
  if (transfer === null) return
  const answer = transfer.answered(state.now, reply, verifyMs(state))
  if (answer === 'installed') onInstalled(state)
  else if (answer === 'failed') beginAnew(state)
  else if (answer === 'resumed' && transfer.setbacks > 0) state.pauseAfterRefusal()
}

/** A chunk that does not come and an install that does not end are given up (S12). */
export function onTransferTick<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): void {
  const { transfer, now } = state
  const stall = state.config.replicationStallTimeoutMs
  const askedAt = transfer?.askedAt ?? Infinity
  const installingSince = transfer?.installingSince ?? Infinity
  if (now >= askedAt + stall || now >= installingSince + stall * INSTALL_PATIENCE) beginAnew(state)
}

/** What was sent of the old transfer is lost; the new one takes the newest snapshot. */
function beginAnew<B extends FedBatch, C extends FedChunk>(state: ReplicationState<B, C>): void {
  state.pauseAfterRefusal()
  beginSnapshot(state)
}
