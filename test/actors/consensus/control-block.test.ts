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
import { everyInterleaving } from '../../helpers/interleavings.js'
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
  const { answered, campaigns, broken, states } = explore(answering)
  t.equal(broken, 0)
  t.ok(answered > 0 && campaigns > 0, 'both happen')
  t.comment(`${states} states`)
})

t.test('S9: the interleavings find a reader that does not load the block again', async (t) => {
  const careless = (words: WordsPort): boolean => {
    const matches = words.load(0) % 2 === 1 && words.load(1) === block.term
    if (matches) words.store(5, 77_000)
    return matches
  }
  t.ok(explore(careless).broken > 0)
})

t.test('S9: the interleavings find a reader that loads the block before its contact', async (t) => {
  const hasty = (words: WordsPort): boolean => {
    const version = words.load(0)
    const matches = version % 2 === 1 && words.load(1) === block.term
    if (!matches || words.load(0) !== version) return false
    words.store(5, 77_000)
    return true
  }
  t.ok(explore(hasty).broken > 0)
})

t.test(
  'S9: the interleavings find a step that loads the contact before it withdraws',
  async (t) => {
    const hasty = (writer: ControlBlockWriter): number | null => {
      const seen = writer.contact()
      writer.withdraw()
      return seen
    }
    t.ok(explore(answering, hasty).broken > 0)
  },
)

t.test('S9: on two threads no heartbeat is answered after withdraw has returned', async (t) => {
  const control = allocateControlBlock()
  const stress = SharedWords.allocate(STRESS_WORDS)
  const words = new SharedWords(stress)
  const worker = new Worker(new URL('./support/control-block-stress.js', import.meta.url), {
    workerData: { control, stress },
  })
  const writer = new ControlBlockWriter(new SharedWords(control))
  const exited = once(worker, 'exit')
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
  await exited
  let late = 0
  let answers = 0
  for (const [term, now] of answered as readonly (readonly [number, number])[]) {
    answers += 1
    if (now > words.load(1 + term)) late += 1
  }
  t.equal(late, 0)
  t.ok(answers > 10, `${answers} of ${rounds} terms had an answer`)
})

/** The inbound actor's side: a heartbeat of term 3 comes at 77 ms. */
function answering(words: WordsPort): boolean {
  return new ControlBlockReader(words).answer(heartbeat, 77)
}

/** The consensus actor's side before a step that may campaign. */
function withdrawing(writer: ControlBlockWriter): number | null {
  writer.withdraw()
  return writer.contact()
}

/**
 * A whole life of a block in every order of single accesses against one answer: published for term 3,
 * withdrawn, the contact fed to a step that campaigns if there is none, published for the term that comes of
 * it. Broken: a heartbeat was answered, and the step campaigned all the same.
 */
function explore(answer: (words: WordsPort) => boolean, withdraw = withdrawing) {
  const seen = { answered: 0, campaigns: 0, broken: 0, states: 0 }
  const consensus = (words: WordsPort): boolean => {
    const writer = new ControlBlockWriter(words)
    writer.publish(block)
    const campaigns = withdraw(writer) === null
    writer.publish(campaigns ? { ...block, term: 4, leader: 'n2' } : block)
    return campaigns
  }
  const visit = ([campaigns, answered]: [boolean, boolean]): void => {
    if (answered) seen.answered++
    if (campaigns) seen.campaigns++
    if (campaigns && answered) seen.broken++
  }
  seen.states = everyInterleaving<[boolean, boolean]>(
    [0, 0, 0, 0, 0, 0],
    [consensus, answer],
    visit,
  )
  return seen
}
