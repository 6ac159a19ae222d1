import {
  encodeForward,
  type ForwardReply,
  type ForwardRequest,
  packBytes,
} from '../../lib/node/forward-body.js'
import { bytes } from '../node/fixtures/callers.js'
import { FakeConsensus } from '../node/fixtures/fake-consensus.js'
import { burst } from '../node/fixtures/virtual-time.js'
import { fuzz } from './support/fuzz.js'

/** Fuzzed: the bodies of requests that nodes forward to each other, and of their replies. */

const commands = packBytes([bytes('a'), bytes('bc')])
const timeoutsMs = Float64Array.of(1000, 2000)
const server = { id: 'n4', address: 'n4:7701', meta: { http: 'http://n4' } }
const digest = '00112233445566778899aabbccddeeff'
const session = { kind: 'session', clientId: 4, sequence: 9, acknowledged: 8 } as const
const limits = { timeoutMs: 1000, maxKeys: 10, maxResultBytes: 100 }
const key = { kind: 'key', key: digest, request: digest, ...limits } as const

const requests: readonly ForwardRequest[] = [
  { kind: 'apply', commands, timeoutsMs },
  {
    kind: 'applyMarked',
    commands,
    timeoutsMs,
    marks: [
      { type: 0, identity: session },
      { type: 0, identity: key },
    ],
  },
  { kind: 'applyBatch', commands, timeoutMs: 1000 },
  { kind: 'readIndex', lease: false, timeoutMs: 1000 },
  { kind: 'administer', request: { kind: 'addVoter', server, prevIndex: 1 }, timeoutMs: 1000 },
  { kind: 'administer', request: { kind: 'removeServer', id: 'n3' }, timeoutMs: 1000 },
  { kind: 'administer', request: { kind: 'reconfigure', servers: [server] }, timeoutMs: 1000 },
  { kind: 'administer', request: { kind: 'transfer', to: 'n2' }, timeoutMs: 1000 },
  {
    kind: 'administer',
    request: { kind: 'updateServer', id: 'n3', change: { address: 'n3:1', suffrage: 'voter' } },
    timeoutMs: 1000,
  },
  { kind: 'peers', timeoutMs: 1000 },
]

const dayMs = 86_400_000
let number = 0

/** A leader is sent the body, nothing is ever committed, and its time is over: it has answered. */
async function serve(body: Buffer): Promise<void> {
  const leader = new FakeConsensus({}, { id: 'n2' }).lead()
  const request = ++number
  leader.reply({ kind: 'forwarded', connection: 1, request, peer: 'n1', body })
  await burst()
  await leader.time.advance(1e300)
  const answers = leader.take('answerForwarded').filter((answer) => answer.request === request)
  if (answers.length !== 1) throw new Error(`${answers.length} answers`)
  if (leader.time.errors.length > 0) throw new Error(JSON.stringify(leader.time.errors))
}

fuzz({
  name: 'the body of a forwarded request, by the leader',
  samples: requests.map(encodeForward),
  read: serve,
  refuses: () => false,
  takesAll: true,
  inputs: 800,
})

const error = {
  code: 'RAFT_TIMEOUT',
  message: 'too late',
  outcome: 'unknown',
  details: { a: 1 },
  cause: { name: 'Error', message: 'why', code: null, details: null, stack: null, cause: null },
} as const

const replies: readonly ForwardReply[] = [
  { kind: 'applied', outcomes: [{ ok: true, index: 10, term: 2, result: { a: [1] } }] },
  { kind: 'applied', outcomes: [{ ok: false, error }] },
  {
    kind: 'appliedBatch',
    firstIndex: 9,
    term: 2,
    results: [
      { ok: true, value: 1 },
      { ok: false, error },
    ],
  },
  { kind: 'index', index: 77 },
  {
    kind: 'peers',
    peers: [
      { id: 'n3', matchIndex: 7, lastContactMs: 1.5, roundTripMs: null, incarnation: 'known' },
    ],
  },
  { kind: 'failed', error },
]

/** A follower waits for one answer to each of its requests; whatever comes, each of them ends. */
async function receive(body: Buffer): Promise<void> {
  const follower = new FakeConsensus().follow('n2')
  const calls: readonly Promise<unknown>[] = [
    follower.side.peerReports.ask({ forward: true }),
    follower.applier.applyWith(bytes('a'), { forward: true }),
    follower.applier.applyBatch([bytes('a'), bytes('b')], { forward: true }),
    follower.applier.applyWith(bytes('b'), { idempotencyKey: 'k' }),
  ]
  const ends = calls.map((call) =>
    call.then(
      () => {},
      () => {},
    ),
  )
  await burst()
  for (const { request } of follower.take('forward')) {
    follower.reply({ kind: 'forwardReply', request, body, sent: true })
  }
  const ended = Promise.all(ends)
  await follower.time.advance(dayMs)
  await ended
  if (follower.time.errors.length > 0) throw new Error(JSON.stringify(follower.time.errors))
}

fuzz({
  name: 'the reply to a forwarded request, by a follower',
  samples: replies.map(encodeForward),
  read: receive,
  refuses: () => false,
  takesAll: true,
  inputs: 500,
})
