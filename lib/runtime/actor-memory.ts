import type { MailboxLimits } from './actor.js'
import { MailboxWords } from './mailbox-words.js'
import { StatsBlock } from './stats-block.js'

const STATS_AT = MailboxWords.BYTES
const LOG_AT = STATS_AT + 64
const TOTAL_BYTES = LOG_AT + 64

/** The shared memory of one actor: its mailbox words, its counters, and its log lane's word. */
export class ActorMemory {
  readonly memory: SharedArrayBuffer
  readonly words: MailboxWords
  readonly stats: StatsBlock
  /** Log records sent to the embedder's thread and not yet written there. */
  readonly pendingLog: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.words = new MailboxWords(memory)
    this.stats = new StatsBlock(memory, STATS_AT)
    this.pendingLog = new Int32Array(memory, LOG_AT, 1)
  }

  static allocate(limits: Partial<MailboxLimits> = {}): ActorMemory {
    const memory = new SharedArrayBuffer(TOTAL_BYTES)
    MailboxWords.create(memory, limits)
    return new ActorMemory(memory)
  }
}
