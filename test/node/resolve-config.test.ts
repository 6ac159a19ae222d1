import t from 'tap'
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

t.test('rules between fields are refused with all the values', async (t) => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ heartbeatIntervalMs: 400 }, /3 \* heartbeatIntervalMs .* 400, heartbeatTimeoutMs is 1000/],
    [{ leaderLeaseTimeoutMs: 1001 }, /leaderLeaseTimeoutMs <= heartbeatTimeoutMs; found .* 1001/],
    [{ electionTimeoutMs: 999 }, /heartbeatTimeoutMs <= electionTimeoutMs; found .* 999/],
    [
      { heartbeatIntervalMs: 100, leaderLeaseTimeoutMs: 110 },
      /a lease outlives the next heartbeat/,
    ],
    [{ leaderStallTimeoutMs: 900 }, /heartbeatTimeoutMs <= leaderStallTimeoutMs/],
    [{ replicationStallTimeoutMs: 900 }, /heartbeatTimeoutMs <= replicationStallTimeoutMs/],
    [{ maxPendingBytes: 1024 }, /maxPendingBytes >= maxEntryBytes/],
    [{ maxPendingEntries: 10 }, /maxPendingEntries >= maxBatchEntries/],
    [{ maxInflightBytes: 1024 }, /maxInflightBytes >= maxEntryBytes/],
    [{ tailMaxBytes: 65_536 }, /tailMaxBytes >= maxEntryBytes/],
    [{ maxApplyLagBytes: 1024 }, /maxApplyLagBytes >= maxEntryBytes/],
    [{ mailboxMaxBytes: 65_536 }, /mailboxMaxBytes >= maxPendingBytes/],
    [{ reconnectMinMs: 5000 }, /reconnectMinMs <= reconnectMaxMs/],
    [{ restartMinMs: 6000 }, /restartMinMs <= restartMaxMs/],
  ]
  for (const [config, rule] of cases) t.match(refusal(config), rule)
})

t.test('an entry that would not fit in a frame of the transport is refused at start', async (t) => {
  t.match(refusal({}, 2_000_000), /fits in one frame .* maxEntryBytes is 4194304/)
  t.match(refusal({ maxEntryBytes: 16 * 1024 * 1024 }), /fits in one frame/)
  t.doesNotThrow(() => resolveConfig({ maxEntryBytes: 64 * 1024 }, 2_000_000))
})
