import t from 'tap'
import { Configurations } from '../../lib/core/configurations.js'
import { members } from './helpers/cores.js'

const ONE = { index: 1, configuration: members(1) }
const TWO = { index: 5, configuration: members(2) }
const THREE = { index: 9, configuration: members(3) }
const NONE = { index: 0, configuration: { servers: [] } }

t.test('the newest configuration is in force as soon as it is appended (Raft §6)', async (t) => {
  const configurations = new Configurations([ONE])
  configurations.append(TWO.index, TWO.configuration)
  t.same(configurations.latest, TWO)
  t.equal(configurations.server('n2')?.address, 'n2:1')
  t.equal(configurations.server('n3'), undefined)
})

t.test('truncating a configuration brings the one before back (S4)', async (t) => {
  const configurations = new Configurations([ONE, TWO, THREE])
  t.equal(configurations.truncate(10), false, 'nothing to take back')
  t.equal(configurations.truncate(9), true)
  t.same(configurations.latest, TWO)
  t.equal(configurations.truncate(2), true)
  t.same(configurations.latest, ONE)
})

t.test('the newest at or below an index is what a snapshot there carries (S13)', async (t) => {
  const configurations = new Configurations([ONE, TWO, THREE])
  t.same(
    [0, 1, 4, 5, 8, 9, 99].map((index) => configurations.at(index).index),
    [0, 1, 1, 5, 5, 9, 9],
  )
})

t.test('compaction keeps the one in force at its index', async (t) => {
  const configurations = new Configurations([ONE, TWO, THREE])
  configurations.compact(7)
  t.same(configurations.all, [TWO, THREE])
  configurations.compact(8)
  t.same(configurations.all, [TWO, THREE])
})

t.test('an installed snapshot leaves its own configuration only', async (t) => {
  const configurations = new Configurations([ONE, TWO])
  configurations.reset(THREE)
  t.same(configurations.all, [THREE])
  configurations.reset(NONE)
  t.same(configurations.all, [])
  t.same(configurations.latest, NONE)
})

t.test('configurations come in log order, or the node stops', async (t) => {
  const configurations = new Configurations([TWO])
  t.throws(() => configurations.append(5, members(1)), { code: 'RAFT_INVARIANT' })
})
