import { assert } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import { PIN_FIRST_REPLICATOR, PIN_LAST_REPLICATOR } from '../../lib/log/slab.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'

/**
 * S11: what a leader's replicators and its consensus actor know of each other without a message, so
 * that a blocked thread need not run to be noticed. One writer for each word:
 *
 * | word  | writer     | what                                                                    |
 * | ----- | ---------- | ----------------------------------------------------------------------- |
 * | 0     | consensus  | monotonic ms of its latest turn                                         |
 * | 1     | consensus  | monotonic ms since which the oldest unflushed append waits; 0: none     |
 * | 2     | consensus  | commit index                                                            |
 * | 3..31 | replicator | by pin slot: the newest term in which it fell silent or was overtaken   |
 */
const CONSENSUS_ALIVE_AT = 0
const OLDEST_UNFLUSHED_AT = 1
const COMMIT_INDEX = 2
const WORDS = PIN_LAST_REPLICATOR + 1

/** The accesses to shared words; a test or the simulator interleaves them as it likes (S8). */
export type WordsPort = Pick<SharedWords, 'load' | 'store'>

export function allocateLeaderBoard(): SharedArrayBuffer {
  return SharedWords.allocate(WORDS)
}

/** The consensus actor's side. */
export class LeaderBoardWriter {
  readonly #words: WordsPort

  constructor(words: WordsPort) {
    this.#words = words
  }

  /** Monotonic ms; set at the beginning of every turn. */
  set consensusAliveAt(now: number) {
    this.#words.store(CONSENSUS_ALIVE_AT, now)
  }

  /** Monotonic ms, or 0 while nothing waits for a flush. */
  set oldestUnflushedAt(at: number) {
    this.#words.store(OLDEST_UNFLUSHED_AT, at === 0 ? 0 : Math.max(1, at))
  }

  set commitIndex(index: LogIndex) {
    this.#words.store(COMMIT_INDEX, index)
  }

  /**
   * Whether this leadership is over although no message has said so yet. A lease read checks it: another
   * node may lead already (S11).
   */
  isRevoked(term: Term): boolean {
    return anyRevoked(this.#words, term)
  }
}

/** A replicator's side. */
export class LeaderBoardReader {
  readonly #words: WordsPort
  readonly #slot: number

  /** `pinSlot` is the replicator's own and names its revoke word. */
  constructor(words: WordsPort, pinSlot: number) {
    assert(
      pinSlot >= PIN_FIRST_REPLICATOR && pinSlot <= PIN_LAST_REPLICATOR,
      'a revoke word belongs to the pin slot of a replicator',
      { pinSlot, first: PIN_FIRST_REPLICATOR, last: PIN_LAST_REPLICATOR },
    )
    this.#words = words
    this.#slot = pinSlot
  }

  get commitIndex(): LogIndex {
    return this.#words.load(COMMIT_INDEX)
  }

  /** Ms since the consensus actor last took a turn. */
  silence(now: number): number {
    return now - this.#words.load(CONSENSUS_ALIVE_AT)
  }

  /** Ms that the oldest append has been waiting for its flush; 0 when none waits. */
  flushAge(now: number): number {
    const at = this.#words.load(OLDEST_UNFLUSHED_AT)
    return at === 0 ? 0 : now - at
  }

  /** For ever: the word only grows, so that a replicator started anew stays silent too. */
  revoke(term: Term): void {
    if (this.#words.load(this.#slot) < term) this.#words.store(this.#slot, term)
  }

  /** By any replicator: they all speak for the same leader. */
  isRevoked(term: Term): boolean {
    return anyRevoked(this.#words, term)
  }
}

function anyRevoked(words: WordsPort, term: Term): boolean {
  for (let slot = PIN_FIRST_REPLICATOR; slot <= PIN_LAST_REPLICATOR; slot++) {
    if (words.load(slot) >= term) return true
  }
  return false
}
