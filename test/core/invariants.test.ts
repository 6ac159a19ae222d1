import t from 'tap'
import {
  ClusterHistory,
  checkLogMatching,
  checkState,
  checkTransition,
} from '../../lib/core/invariants.js'
import type { CoreStatus } from '../../lib/core/raft-core.js'
import type { Term } from '../../lib/core/types.js'
import { leaderOf, members } from './helpers/cores.js'

/** The checks themselves: each finds what it is for. */

const BROKEN = { code: 'RAFT_INVARIANT' }

const SOUND: CoreStatus = {
  role: 'follower',
  term: 3,
  leader: 'n2',
  commitIndex: 5,
  lastLogIndex: 7,
  lastLogTerm: 3,
  flushedIndex: 6,
  baseIndex: 2,
  snapshotIndex: 4,
  snapshotTerm: 1,
  configuration: { index: 1, configuration: members(3) },
  committedConfigurationIndex: 1,
  lastContactAt: null,
  ready: false,
  uncertain: false,
}

const leader = (id: string, term = 3): CoreStatus => ({
  ...SOUND,
  role: 'leader',
  leader: id,
  term,
})

/** A node that has entries of these terms from index 1. */
function nodeWith(id: string, terms: readonly Term[], status: Partial<CoreStatus> = {}) {
  const marks = { baseIndex: 0, snapshotIndex: 0, commitIndex: 0, flushedIndex: terms.length }
  const end = { lastLogIndex: terms.length, lastLogTerm: terms.at(-1) ?? 0 }
  const all = { ...SOUND, committedConfigurationIndex: 0, ...marks, ...end, ...status }
  return {
    id,
    status: () => all,
    termAt: (index: number) => (index === 0 ? 0 : (terms[index - 1] ?? null)),
  }
}

t.test('a sound state passes, and so does a real leader', async (t) => {
  t.doesNotThrow(() => checkState('n1', SOUND))
  t.doesNotThrow(() => checkState('n1', leaderOf(3).status))
})

t.test('states that cannot be are found', async (t) => {
  const broken: Readonly<Record<string, Partial<CoreStatus>>> = {
    'compacted past the commit index': { baseIndex: 6, snapshotIndex: 6 },
    'committed past the end': { commitIndex: 8 },
    'flushed past the end': { flushedIndex: 8 },
    'compacted past the snapshot': { baseIndex: 5 },
    'a snapshot past the commit index': { snapshotIndex: 6 },
    'an entry of a later term': { lastLogTerm: 4 },
    'a leader that follows': { role: 'leader' },
    'a follower of itself': { leader: 'n1' },
    'a candidate with a leader': { role: 'candidate' },
    'a pre-candidate with a leader': { role: 'preCandidate' },
    'a ready follower': { ready: true },
    'a configuration past the end': { configuration: { index: 8, configuration: members(3) } },
    'a committed configuration newer than any': { committedConfigurationIndex: 2 },
  }
  for (const [what, change] of Object.entries(broken)) {
    t.throws(() => checkState('n1', { ...SOUND, ...change }), BROKEN, what)
  }
})

t.test('steps that cannot be are found', async (t) => {
  const step = (before: CoreStatus, change: Partial<CoreStatus>) => () =>
    checkTransition('n1', before, { ...before, ...change })
  t.doesNotThrow(step(SOUND, { term: 4, leader: null, role: 'candidate' }))
  t.throws(step(SOUND, { term: 2 }), BROKEN, 'a term that decreases')
  t.throws(step(SOUND, { commitIndex: 4 }), BROKEN, 'a commit index that decreases')
  t.throws(step(SOUND, { snapshotIndex: 3 }), BROKEN, 'a snapshot that goes back')
  t.throws(step(SOUND, leader('n1')), BROKEN, 'a follower that leads without a candidacy')
  t.throws(step(leader('n1'), { lastLogIndex: 6 }), BROKEN, 'a leader that cuts its log')
  t.throws(step(leader('n1'), { role: 'candidate' }), BROKEN, 'a leader that campaigns')
  t.throws(step(SOUND, { leader: 'n3' }), BROKEN, 'another leader in the same term')
})

t.test('logs that part and meet again are found (Log Matching)', async (t) => {
  const one = nodeWith('n1', [1, 1, 2, 3])
  t.doesNotThrow(() => checkLogMatching(one, nodeWith('n2', [1, 1, 2])))
  t.doesNotThrow(() => checkLogMatching(one, nodeWith('n2', [1, 1, 3, 4])))
  t.throws(() => checkLogMatching(one, nodeWith('n2', [1, 3, 2])), BROKEN)
  t.throws(() => checkLogMatching(nodeWith('n2', [1, 3, 2]), one), BROKEN)
})

t.test('two leaders in a term are found, whoever tells of them (Election Safety)', async (t) => {
  const history = new ClusterHistory()
  history.observe(nodeWith('n1', [1], { leader: 'n3' }), null)
  history.observe(nodeWith('n1', [1], { leader: 'n4', term: 4 }), null)
  t.throws(() => history.observe(nodeWith('n2', [1], { leader: 'n1' }), null), {
    message: /Election Safety/,
  })
})

t.test('a leader without a committed entry is found (Leader Completeness)', async (t) => {
  const history = new ClusterHistory()
  history.observe(nodeWith('n1', [1, 2], { commitIndex: 2 }), null)
  const asLeader = { role: 'leader', term: 4 } as const
  const whole = nodeWith('n2', [1, 2, 3], { ...asLeader, leader: 'n2' })
  t.doesNotThrow(() => history.observe(whole, null))
  for (const terms of [[1], [1, 3]]) {
    const lacking = nodeWith('n3', terms, { ...asLeader, leader: 'n3', term: 5 })
    t.throws(() => history.observe(lacking, null), { message: /Leader Completeness/ })
  }
})

t.test('two entries committed at one index are found (State Machine Safety)', async (t) => {
  const history = new ClusterHistory()
  history.observe(nodeWith('n1', [1, 2], { commitIndex: 2 }), null)
  t.equal(history.commitIndex, 2)
  t.doesNotThrow(() => history.observe(nodeWith('n3', [1, 3], { commitIndex: 1 }), null))
  t.throws(() => history.observe(nodeWith('n3', [1, 3], { commitIndex: 2 }), null), {
    message: /State Machine Safety/,
  })
})
