import type { CoreConfig } from '../../../lib/core/core-state.js'
import type { Effect } from '../../../lib/core/effects.js'
import type { Input } from '../../../lib/core/inputs.js'
import { isVoter, membersOf } from '../../../lib/core/quorum.js'
import { type CoreStatus, RaftCore } from '../../../lib/core/raft-core.js'
import type { RequestVote } from '../../../lib/core/rpc.js'
import {
  type Configuration,
  FIRST_GENERATION,
  type IndexedConfiguration,
  type LogSummary,
  type NodeId,
  type Server,
  type Suffrage,
  type Term,
  type TermRun,
} from '../../../lib/core/types.js'

/** Single cores in a state that a test wants to begin with, built only through their inputs. */

export const CONFIG: CoreConfig = {
  heartbeatTimeoutMs: 1000,
  electionTimeoutMs: 1000,
  leaderLeaseTimeoutMs: 500,
  leaderStallTimeoutMs: 5000,
  maxClockDrift: 0.1,
  preVote: true,
  trailingLogs: 2,
  removeGraceMs: 5000,
  maxUncommittedBytes: 1000,
}

export function incarnationOf(id: NodeId): string {
  return `${id}-first`
}

export function serverOf(id: NodeId, suffrage: Suffrage = 'voter', addedAt = 1) {
  return { id, address: `${id}:1`, suffrage, addedAt }
}

/** Voters n1, n2, ... or, from names, those; a name ending in `?` is a nonvoter. */
export function members(of: number | readonly string[]): Configuration {
  const names = typeof of === 'number' ? Array.from({ length: of }, (_, i) => `n${i + 1}`) : of
  return {
    servers: names.map((name) =>
      name.endsWith('?') ? serverOf(name.slice(0, -1), 'nonvoter') : serverOf(name),
    ),
  }
}

/** Of a member that was there from the beginning. */
export const STANDING = { generation: FIRST_GENERATION, addedAt: 1 } as const

/** Everyone of them but `self`. */
export function peersOf(self: NodeId, { servers }: Configuration): readonly Server[] {
  return servers.filter(({ id }) => id !== self)
}

/** A log as recovery would find it: one batch of one entry for each term given, from index 1. */
export function logOf(
  terms: readonly Term[],
  configurations: readonly IndexedConfiguration[],
  base: { readonly index: number; readonly term: Term } = { index: 0, term: 0 },
): LogSummary {
  const termRuns: TermRun[] = []
  terms.forEach((term, position) => {
    const firstIndex = base.index + position + 1
    if (termRuns.at(-1)?.term !== term) termRuns.push({ firstIndex, term })
  })
  const lastIndex = base.index + terms.length
  const lastTerm = terms.at(-1) ?? base.term
  const firstIndex = base.index + 1
  return { firstIndex, lastIndex, lastTerm, prevTerm: base.term, termRuns, configurations }
}

export interface CoreOptions {
  readonly id?: NodeId
  readonly members?: Configuration
  readonly term?: Term
  readonly votedFor?: NodeId | null
  readonly promisedLeaseMs?: number
  /** Terms of the entries from index 1, or after the snapshot. The first entry is the configuration. */
  readonly log?: readonly Term[]
  readonly snapshot?: { readonly index: number; readonly term: Term }
  /** The log begins after it; by default after the snapshot. */
  readonly base?: { readonly index: number; readonly term: Term }
  readonly configurations?: readonly IndexedConfiguration[]
  readonly voteFloor?: { readonly index: number; readonly term: Term }
  readonly config?: Partial<CoreConfig>
  readonly mayVote?: boolean
  /** Names whose incarnation is not known yet. */
  readonly strangers?: readonly NodeId[]
}

/** A core with a clock, and with the memory of what it asked its actors for last. */
export class TestCore {
  readonly id: NodeId
  readonly core: RaftCore
  /** What it asked for before its first step. */
  readonly started: readonly Effect[]
  now = 0
  /** The newest request for votes that it has put out. */
  asked: RequestVote | null = null
  #hardStateSeq = 0
  #logSeq = 0

