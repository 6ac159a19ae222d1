import t, { type Test } from 'tap'
import { pinned } from '../../../lib/log/slab.js'
import { BatchingList, type BatchingOptions } from '../../fixtures/machines/batching.js'
import { commands, noop, pinnedCommands } from './support/batches.js'
import { machine, Stage, type StageOptions } from './support/stage.js'

type Bounds = Pick<StageOptions, 'maxApplyEntries' | 'maxApplyBytes'>

async function open(t: Test, options: BatchingOptions = {}, bounds: Bounds = {}) {
  const list = new BatchingList(options)
  const stage = await Stage.open(machine(list), { maxApplyEntries: 4, ...bounds })
  t.teardown(() => stage.close())
  return { list, stage }
}

t.test('applyBatch gets runs of at most maxApplyEntries, across batches', async (t) => {
  const { list, stage } = await open(t)
  const { results } = await stage.apply(
    commands(1, ['a', 'b', 'c']),
    commands(4, ['d', 'e', 'f', 'g', 'h']),
    commands(9, ['i']),
  )
  t.strictSame(list.runs, [[1, 2, 3, 4], [5, 6, 7, 8], [9]])
  t.strictSame(results?.values, [1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('a run is bounded in bytes, and a larger command comes alone (S18)', async (t) => {
  const { list, stage } = await open(t, {}, { maxApplyEntries: 100, maxApplyBytes: 10 })
  const [small, large] = ['12345', 'x'.repeat(25)]
  const { results } = await stage.apply(
    commands(1, [small, small, small]),
    commands(4, [large, small]),
    commands(6, [small]),
  )
  t.strictSame(list.runs, [[1, 2], [3], [4], [5, 6]])
  t.strictSame(results?.values, [1, 2, 3, 4, 5, 6])
})

t.test('an entry that is no command ends a run', async (t) => {
  const { list, stage } = await open(t)
  const { results } = await stage.apply(
    commands(1, ['a', 'b']),
    noop(3, 2),
    commands(4, ['c'], 2),
    noop(5, 3),
  )
  t.strictSame(list.runs, [[1, 2], [4]])
  t.strictSame(results?.values, [1, 2, undefined, 3, undefined])
})

t.test('a CommandError in the place of a result is that command’s result', async (t) => {
  const { stage } = await open(t)
  const { results } = await stage.apply(commands(1, ['a', 'no', 'b']))
  t.strictSame(results?.values, [1, undefined, 2])
  t.match(results?.errors, [{ index: 2, error: { code: 'REFUSED' } }])
})

t.test('a wrong number of results fails the actor, naming both numbers (S14)', async (t) => {
  const { stage } = await open(t, { dropsResults: true })
  stage.tell([commands(1, ['a', 'b', 'c'])])
  t.match(await stage.fsmFailure(), {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: /at indexes 1 to 3: expected 3 results, one an entry, found 2 results/,
    details: { index: 1, toIndex: 3 },
  })
})

t.test('a CommandError that is thrown fails the actor and says what to do', async (t) => {
  const { stage } = await open(t, { throwsRefusal: true })
  await stage.apply(commands(1, ['a']))
  stage.tell([commands(2, ['b', 'no'])])
  t.match(await stage.fsmFailure(), {
    message: /returns a CommandError in the place of a result/,
    details: { index: 2 },
  })
})

t.test('the batches of a run are unpinned when the run is applied', async (t) => {
  for (const entryData of ['owned', 'borrowed'] as const) {
    const spec = machine(new BatchingList({}), { entryData })
    const stage = await Stage.open(spec, { maxApplyEntries: 100, overwriteBorrowed: false })
    t.teardown(() => stage.close())
    const batches = [pinnedCommands(1, ['a', 'b']), pinnedCommands(3, ['c'])]
    await stage.apply(...batches)
    for (const batch of batches) t.notOk(pinned(batch.memory), entryData)
  }
})
