import t from 'tap'
import type { Behavior } from '../../lib/runtime/actor.js'
import { silentLogger } from '../../lib/runtime/actor-log.js'
import { ActorMemory } from '../../lib/runtime/actor-memory.js'
import { Cell } from '../../lib/runtime/cell.js'
import type { CellHost } from '../../lib/runtime/cell-host.js'
import type { LinkRef } from '../../lib/runtime/letter.js'
import { controlLetter, dataLetter, Mailbox } from '../../lib/runtime/mailbox.js'

/** A cell whose ports are the test's: `drain` delivers what the test says has arrived by then. */
function scripted(drain: (mailbox: Mailbox) => void): {
  readonly cell: Cell
  readonly mailbox: Mailbox
  readonly taken: string[]
} {
  const mailbox = new Mailbox(ActorMemory.allocate().words)
  const host: CellHost = {
    log: silentLogger,
    observe: null,
    preempted: false,
    now: () => 0,
    wallClock: () => 0,
    random: () => 0,
    setTimer: () => ({ cancel() {} }),
    drain: () => drain(mailbox),
    mayRun: () => true,
    burstOver: () => false,
    again: () => {},
    enter: () => {},
    leave: () => {},
    awaits: () => {},
    publish: () => {},
    deadLetter: () => {},
    exited: () => {},
  }
  const taken: string[] = []
  const behavior: Behavior = {
    receive: ({ kind }) => void taken.push(kind),
    linked: (name) => void taken.push(`linked ${name}`),
  }
  const cell = new Cell('a', mailbox, host)
  void cell.start(() => behavior, null)
  return { cell, mailbox, taken }
}

const REF = { close() {} } as LinkRef

t.test('a link that arrives through the drain for data comes before that data', async (t) => {
  const { cell, mailbox, taken } = scripted((mailbox) => {
    if (!mailbox.dataOutside) return
    // The sender makes the link, and uses it, after the cell has looked at its control lane.
    mailbox.words.reserveControl()
    mailbox.pushChange({ kind: 'link', name: 'b', ref: REF })
    mailbox.pushData(dataLetter({ kind: 'data' }, 0))
  })
  mailbox.words.reserve(0)
  cell.run()
  t.strictSame(taken, ['linked b', 'data'])
})

t.test('control told during a burst is fetched from its port before the next data', async (t) => {
  let inPort = false
  const { cell, mailbox, taken } = scripted((mailbox) => {
    if (!inPort) return
    inPort = false
    mailbox.pushControl(controlLetter({ kind: 'control' }))
  })
  for (const kind of ['one', 'two', 'three']) {
    mailbox.words.reserve(0)
    mailbox.pushData(dataLetter({ kind }, 0))
  }
  const push = taken.push.bind(taken)
  taken.push = (kind) => {
    if (kind === 'one') {
      mailbox.words.reserveControl()
      inPort = true
    }
    return push(kind)
  }
  cell.run()
  t.strictSame([...taken], ['one', 'control', 'two', 'three'])
})

t.test('a count without a message, left by a sender that died, holds nothing up', async (t) => {
  let drains = 0
  const { cell, mailbox, taken } = scripted(() => drains++)
  mailbox.words.reserve(0)
  mailbox.words.reserveControl()
  cell.run()
  t.strictSame(taken, [])
  mailbox.words.reserve(0)
  mailbox.pushData(dataLetter({ kind: 'data' }, 0))
  cell.run()
  t.strictSame(taken, ['data'])
  t.ok(drains > 0)
})