  constructor(options: CoreOptions = {}) {
    this.id = options.id ?? 'n1'
    const configuration = options.members ?? members(3)
    const { snapshot, voteFloor, base = snapshot } = options
    const terms = options.log ?? [1]
    const first = [{ index: 1, configuration }]
    const inLog = options.configurations ?? (base || terms.length === 0 ? [] : first)
    const others = membersOf(configuration).filter(({ id }) => !options.strangers?.includes(id))
    this.core = new RaftCore({
      id: this.id,
      incarnation: incarnationOf(this.id),
      config: { ...CONFIG, ...options.config },
      now: this.now,
      random: () => 0.5,
      hardState: {
        term: options.term ?? terms.at(-1) ?? snapshot?.term ?? 0,
        votedFor: options.votedFor ?? null,
        promisedLeaseMs: options.promisedLeaseMs ?? 0,
      },
      log: { ...logOf(terms, inLog, base), ...(voteFloor && { voteFloor }) },
      snapshot: snapshot ? { ...snapshot, configuration: { index: 1, configuration } } : null,
      incarnations: Object.fromEntries(others.map(({ id }) => [id, incarnationOf(id)])),
      mayVote: options.mayVote ?? true,
    })
    this.started = this.#note(this.core.start())
  }

  get status(): CoreStatus {
    return this.core.status()
  }

  step(input: Input): Effect[] {
    return this.#note(this.core.step(this.now, input))
  }

  /** Lets time pass, then steps. */
  after(milliseconds: number, input: Input): Effect[] {
    this.now += milliseconds
    return this.step(input)
  }

  /** Lets time pass up to the election deadline, and a tick with it. */
  timeout(): Effect[] {
    this.now = Math.max(this.now, this.core.nextDeadline())
    return this.step({ kind: 'tick' })
  }

  /** The newest hard state is durable. */
  saved(): Effect[] {
    return this.step({ kind: 'hardStateSaved', seq: this.#hardStateSeq })
  }

  /** The log is durable, by default as far as it was issued. */
  flushed(seq: number = this.#logSeq): Effect[] {
    return this.step({ kind: 'logFlushed', seq })
  }

  #note(effects: Effect[]): Effect[] {
    for (const effect of effects) {
      if (effect.kind === 'saveHardState') this.#hardStateSeq = effect.seq
      else if ('seq' in effect) this.#logSeq = effect.seq
      else if (effect.kind === 'requestVotes') this.asked = effect.request
    }
    return effects
  }
}

export function coreWith(options: CoreOptions = {}): TestCore {
  return new TestCore(options)
}

/** A follower that has heard nobody since its start. */
export function followerAt(term: Term, options: CoreOptions = {}): TestCore {
  return new TestCore({ ...options, term })
}

/** A follower of `leader`, heard just now, with the term saved and a lease of 500 ms promised. */
export function followerOf(leader: NodeId, term: Term, options: CoreOptions = {}): TestCore {
  const node = followerAt(term, options)
  const incarnation = incarnationOf(options.id ?? 'n1')
  const stamp = { addedAt: 1, incarnation, probe: 0, sentAt: node.now, leaseMs: 500 }
  const request = { kind: 'heartbeat', term, leader, ...stamp } as const
  node.step({ kind: 'heartbeat', connection: 9, request })
  node.saved()
  return node
}

export function preCandidateOf(size: number, options: CoreOptions = {}): TestCore {
  const node = coreWith({ members: members(size), ...options })
  node.timeout()
  return node
}

/** A candidate whose own vote is saved. */
export function candidateOf(size: number, options: CoreOptions = {}): TestCore {
  const node = preCandidateOf(size, options)
  if (node.status.role === 'preCandidate') giveVotes(node)
  node.saved()
  return node
}

/** A leader whose no-op is not flushed yet. */
export function newLeaderOf(size: number, options: CoreOptions = {}): TestCore {
  const node = candidateOf(size, options)
  giveVotes(node)
  return node
}

/** A leader whose no-op is committed by itself and the other voters. */
export function leaderOf(size: number, options: CoreOptions = {}): TestCore {
  const node = newLeaderOf(size, options)
  node.flushed()
  const { term, lastLogIndex: matchIndex } = node.status
  for (const peer of otherVoters(node)) {
    const session = { term, addedAt: 1, incarnation: incarnationOf(peer) }
    node.step({ kind: 'matched', peer, session, matchIndex })
  }
  return node
}

function giveVotes(node: TestCore): void {
  if (node.asked === null) throw new Error('it has asked nobody for a vote')
  const { preVote, term, round } = node.asked
  const reply = {
    kind: 'voteReply',
    preVote,
    term,
    granted: true,
    round,
    reason: '',
    outsideSince: 0,
  } as const
  for (const from of otherVoters(node)) node.step({ kind: 'voteReply', from, reply })
}

export function otherVoters(node: TestCore): readonly NodeId[] {
  const { configuration } = node.status.configuration
  const voters = membersOf(configuration).filter(({ id }) => isVoter(configuration, id))
  return voters.map(({ id }) => id).filter((id) => id !== node.id)
}
