import t from 'tap'
import type { RaftConfig } from '../../lib/node/config.js'
import { crossRules, fieldRules } from '../../lib/node/config-rules.js'
import { isRaftError } from '../../lib/node/errors.js'
import { resolveConfig } from '../../lib/node/resolve-config.js'

/** The message of the refusal, which is a RAFT_CONFIG_INVALID. */
function refusal(config: object, maxPayloadBytes?: number): string {
  try {
    resolveConfig(config, maxPayloadBytes)
  } catch (error) {
    if (isRaftError(error, 'RAFT_CONFIG_INVALID')) return error.message
    throw error
  }
  throw new Error('expected a refusal')
}

t.test('nothing given: the defaults', async (t) => {
  t.match(resolveConfig(), {
    heartbeatTimeoutMs: 1000,
    electionTimeoutMs: 1000,
    heartbeatIntervalMs: 100,
    leaderLeaseTimeoutMs: 500,
    commitTimeoutMs: 50,
    leaderStallTimeoutMs: 5000,
    replicationStallTimeoutMs: 10_000,
    maxEntryBytes: 4_194_304,
    maxBatchBytes: 1_048_576,
    snapshotThresholdEntries: 8192,
    trailingLogEntries: 10_240,
  })
})

t.test('timeouts that are not given follow heartbeatTimeoutMs', async (t) => {
  t.match(resolveConfig({ heartbeatTimeoutMs: 200 }), {
    electionTimeoutMs: 200,
    heartbeatIntervalMs: 20,
    leaderLeaseTimeoutMs: 200,
  })
  t.match(resolveConfig({ heartbeatTimeoutMs: 20_000 }), {
    leaderLeaseTimeoutMs: 500,
    leaderStallTimeoutMs: 20_000,
    replicationStallTimeoutMs: 20_000,
  } as object)
})

t.test('a field given as undefined takes its default', async (t) => {
  t.equal(resolveConfig({ preVote: undefined } as object).preVote, true)
})

t.test('a wrong field is named, with its value and what it may be', async (t) => {
  t.equal(
    refusal({ maxBatchEntries: 0 }),
    'config.maxBatchEntries: expected a whole number from 1 to 1048576; found 0',
  )
  t.match(refusal({ maxEntryBytes: 1.5 }), /maxEntryBytes: expected a whole number .* found 1.5/)
  t.match(refusal({ heartbeatTimeoutMs: '200' }), /heartbeatTimeoutMs: .* found "200"/)
  t.match(refusal({ heartbeatTimeoutMs: Number.NaN }), /found NaN/)
  t.match(refusal({ preVote: 'yes' }), /preVote: expected true or false; found "yes"/)
  t.match(refusal({ heartbeatTimeout: 200 }), /config.heartbeatTimeout: there is no such field/)
})

