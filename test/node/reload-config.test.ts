import t from 'tap'
import { isRaftError, type RaftError } from '../../lib/node/errors.js'
import { reloadableFields, reloadedConfig } from '../../lib/node/reload-config.js'
import { resolveConfig } from '../../lib/node/resolve-config.js'
import { errorOf } from './fixtures/callers.js'
import { virtualCounters } from './fixtures/virtual-counters.js'

const start = (given = {}) => ({ given, config: resolveConfig(given) })

function refusal(given: object, part: object): RaftError {
  try {
    reloadedConfig(start(given), part, undefined)
  } catch (error) {
    if (isRaftError(error, 'RAFT_CONFIG_INVALID')) return error
    throw error
  }
  throw new Error('expected a refusal')
}

t.test('a part changes what it names, and what follows from it', async (t) => {
  const { config, given } = reloadedConfig(
    start({ trailingLogEntries: 5 }),
    { heartbeatTimeoutMs: 50 },
    undefined,
  )
  t.match(config, {
    heartbeatTimeoutMs: 50,
    electionTimeoutMs: 50,
    leaderLeaseTimeoutMs: 50,
    heartbeatIntervalMs: 5,
    trailingLogEntries: 5,
  })
  t.strictSame(given, { trailingLogEntries: 5, heartbeatTimeoutMs: 50 })
})

t.test('what was given once stays given', async (t) => {
  const first = reloadedConfig(start(), { electionTimeoutMs: 3000 }, undefined)
  const second = reloadedConfig(first, { heartbeatTimeoutMs: 2000 }, undefined)
  t.equal(second.config.electionTimeoutMs, 3000)
})

t.test('the whole is checked, with what was given before', async (t) => {
  const error = refusal({ electionTimeoutMs: 1000 }, { heartbeatTimeoutMs: 1500 })
  t.match(error.message, /heartbeatTimeoutMs <= electionTimeoutMs; found .* 1500, .* 1000/)
  t.match(refusal({}, { snapshotIntervalMs: 1 }).message, /snapshotIntervalMs: .* found 1/)
  t.match(refusal({}, { heartbeat: 5 }).message, /config.heartbeat: there is no such field/)
})

t.test('a field that needs a restart is refused by name; its present value is not', async (t) => {
  const error = refusal({}, { maxEntryBytes: 1000, trailingLogEntries: 7 })
  t.match(error.message, /config.maxEntryBytes: a restart is needed .* it is 4194304, found 1000/)
  t.match(error.details, { field: 'maxEntryBytes', current: 4_194_304, value: 1000 })
  const same = reloadedConfig(start(), { maxEntryBytes: 4_194_304 }, undefined)
  t.equal(same.config.maxEntryBytes, 4_194_304)
})

t.test('a field given as undefined takes its default again', async (t) => {
  const part = { trailingLogEntries: undefined } as object
  const { config } = reloadedConfig(start({ trailingLogEntries: 5 }), part, undefined)
  t.equal(config.trailingLogEntries, 10_240)
})

t.test('every field that is said to be reloadable is one', async (t) => {
  for (const field of reloadableFields) t.ok(field in resolveConfig(), field)
})

t.test('nothing changes on an error', async (t) => {
  await using cluster = await virtualCounters({ nodes: 1 })
  const leader = await cluster.leader()
  const wrong = leader.reloadConfig({ requestTimeoutMs: 1, snapshotIntervalMs: 1 })
  t.equal((await errorOf(wrong)).code, 'RAFT_CONFIG_INVALID')
  await leader.apply({ add: 1 })
  await leader.reloadConfig({ requestTimeoutMs: 100 })
  await leader.close()
  const late = leader.reloadConfig({ requestTimeoutMs: 130 })
  t.equal((await errorOf(late)).code, 'RAFT_CLOSED')
})

t.test('a default time limit follows with the next call', async (t) => {
  await using cluster = await virtualCounters({ nodes: 2, config: { heartbeatTimeoutMs: 5000 } })
  const leader = await cluster.leader()
  await leader.reloadConfig({ requestTimeoutMs: 50 })
  const follower = cluster.nodes.find((node) => node !== leader)
  cluster.isolate(follower?.id ?? '')
  t.match(await errorOf(leader.apply({ add: 1 })), { code: 'RAFT_TIMEOUT', message: /50 ms/ })
})

t.test('calls take effect in the order in which they were made', async (t) => {
  await using cluster = await virtualCounters({ nodes: 1 })
  const leader = await cluster.leader()
  const calls = [400, 300, 200].map((ms) => leader.reloadConfig({ heartbeatTimeoutMs: ms }))
  await Promise.all(calls)
  await t.rejects(leader.reloadConfig({ leaderLeaseTimeoutMs: 201 }), {
    message: /heartbeatTimeoutMs is 200/,
  })
})
