import type { KvSnapshot } from '../../lib/kv/replica.js'
import { RaftError } from '../../lib/node/errors.js'
import type { RestoreMeta, RestoreSource } from '../../lib/node/restore-types.js'

/** Snapshots of so many bytes, and what was restored. */
export class FakeSnapshots {
  state: Uint8Array = Buffer.from('the state')
  /** Nothing has happened since the newest one. */
  nothing = false
  newest: KvSnapshot | null = null
  open = 0
  restored: { readonly meta: RestoreMeta; readonly state: Buffer } | null = null

  take(index: number): KvSnapshot {
    if (this.nothing) throw new RaftError('RAFT_NOTHING_TO_SNAPSHOT', 'nothing since')
    return this.of(index, this.state)
  }

  of(index: number, state: Uint8Array): KvSnapshot {
    return {
      index,
      term: 3,
      bytes: state.length,
      open: async () => {
        this.open++
        let closed = false
        const close = async () => {
          if (!closed) this.open--
          closed = true
        }
        return { [Symbol.asyncIterator]: () => pieces(state), close }
      },
    }
  }

  /** As a node does: what breaks off, or is of another length, changes nothing. */
  async restore(meta: RestoreMeta, source: RestoreSource): Promise<void> {
    const read: Uint8Array[] = []
    try {
      for await (const bytes of source) read.push(bytes)
    } catch (error) {
      throw new RaftError('RAFT_CORRUPT', 'the source broke off', { cause: error })
    }
    const state = Buffer.concat(read)
    if (state.length !== meta.size) throw new RaftError('RAFT_CORRUPT', 'another length')
    this.restored = { meta, state }
  }
}

const pieceBytes = 100_000

async function* pieces(state: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < state.length; at += pieceBytes) yield state.subarray(at, at + pieceBytes)
}
