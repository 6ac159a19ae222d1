import type { Input, ReceivedConfiguration } from '../../../lib/core/inputs.js'
import type { BatchSpan, LogIndex, NodeId, Session, Term } from '../../../lib/core/types.js'
import { incarnationOf } from './cores.js'

/** Inputs with the fields that a test does not care about filled in. Most come on connection 1. */

type InputOf<Kind extends Input['kind']> = Extract<Input, { kind: Kind }>
type Position = readonly [index: LogIndex, term: Term]

export const TICK: Input = { kind: 'tick' }

/** A RequestVote of n2 for `term`, with a log that ends at `last` (by default one entry of term 1). */
export function vote(
  term: Term,
  more: {
    readonly from?: NodeId
    readonly last?: Position
    readonly preVote?: boolean
    readonly transfer?: boolean
    readonly connection?: number
  } = {},
): InputOf<'requestVote'> {
  const [lastLogIndex, lastLogTerm] = more.last ?? [1, 1]
  const { preVote = false, transfer = false, from: candidate = 'n2', connection = 1 } = more
  const log = { lastLogIndex, lastLogTerm }
  const request = {
    kind: 'requestVote',
    preVote,
    term,
    candidate,
    ...log,
    transfer,
    round: 7,
  } as const
  return { kind: 'requestVote', connection, request }
}

export function preVote(term: Term, more: Parameters<typeof vote>[1] = {}): InputOf<'requestVote'> {
  return vote(term, { ...more, preVote: true })
}

export function voteReply(
  from: NodeId,
  reply: {
    readonly term: Term
    readonly granted: boolean
    readonly round: number
    readonly preVote?: boolean
    readonly outsideSince?: number
  },
): InputOf<'voteReply'> {
  const defaults = { preVote: false, reason: '', outsideSince: 0 }
  return { kind: 'voteReply', from, reply: { kind: 'voteReply', ...defaults, ...reply } }
}

/** A batch of the entries from `firstIndex` to `lastIndex`, all of `term`. */
export function batch(firstIndex: LogIndex, lastIndex: LogIndex, term: Term): BatchSpan {
  return { firstIndex, lastIndex, term }
}

/** Batches of one entry each, of these terms, from `firstIndex`. */
export function entries(firstIndex: LogIndex, ...terms: readonly Term[]): readonly BatchSpan[] {
  return terms.map((term, i) => batch(firstIndex + i, firstIndex + i, term))
}

/** An AppendEntries of leader n2 after the entry `prev` (by default the first one, of term 1). */
export function append(
  term: Term,
  more: {
    readonly from?: NodeId
    readonly to?: NodeId
    readonly prev?: Position
    readonly batches?: readonly BatchSpan[]
    readonly commit?: LogIndex
    readonly request?: number
    readonly configurations?: readonly ReceivedConfiguration[]
    readonly incarnation?: string
  } = {},
): InputOf<'appendEntries'> {
  const [prevLogIndex, prevLogTerm] = more.prev ?? [1, 1]
  const request = {
    kind: 'appendEntries',
    term,
    leader: more.from ?? 'n2',
    addedAt: 1,
    incarnation: more.incarnation ?? incarnationOf(more.to ?? 'n1'),
    request: more.request ?? 1,
    prevLogIndex,
    prevLogTerm,
    leaderCommit: more.commit ?? 0,
    batches: more.batches ?? [],
  } as const
  const { configurations = [] } = more
  return { kind: 'appendEntries', connection: 1, token: 5, request, configurations }
}

export function heartbeat(
  term: Term,
  more: {
    readonly from?: NodeId
    readonly probe?: number
    readonly sentAt?: number
    readonly leaseMs?: number
    readonly incarnation?: string
  } = {},
): InputOf<'heartbeat'> {
  const { from: leader = 'n2', probe = 3, sentAt = 42, leaseMs = 500 } = more
  const { incarnation = incarnationOf('n1') } = more
  const stamp = { addedAt: 1, incarnation, probe, sentAt, leaseMs }
  return {
    kind: 'heartbeat',
    connection: 1,
    request: { kind: 'heartbeat', term, leader, ...stamp },
  }
}

export function timeoutNow(term: Term, leader: NodeId = 'n2'): InputOf<'timeoutNow'> {
  return { kind: 'timeoutNow', request: { kind: 'timeoutNow', term, leader } }
}

export function session(peer: NodeId, term: Term, other: Partial<Session> = {}): Session {
  return { term, addedAt: 1, incarnation: incarnationOf(peer), ...other }
}

export function matched(
  peer: NodeId,
  term: Term,
  matchIndex: LogIndex,
  other: Partial<Session> = {},
): InputOf<'matched'> {
  return { kind: 'matched', peer, session: session(peer, term, other), matchIndex }
}

/** The answer to a heartbeat sent at `sentAt`, come at `receivedAt` (by default at once). */
export function heartbeatAck(
  peer: NodeId,
  term: Term,
  more: {
    readonly sentAt: number
    readonly receivedAt?: number
    readonly probe?: number
    readonly leaseMs?: number
    readonly session?: Partial<Session>
  },
): InputOf<'heartbeatAck'> {
  const { sentAt, receivedAt = sentAt, probe = 0, leaseMs = 500 } = more
  const of = session(peer, term, more.session)
  return { kind: 'heartbeatAck', peer, session: of, probe, sentAt, leaseMs, receivedAt }
}

export function propose(token: number, count = 1, bytes = 10): InputOf<'propose'> {
  return { kind: 'propose', token, count, bytes }
}

export function snapshotReceived(
  leaderTerm: Term,
  [index, term]: Position,
  configuration: InputOf<'snapshotReceived'>['configuration'],
): InputOf<'snapshotReceived'> {
  return { kind: 'snapshotReceived', leaderTerm, leader: 'n2', index, term, configuration }
}
