import t from 'tap'
import type { AppendEntries, AppendReply, RequestVote } from '../../lib/core/rpc.js'
import { Prng } from '../../lib/runtime/prng.js'
import { TransportError } from '../../lib/transport/errors.js'
import * as messages from '../../lib/transport/messages.js'

const LARGEST = Number.MAX_SAFE_INTEGER

const requestVote: RequestVote = {
  kind: 'requestVote',
  preVote: true,
  term: LARGEST,
  candidate: 'n1',
  lastLogIndex: 2 ** 32,
  lastLogTerm: 7,
  transfer: false,
  round: 3,
}

const appendEntries: AppendEntries = {
  kind: 'appendEntries',
  term: 9,
  leader: 'n1',
  addedAt: 1,
  incarnation: 'a1b2',
  request: 77,
  prevLogIndex: 99,
  prevLogTerm: 8,
  leaderCommit: 98,
  batches: [
    { firstIndex: 100, lastIndex: 101, term: 8 },
    { firstIndex: 102, lastIndex: 102, term: 9 },
  ],
}

const batches = [
  { firstIndex: 100, count: 2, term: 8, prevTerm: 8, length: 120 },
  { firstIndex: 102, count: 1, term: 9, prevTerm: 8, length: 80 },
]

const chunk: messages.SnapshotChunk = {
  kind: 'snapshotChunk',
  term: 4,
  leader: 'n1',
  incarnation: 'a1b2',
  addedAt: 2,
  transfer: 6,
  meta: {
    index: 500,
    term: 3,
    size: 4000,
    checksum: 0xfedcba98,
    configuration: {
      index: 400,
      configuration: {
        servers: [
          { id: 'n1', address: 'h:1', suffrage: 'voter', meta: { http: 'x' }, addedAt: 1 },
          { id: 'n2', address: 'h:2', suffrage: 'nonvoter', addedAt: 5 },
        ],
        outgoing: [{ id: 'n1', address: 'h:1', suffrage: 'voter', addedAt: 1 }],
      },
    },
  },
  offset: 1000,
  length: 4,
  compressed: false,
  done: false,
}

const payload = Uint8Array.from([1, 2, 3, 4])

/** Each message with its way there and back. */
const trips: Readonly<Record<string, () => [unknown, Uint8Array, (head: Uint8Array) => unknown]>> =
  {
    requestVote: () => [
      requestVote,
      messages.encodeRequestVote(requestVote),
      messages.decodeRequestVote,
    ],
    voteReply: () => {
      const reply = {
        kind: 'voteReply',
        preVote: false,
        term: 2,
        granted: true,
        round: 1,
        reason: 'é',
        outsideSince: 7,
      } as const
      return [reply, messages.encodeVoteReply(reply), messages.decodeVoteReply]
    },
    heartbeat: () => {
      const { term, leader, addedAt, incarnation } = appendEntries
      const beat = {
        kind: 'heartbeat',
        term,
        leader,
        addedAt,
        incarnation,
        probe: 5,
        sentAt: 1.25,
        leaseMs: 450.5,
      } as const
      return [beat, messages.encodeHeartbeat(beat), messages.decodeHeartbeat]
    },
    heartbeatReply: () => {
      const reply = {
        kind: 'heartbeatReply',
        term: 2,
        accepted: true,
        probe: 5,
        sentAt: 0.5,
        leaseMs: 1,
      } as const
      return [reply, messages.encodeHeartbeatReply(reply), messages.decodeHeartbeatReply]
    },
    timeoutNow: () => {
      const message = { kind: 'timeoutNow', term: 2, leader: 'n1' } as const
      return [message, messages.encodeTimeoutNow(message), messages.decodeTimeoutNow]
    },
    appendEntries: () => [
      { request: appendEntries, batches },
      messages.encodeAppendEntries(appendEntries, batches),
      (head) => messages.decodeAppendEntries(head, 200),
    ],
    appendReply: () => {
      const reply: AppendReply = {
        kind: 'appendReply',
        term: 2,
        request: 8,
        success: true,
        matchIndex: 12,
      }
      return [reply, messages.encodeAppendReply(reply), messages.decodeAppendReply]
    },
    rejection: () => {
      const conflict = { term: 3, index: 4, lastIndex: 5 }
      const reply: AppendReply = {
        kind: 'appendReply',
        term: 2,
        request: 8,
        success: false,
        matchIndex: 0,
        conflict,
      }
      return [reply, messages.encodeAppendReply(reply), messages.decodeAppendReply]
    },
    snapshotChunk: () => [
      chunk,
      messages.encodeSnapshotChunk(chunk, payload),
      (head) => messages.decodeSnapshotChunk(head, payload),
    ],
    snapshotChunkReply: () => {
      const reply = {
        kind: 'snapshotChunkReply',
        term: 1,
        transfer: 2,
        offset: 3,
        installed: true,
        failed: false,
      } as const
      return [reply, messages.encodeSnapshotChunkReply(reply), messages.decodeSnapshotChunkReply]
    },
    forwardRequest: () => {
      const request = { kind: 'forwardRequest', request: 5, timeoutMs: 1500.5 } as const
      return [
        request,
        messages.encodeForwardRequest(request, payload),
        (head) => messages.decodeForwardRequest(head, payload),
      ]
    },
    forwardReply: () => {
      const reply = { kind: 'forwardReply', request: 5, body: payload } as const
      return [
        reply,
        messages.encodeForwardReply(reply),
        (head) => messages.decodeForwardReply(head, payload),
      ]
    },
  }

