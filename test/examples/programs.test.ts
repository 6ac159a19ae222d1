import t from 'tap'
import { runExample } from './support/run-example.js'

/** The examples that are programs: each prints what its comments promise. */

t.test('a state machine of one’s own: typed commands, results and queries', async (t) => {
  t.same(await runExample('own-state-machine', t.testdir()), [
    '5 and 3 are 8',
    'refused: -1 is below zero',
    'n1 answers 8',
    'n2 answers 8',
    'n3 answers 8',
  ])
})

t.test('a state machine on disk goes on where it was', async (t) => {
  const cwd = t.testdir()
  t.same(await runExample('state-on-disk', cwd), [
    'there was null, null, null',
    'there are 3 rows now',
  ])
  t.same(await runExample('state-on-disk', cwd), ['there was 0, 1, 2', 'there are 3 rows now'])
})

t.test('a store of one’s own holds the contract, and a node', async (t) => {
  const [checks, counted] = await runExample('store/main', t.testdir())
  t.match(checks, /^\d+ checks of the contract hold$/)
  t.equal(counted, 'counted to 1')
})

t.test('leader election: another program takes over, with a larger token', async (t) => {
  const printed = await runExample('leader-election', t.testdir())
  const told =
    /^(n\d) works, fencing token (\d+)\n\1 has stopped\n(n\d) works, fencing token (\d+)\n/
  const [, first, token, second, later] = told.exec(`${printed.join('\n')}\n`) ?? []
  t.not(second, first, printed.join('; '))
  t.ok(Number(later) > Number(token))
})

t.test('a lock with fencing tokens: who lost it is refused', async (t) => {
  t.same(await runExample('lock/main', t.testdir()), [
    'Ada begins',
    'Ben has the lock now',
    '"Ada goes on" is refused: the lock was lost',
    'Ada has it again',
    'tokens grow: true',
  ])
})

t.test('a work queue: a job whose worker is lost is done by another', async (t) => {
  const [first, ...rest] = await runExample('queue/main', t.testdir())
  t.equal(first, 'taken and forgotten: sweep')
  // On a machine that is slow today the lease may run out before the others are done.
  t.same(rest.sort(), [
    'done: dust, attempt 1',
    'done: paint, attempt 1',
    'done: sweep, attempt 2',
    'left: nothing',
  ])
})

t.test('a test of one’s own: a cluster loses its leader and finds it again', async (t) => {
  t.same(await runExample('testing', t.testdir()), [
    'cut off, and nobody knows: unknown',
    'the others go on: 3',
    'everyone agrees: 3',
  ])
})
