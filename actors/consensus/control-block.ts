import type { ControlBlock } from '../../lib/core/effects.js'
import type { Heartbeat } from '../../lib/core/rpc.js'
import type { NodeId } from '../../lib/core/types.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'

/**
 * S9: what lets the inbound actor answer heartbeats while the consensus actor is busy. The consensus
 * actor alone writes the block and the inbound actor alone the contact word:
 *
 * | word | what                                                                      |
 * | ---- | ------------------------------------------------------------------------- |
 * | 0    | version: odd while a block is published, even while it is withdrawn       |
 * | 1..4 | term, hash of the leader's id, addedAt, longest promise in ms             |
 * | 5    | contact: monotonic microseconds of the latest answered heartbeat          |
 *
 * The answering side stores the contact and then loads the version; the withdrawing side stores the
 * version and then loads the contact. These accesses have one order for both (Atomics), so at least
 * one sees the other's store: a heartbeat is either answered and its contact seen by the step that
 * follows the withdrawal, or it is not answered.
 */
const VERSION = 0
const TERM = 1
const LEADER = 2
const ADDED_AT = 3
const LEASE_MS = 4
const CONTACT = 5
const WORDS = 6

/** The accesses to shared words; a test or the simulator interleaves them as it likes (S8). */
export type WordsPort = Pick<SharedWords, 'load' | 'store'>

/** Withdrawn, with no contact. */
export function allocateControlBlock(): SharedArrayBuffer {
  return SharedWords.allocate(WORDS)
}

/** The consensus actor's side. */
export class ControlBlockWriter {
  readonly #words: WordsPort
  #version: number

  constructor(words: WordsPort) {
    this.#words = words
    this.#version = words.load(VERSION)
  }

  /** Only once the hard state that goes with it is durable. Replaces a block that is out. */
  publish(block: ControlBlock): void {
    this.withdraw()
    this.#words.store(TERM, block.term)
    this.#words.store(LEADER, leaderHash(block.leader))
    this.#words.store(ADDED_AT, block.addedAt)
    this.#words.store(LEASE_MS, block.leaseMs)
    this.#step()
  }

  /** When this returns no further heartbeat is answered; `contact` then tells of all that were. */
  withdraw(): void {
    if (this.#version % 2 === 1) this.#step()
  }

  get published(): boolean {
    return this.#version % 2 === 1
  }

  /** Monotonic ms at which a heartbeat was last answered here; null: never. */
  contact(): number | null {
    const microseconds = this.#words.load(CONTACT)
    return microseconds === 0 ? null : microseconds / 1000
  }

  #step(): void {
    this.#version += 1
    this.#words.store(VERSION, this.#version)
  }
}

/** The inbound actor's side. */
export class ControlBlockReader {
  readonly #words: WordsPort

  constructor(words: WordsPort) {
    this.#words = words
  }

  /**
   * Whether this heartbeat, received at `now`, may be answered as accepted without asking anyone. The
   * caller has compared the incarnation with its own. False: it is the core's to answer.
   */
  answer(heartbeat: Heartbeat, now: number): boolean {
    const words = this.#words
    const version = words.load(VERSION)
    if (version % 2 === 0) return false
    const matches =
      words.load(TERM) === heartbeat.term &&
      words.load(LEADER) === leaderHash(heartbeat.leader) &&
      words.load(ADDED_AT) === heartbeat.addedAt &&
      // S10: a longer promise than the durable one is the core's to make.
      words.load(LEASE_MS) >= heartbeat.leaseMs
    // A block replaced meanwhile may have matched by halves: no contact for that.
    if (!matches || words.load(VERSION) !== version) return false
    words.store(CONTACT, now * 1000)
    return words.load(VERSION) === version
  }
}

let hashed: { readonly leader: NodeId; readonly hash: number } = { leader: '', hash: 0 }

/** 53 bits of FNV-1a. The term alone names its leader; this guards against a mistake. */
export function leaderHash(leader: NodeId): number {
  if (hashed.leader !== leader) hashed = { leader, hash: fnv1a(leader) }
  return hashed.hash
}

function fnv1a(text: string): number {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return Number(hash & 0x1fffffffffffffn)
}