function errorOf(run: () => unknown): TransportError | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof TransportError) return error
    throw error
  }
  return undefined
}

for (const [name, trip] of Object.entries(trips)) {
  t.test(`${name} comes back as it was encoded`, async (t) => {
    const [message, head, decode] = trip()
    t.same(decode(head), message)
  })

  t.test(`${name} cut short or too long is a typed error`, async (t) => {
    const [, head, decode] = trip()
    for (let length = 0; length < head.length; length++) {
      const error = errorOf(() => decode(head.subarray(0, length)))
      if (error === undefined) t.fail(`${length} of ${head.length} bytes were taken`)
    }
    t.ok(errorOf(() => decode(Buffer.concat([head, Buffer.from([0])]))))
  })

  t.test(`fuzz: ${name} with damaged bytes decodes or is a typed error`, async () => {
    const [, head, decode] = trip()
    for (let seed = 1; seed <= 500; seed++) {
      const prng = new Prng(seed)
      const damaged = Buffer.from(head)
      for (let flips = 1 + (prng.next() % 3); flips > 0; flips--) {
        const at = Math.floor(prng.random() * damaged.length)
        damaged[at] = prng.next() & 0xff
      }
      errorOf(() => decode(damaged))
    }
  })
}

t.test('a number above 2^53 - 1 is refused', async (t) => {
  const head = Buffer.from(messages.encodeTimeoutNow({ kind: 'timeoutNow', term: 1, leader: 'n' }))
  head.writeUInt32LE(0x200000, 4)
  t.match(errorOf(() => messages.decodeTimeoutNow(head))?.message, /2\^53/)
})

t.test(
  'S6: batches that leave a gap, fall back in term or do not fill the payload are refused',
  async (t) => {
    const [first, second] = batches
    if (first === undefined || second === undefined) return
    const wrong = [
      [first, { ...second, firstIndex: 103 }],
      [first, { ...second, prevTerm: 7 }],
      [first, { ...second, term: 7 }],
      [{ ...first, count: 0 }, second],
      [first, { ...second, length: 81 }],
    ]
    for (const list of wrong) {
      const head = messages.encodeAppendEntries(appendEntries, list)
      const error = errorOf(() => messages.decodeAppendEntries(head, 200))
      t.equal(error?.code, 'RAFT_MESSAGE_MALFORMED')
    }
  },
)

t.test('a batch count that the head cannot hold is refused without allocating', async (t) => {
  const none = { ...appendEntries, batches: [] }
  const head = Buffer.from(messages.encodeAppendEntries(none, []))
  head.writeUInt32LE(0xffffffff, head.length - 4)
  t.ok(errorOf(() => messages.decodeAppendEntries(head, 0)))
})

t.test('a payload with its own checksum in the head is verified', async (t) => {
  const head = messages.encodeSnapshotChunk(chunk, payload)
  const damaged = Uint8Array.from([1, 2, 3, 5])
  t.equal(errorOf(() => messages.decodeSnapshotChunk(head, damaged))?.code, 'RAFT_FRAME_CORRUPT')
})

t.test('a snapshot chunk past its snapshot, or without a configuration, is refused', async (t) => {
  const past = messages.encodeSnapshotChunk({ ...chunk, offset: 3997 }, payload)
  t.ok(errorOf(() => messages.decodeSnapshotChunk(past, payload)))
  const servers = [{ id: 1, address: 'h:1', suffrage: 'voter', addedAt: 1 }] as unknown as []
  const meta = { ...chunk.meta, configuration: { index: 1, configuration: { servers } } }
  const wrong = messages.encodeSnapshotChunk({ ...chunk, meta }, payload)
  t.ok(errorOf(() => messages.decodeSnapshotChunk(wrong, payload)))
})
