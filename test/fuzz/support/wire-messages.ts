import * as messages from '../../../lib/transport/messages.js'

const { FrameType } = messages

/** A message as it travels, and its reader. */
export interface WireSample {
  readonly name: keyof typeof FrameType
  readonly type: messages.FrameType
  readonly head: Uint8Array
  readonly decode: (head: Uint8Array) => unknown
}

export const payload = Buffer.from('some bytes of state')

const sender = { leader: 'n1', incarnation: 'a1b2', addedAt: 2 }
const servers = [
  { id: 'n1', address: 'h:1', suffrage: 'voter', meta: { http: 'x' }, addedAt: 1 },
  { id: 'n2', address: 'h:2', suffrage: 'nonvoter', addedAt: 5 },
] as const

const batches = [
  { firstIndex: 100, count: 2, term: 8, prevTerm: 8, length: 120 },
  { firstIndex: 102, count: 1, term: 9, prevTerm: 8, length: 80 },
]

function sample(
  name: keyof typeof FrameType,
  head: Uint8Array,
  decode: (head: Uint8Array) => unknown,
): WireSample {
  return { name, type: FrameType[name], head, decode }
}

/** One of every kind of message between nodes. */
export const wireMessages: readonly WireSample[] = [
  sample(
    'requestVote',
    messages.encodeRequestVote({
      kind: 'requestVote',
      preVote: true,
      transfer: false,
      term: 7,
      candidate: 'n1',
      lastLogIndex: 900,
      lastLogTerm: 6,
      round: 3,
    }),
    messages.decodeRequestVote,
  ),
  sample(
    'voteReply',
    messages.encodeVoteReply({
      kind: 'voteReply',
      preVote: true,
      term: 7,
      granted: false,
      round: 3,
      reason: 'it hears a leader',
      outsideSince: 0,
    }),
    messages.decodeVoteReply,
  ),
  sample(
    'heartbeat',
    messages.encodeHeartbeat({
      kind: 'heartbeat',
      ...sender,
      term: 7,
      probe: 5,
      sentAt: 1.25,
      leaseMs: 450.5,
    }),
    messages.decodeHeartbeat,
  ),
  sample(
    'heartbeatReply',
    messages.encodeHeartbeatReply({
      kind: 'heartbeatReply',
      term: 7,
      accepted: true,
      probe: 5,
      sentAt: 1.25,
      leaseMs: 450.5,
    }),
    messages.decodeHeartbeatReply,
  ),
  sample(
    'timeoutNow',
    messages.encodeTimeoutNow({ kind: 'timeoutNow', term: 7, leader: 'n1' }),
    messages.decodeTimeoutNow,
  ),
  sample(
    'removed',
    messages.encodeRemoved({ kind: 'removed', term: 7, leader: 'n1', index: 40 }),
    messages.decodeRemoved,
  ),
  sample(
    'appendEntries',
    messages.encodeAppendEntries(
      {
        kind: 'appendEntries',
        ...sender,
        term: 9,
        request: 77,
        prevLogIndex: 99,
        prevLogTerm: 8,
        leaderCommit: 98,
        batches: batches.map(({ firstIndex, count, term }) => ({
          firstIndex,
          lastIndex: firstIndex + count - 1,
          term,
        })),
      },
      batches,
    ),
    (head) => messages.decodeAppendEntries(head, 200),
  ),
  sample(
    'appendReply',
    messages.encodeAppendReply({
      kind: 'appendReply',
      term: 9,
      request: 8,
      success: false,
      matchIndex: 0,
      conflict: { term: 3, index: 4, lastIndex: 5 },
    }),
    messages.decodeAppendReply,
  ),
  sample(
    'snapshotChunk',
    messages.encodeSnapshotChunk(
      {
        kind: 'snapshotChunk',
        ...sender,
        term: 9,
        transfer: 6,
        meta: {
          index: 500,
          term: 3,
          size: 4000,
          checksum: 0xfedcba98,
          configuration: { index: 400, configuration: { servers, outgoing: [servers[0]] } },
        },
        offset: 1000,
        length: payload.length,
        compressed: false,
        done: false,
      },
      payload,
    ),
    (head) => messages.decodeSnapshotChunk(head, payload),
  ),
  sample(
    'snapshotChunkReply',
    messages.encodeSnapshotChunkReply({
      kind: 'snapshotChunkReply',
      term: 9,
      transfer: 6,
      offset: 1019,
      installed: false,
      failed: false,
    }),
    messages.decodeSnapshotChunkReply,
  ),
  sample(
    'forwardRequest',
    messages.encodeForwardRequest(
      { kind: 'forwardRequest', request: 5, timeoutMs: 1500.5 },
      payload,
    ),
    (head) => messages.decodeForwardRequest(head, payload),
  ),
  sample(
    'forwardReply',
    messages.encodeForwardReply({ kind: 'forwardReply', request: 5, body: payload }),
    (head) => messages.decodeForwardReply(head, payload),
  ),
]
