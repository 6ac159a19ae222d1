import t from 'tap'
import { raftErrorCodes } from '../../lib/node/error-codes.js'
import { raftErrorFromData, raftErrorToData } from '../../lib/node/error-wire.js'
import { httpStatus, isRaftError, RaftError } from '../../lib/node/errors.js'
import { fromWireError, toWireError } from '../../lib/runtime/wire-error.js'

/** API.md §2: code, outcome, HTTP status. */
const table: readonly (readonly [string, string | undefined, number])[] = [
  ['RAFT_NOT_LEADER', 'rejected', 503],
  ['RAFT_NO_LEADER', 'rejected', 503],
  ['RAFT_NOT_BOOTSTRAPPED', 'rejected', 503],
  ['RAFT_TRANSFER_IN_PROGRESS', 'rejected', 503],
  ['RAFT_OVERLOADED', 'rejected', 429],
  ['RAFT_ENTRY_TOO_LARGE', 'rejected', 413],
  ['RAFT_STORAGE_FULL', 'rejected', 507],
  ['RAFT_LEADERSHIP_LOST', 'unknown', 504],
  ['RAFT_ABORTED_BY_RESTORE', 'unknown', 504],
  ['RAFT_TIMEOUT', undefined, 503],
  ['RAFT_ABORTED', undefined, 503],
  ['RAFT_CLOSED', undefined, 503],
  ['RAFT_STORE_FAILED', undefined, 503],
  ['RAFT_STATE_MACHINE_FAILED', undefined, 503],
  ['RAFT_COMMAND_REJECTED', 'committed', 422],
  ['RAFT_RESULT_LOST', 'committed', 504],
  ['RAFT_CONFIGURATION_CONFLICT', 'rejected', 409],
  ['RAFT_CHANGE_IN_PROGRESS', 'rejected', 409],
  ['RAFT_NOTHING_TO_SNAPSHOT', 'rejected', 409],
  ['RAFT_BOOTSTRAP_MISMATCH', 'rejected', 409],
  ['RAFT_UNKNOWN_SERVER', 'rejected', 404],
  ['RAFT_TOO_STALE', undefined, 503],
  ['RAFT_LEASE_UNAVAILABLE', undefined, 503],
]

t.test('each code has the outcome and HTTP status of the error table', async (t) => {
  for (const [code, outcome, http] of table) {
    const known = raftErrorCodes.find((one) => one === code)
    if (known === undefined) return t.fail(`${code} is missing`)
    const error = new RaftError(known, 'message')
    t.strictSame([error.outcome, httpStatus(error)], [outcome, http], code)
  }
  for (const code of ['RAFT_CONFIG_INVALID', 'RAFT_LOST_STATE', 'RAFT_MODULE_LOAD'] as const) {
    t.equal(new RaftError(code, 'message').outcome, undefined, code)
  }
})

t.test('whatever may have been applied is 504 and not retryable', async (t) => {
  for (const code of raftErrorCodes) {
    const unknown = new RaftError(code, 'message', { outcome: 'unknown' })
    t.equal(httpStatus(unknown), 504, code)
    t.notOk(unknown.retryable, code)
  }
})

t.test(
  'a time limit may be retried only when the command was rejected, or was a read',
  async (t) => {
    t.ok(new RaftError('RAFT_TIMEOUT', 'm', { outcome: 'rejected' }).retryable)
    t.ok(new RaftError('RAFT_TIMEOUT', 'm').retryable)
    t.notOk(new RaftError('RAFT_TIMEOUT', 'm', { outcome: 'unknown' }).retryable)
    t.notOk(new RaftError('RAFT_ENTRY_TOO_LARGE', 'm').retryable)
  },
)

t.test('an aborted call has the name AbortError', async (t) => {
  t.equal(new RaftError('RAFT_ABORTED', 'm').name, 'AbortError')
  t.equal(new RaftError('RAFT_CLOSED', 'm').name, 'RaftError')
})

t.test('isRaftError tells by code, over threads and copies of the package', async (t) => {
  const error = new RaftError('RAFT_OVERLOADED', 'm')
  t.ok(isRaftError(error))
  t.ok(isRaftError(error, 'RAFT_OVERLOADED'))
  t.notOk(isRaftError(error, 'RAFT_CLOSED'))
  const part = Object.assign(new TypeError('m'), { code: 'RAFT_MODULE_LOAD' })
  t.ok(isRaftError(part, 'RAFT_MODULE_LOAD'), 'an error of a part with a code of ours')
  t.notOk(isRaftError(Object.assign(new Error('m'), { code: 'ENOENT' })))
  t.notOk(isRaftError({ code: 'RAFT_CLOSED' }), 'no error at all')
  t.notOk(isRaftError(null))
  t.notOk(isRaftError('RAFT_CLOSED'))
  const secondCopy = new URL('../../lib/node/errors.js?copy', import.meta.url)
  const copy = new (await import(secondCopy.href)).RaftError('RAFT_CLOSED', 'm')
  t.notOk(copy instanceof RaftError)
  t.ok(isRaftError(copy, 'RAFT_CLOSED'), 'another copy of the package')
  t.ok(isRaftError(fromWireError(toWireError(error)), 'RAFT_OVERLOADED'), 'back from a thread')
})

t.test('an error keeps everything on its way to another node', async (t) => {
  const error = new RaftError('RAFT_TIMEOUT', 'too late', {
    outcome: 'unknown',
    details: { leader: { id: 'n2' } },
    cause: new TypeError('because'),
  })
  const back = raftErrorFromData(structuredClone(raftErrorToData(error)))
  t.match(back, { code: 'RAFT_TIMEOUT', outcome: 'unknown', message: 'too late', retryable: false })
  t.strictSame(back.details, { leader: { id: 'n2' } })
  t.match(back.cause, { name: 'TypeError', message: 'because' })
})