/** For each rule between fields a configuration that breaks it and no other, and what the message names. */
const broken: readonly (readonly [config: Partial<RaftConfig>, message: RegExp])[] = [
  [
    { heartbeatIntervalMs: 400 },
    /3 \* heartbeatIntervalMs <= heartbeatTimeoutMs; found heartbeatIntervalMs is 400, heartbeatTimeoutMs is 1000/,
  ],
  [
    { leaderLeaseTimeoutMs: 1001 },
    /leaderLeaseTimeoutMs <= heartbeatTimeoutMs; found leaderLeaseTimeoutMs is 1001, heartbeatTimeoutMs is 1000/,
  ],
  [
    { electionTimeoutMs: 999 },
    /heartbeatTimeoutMs <= electionTimeoutMs; found heartbeatTimeoutMs is 1000, electionTimeoutMs is 999/,
  ],
  [
    { heartbeatIntervalMs: 100, leaderLeaseTimeoutMs: 110 },
    /a lease outlives the next heartbeat.*found heartbeatIntervalMs is 100, leaderLeaseTimeoutMs is 110, maxClockDrift is 0.1/,
  ],
  [
    { leaderStallTimeoutMs: 900 },
    /heartbeatTimeoutMs <= leaderStallTimeoutMs; found leaderStallTimeoutMs is 900/,
  ],
  [
    { replicationStallTimeoutMs: 900 },
    /heartbeatTimeoutMs <= replicationStallTimeoutMs; found replicationStallTimeoutMs is 900/,
  ],
  [
    { maxEntryBytes: 16 * 1024 * 1024 },
    /each fits in one frame .* found maxEntryBytes is 16777216/,
  ],
  [{ maxPendingBytes: 1024 }, /maxPendingBytes >= maxEntryBytes .* maxPendingBytes is 1024/],
  [{ maxPendingEntries: 10 }, /maxPendingEntries >= maxBatchEntries; .* is 10, .* is 8192/],
  [{ maxInflightBytes: 1024 }, /maxInflightBytes >= maxEntryBytes.* maxInflightBytes is 1024/],
  [{ tailMaxBytes: 65_536 }, /tailMaxBytes >= maxEntryBytes .* tailMaxBytes is 65536/],
  [{ maxApplyLagBytes: 1024 }, /maxApplyLagBytes >= maxEntryBytes .* maxApplyLagBytes is 1024/],
  [
    { maxApplyAheadBytes: 9_000_000, maxApplyLagBytes: 8_000_000 },
    /maxApplyAheadBytes <= maxApplyLagBytes; found .* 9000000, maxApplyLagBytes is 8000000/,
  ],
  [
    { deadServerGraceMs: 9_999 },
    /deadServerGraceMs is 0, or >= 10 \* heartbeatTimeoutMs .* found deadServerGraceMs is 9999/,
  ],
  [{ mailboxMaxBytes: 65_536 }, /mailboxMaxBytes >= maxPendingBytes.* mailboxMaxBytes is 65536/],
  [{ reconnectMinMs: 5000 }, /reconnectMinMs <= reconnectMaxMs; found reconnectMinMs is 5000/],
  [{ restartMinMs: 6000 }, /restartMinMs <= restartMaxMs; found restartMinMs is 6000/],
]

for (const [config, message] of broken) {
  t.test(`refused: ${JSON.stringify(config)}`, async (t) => {
    t.match(refusal(config), message)
  })
}

t.test('every rule between fields is broken by one of these', async (t) => {
  const texts = broken.map(([config]) => refusal(config))
  for (const { rule } of crossRules) {
    t.ok(
      texts.some((text) => text.includes(rule)),
      rule,
    )
  }
})

t.test('every field has its limits, and says what it takes', async (t) => {
  for (const [name, rule] of Object.entries(fieldRules)) {
    if (rule.kind === 'boolean') {
      t.match(refusal({ [name]: 1 }), `config.${name}: expected true or false; found 1`)
      continue
    }
    const kind = rule.whole ? 'a whole number' : 'a number'
    for (const value of [rule.min - 1, rule.max + 1024, Number.NaN, '9', null]) {
      t.match(
        refusal({ [name]: value }),
        `config.${name}: expected ${kind} from ${rule.min} to ${rule.max}; found`,
      )
    }
  }
})

t.test('what hashicorp/raft refuses is refused here', async (t) => {
  const cases: readonly (readonly [string, Partial<RaftConfig>])[] = [
    ['HeartbeatTimeout < 5 ms', { heartbeatTimeoutMs: 4 }],
    ['ElectionTimeout < 5 ms', { electionTimeoutMs: 4 }],
    ['CommitTimeout < 1 ms', { commitTimeoutMs: 0.5 }],
    ['MaxAppendEntries < 1', { maxApplyEntries: 0 }],
    ['SnapshotInterval < 5 ms', { snapshotIntervalMs: 4 }],
    ['LeaderLeaseTimeout < 5 ms', { leaderLeaseTimeoutMs: 4 }],
    ['LeaderLeaseTimeout > HeartbeatTimeout', { leaderLeaseTimeoutMs: 1001 }],
    ['ElectionTimeout < HeartbeatTimeout', { electionTimeoutMs: 999 }],
  ]
  for (const [rule, config] of cases) t.match(refusal(config), /./, rule)
})

t.test('an entry that would not fit in a frame of the transport is refused at start', async (t) => {
  t.match(refusal({}, 2_000_000), /fits in one frame .* maxEntryBytes is 4194304/)
  t.match(refusal({ maxEntryBytes: 16 * 1024 * 1024 }), /fits in one frame/)
  t.doesNotThrow(() => resolveConfig({ maxEntryBytes: 64 * 1024 }, 2_000_000))
})
