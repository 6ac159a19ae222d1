import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  allocateControlBlock,
  ControlBlockReader,
  ControlBlockWriter,
  type WordsPort,
} from '../../../actors/consensus/control-block.js'
import type { Heartbeat } from '../../../lib/core/rpc.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'
import { leaderOf, STRESS_WORDS } from './support/control-block-stress.js'

const block = { term: 3, leader: 'n1', addedAt: 1, leaseMs: 500 }
const heartbeat: Heartbeat = {
  kind: 'heartbeat',
  term: 3,
  leader: 'n1',
  addedAt: 1,
  incarnation: 'own',
  probe: 9,
  sentAt: 12.5,
  leaseMs: 500,
}

function sides() {
  const memory = allocateControlBlock()
  return {
    writer: new ControlBlockWriter(new SharedWords(memory)),
    reader: new ControlBlockReader(new SharedWords(memory)),
  }
}

t.test('S9: nothing is answered before a block is published', async (t) => {
  const { reader, writer } = sides()
  t.equal(reader.answer(heartbeat, 100), false)
  t.equal(writer.contact(), null)
})

t.test('S9: a heartbeat that equals the block is answered and its contact is seen', async (t) => {
  const { reader, writer } = sides()
  writer.publish(block)
  t.equal(reader.answer(heartbeat, 100.25), true)
  t.equal(writer.contact(), 100.25)
})

t.test('S9: another term, leader, session or a longer promise is left to the core', async (t) => {
  const { reader, writer } = sides()
  writer.publish(block)
  const others: Partial<Heartbeat>[] = [
    { term: 2 },
    { term: 4 },
    { leader: 'n2' },
    { addedAt: 7 },
    { leaseMs: 501 },
  ]
  for (const other of others) t.equal(reader.answer({ ...heartbeat, ...other }, 100), false)
  t.equal(writer.contact(), null, 'and leaves no contact')
  t.equal(reader.answer({ ...heartbeat, leaseMs: 300 }, 100), true, 'a shorter promise is covered')
})

t.test('S9: a withdrawn block answers nothing until it is published again', async (t) => {
  const { reader, writer } = sides()
  writer.publish(block)
  writer.withdraw()
  t.equal(reader.answer(heartbeat, 100), false)
  writer.withdraw()
  writer.publish(block)
  t.equal(reader.answer(heartbeat, 101), true)
})

t.test('S9: in every interleaving an answered heartbeat is seen by the withdrawal', async (t) => {
  const runs = everyInterleaving((words) => new ControlBlockReader(words))
  t.equal(runs.violations, 0)
  // Only a reader that runs wholly inside the published window answers.
  t.ok(runs.answered > 0 && runs.refused > 0, 'both happen', runs)
  t.comment(`${runs.total} interleavings`)
})

t.test('S9: the interleavings find a reader that does not load the block again', async (t) => {
  const runs = everyInterleaving((words) => ({
    answer(beat, now) {
      const matches = words.load(0) % 2 === 1 && words.load(1) === beat.term
      if (matches) words.store(5, now * 1000)
      return matches
    },
  }))
  t.ok(runs.violations > 0, 'the planted bug is caught')
})

t.test('S9: the interleavings find a reader that loads the block before its contact', async (t) => {
  const runs = everyInterleaving((words) => ({
    answer(beat, now) {
      const version = words.load(0)
      const matches = version % 2 === 1 && words.load(1) === beat.term
      if (!matches || words.load(0) !== version) return false
      words.store(5, now * 1000)
      return true
    },
  }))
  t.ok(runs.violations > 0, 'the planted bug is caught')
})

t.test('S9: on two threads no heartbeat is answered after withdraw has returned', async (t) => {
  const control = allocateControlBlock()
  const stress = SharedWords.allocate(STRESS_WORDS)
  const words = new SharedWords(stress)
  const worker = new Worker(new URL('./support/control-block-stress.js', import.meta.url), {
    workerData: { control, stress },
  })
  const writer = new ControlBlockWriter(new SharedWords(control))
  const rounds = STRESS_WORDS - 2
  await once(worker, 'message')
  for (let term = 1; term <= rounds; term++) {
    writer.publish({ ...block, term, leader: leaderOf(term) })
    const seen = writer.contact()
    // Most rounds wait for an answer, so that withdrawals meet a busy reader.
    for (let spin = 0; spin < 2000 && term % 8 !== 0 && writer.contact() === seen; spin++);
    writer.withdraw()
    const contact = writer.contact() ?? 0
    words.store(1 + term, contact)
  }
  words.store(0, 1)
  const [answered] = await once(worker, 'message')
  await once(worker, 'exit')
  let late = 0
  let answers = 0
  for (const [term, now] of answered as readonly (readonly [number, number])[]) {
    answers += 1
    if (now > words.load(1 + term)) late += 1
  }
  t.equal(late, 0)
  t.ok(answers > 10, `${answers} of ${rounds} terms had an answer`)
})

/** What a schedule looks like to the property: the order of the accesses that matter. */
interface Runs {
  total: number
  answered: number
  refused: number
  violations: number
}

type Answering = Pick<ControlBlockReader, 'answer'>

/**
 * Runs the reader's answer once for every way in which the writer's accesses (publish, withdraw,
 * contact, publish the next term, withdraw, contact) may fall between its own. The writer's accesses
 * do not depend on what it reads, so they are recorded once and replayed one by one.
 */
function everyInterleaving(makeReader: (words: WordsPort) => Answering): Runs {
  const script = recordWriter()
  const runs: Runs = { total: 0, answered: 0, refused: 0, violations: 0 }
  const gaps: number[] = new Array(MOST_ACCESSES).fill(0)
  const visit = (gap: number, left: number): void => {
    if (gap === gaps.length) return runOnce(script, gaps, makeReader, runs)
    for (let steps = 0; steps <= left; steps++) {
      gaps[gap] = steps
      visit(gap + 1, left - steps)
    }
    gaps[gap] = 0
  }
  visit(0, script.length)
  return runs
}

/** More than `answer` makes; accesses that do not happen make some schedules equal. */
const MOST_ACCESSES = 8

type Access = { readonly index: number; readonly value: number | null }

function recordWriter(): readonly Access[] {
  const script: Access[] = []
  const writer = new ControlBlockWriter({
    load: (index) => {
      script.push({ index, value: null })
      return 0
    },
    store: (index, value) => void script.push({ index, value }),
  })
  script.length = 0
  writer.publish(block)
  writer.withdraw()
  writer.contact()
  writer.publish({ ...block, term: 4 })
  return script
}

function runOnce(
  script: readonly Access[],
  gaps: readonly number[],
  makeReader: (words: WordsPort) => Answering,
  runs: Runs,
): void {
  const memory = [0, 0, 0, 0, 0, 0]
  let position = 0
  let contactSeen: number | null = null
  const writerSteps = (count: number): void => {
    for (let i = 0; i < count && position < script.length; i++, position++) {
      const access = script[position]
      if (access === undefined) return
      if (access.value === null) contactSeen = memory[access.index] ?? 0
      else memory[access.index] = access.value
    }
  }
  let access = 0
  const before = (): void => writerSteps(gaps[access++] ?? 0)
  const words: WordsPort = {
    load: (index) => {
      before()
      return memory[index] ?? 0
    },
    store: (index, value) => {
      before()
      memory[index] = value
    },
  }
  const answered = makeReader(words).answer(heartbeat, 77)
  writerSteps(script.length)
  runs.total += 1
  if (answered) runs.answered += 1
  else runs.refused += 1
  if (answered && contactSeen !== 77_000) runs.violations += 1
}
