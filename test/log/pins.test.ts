import t from 'tap'
import {
  addPin,
  anyPin,
  dropPin,
  PIN_CONSENSUS,
  PIN_LOG,
  PIN_PRODUCER,
  type PinPort,
} from '../../lib/log/pins.js'
import { type ExploredPort, everyInterleaving } from '../helpers/interleavings.js'

/** Behind the pins of a slab: what its batch says, and whether the reader was told of it. */
const DATA = PIN_PRODUCER + 1
const TOLD = DATA + 1
const BATCH = 7
const OTHER = 8

/** A slab that only the consensus actor has pinned, as it is when a batch is in the tail. */
function slab(): number[] {
  const words = new Array<number>(TOLD + 1).fill(0)
  words[PIN_CONSENSUS] = 1
  words[DATA] = BATCH
  return words
}

/** Passes the batch on to the log actor and lets it go. */
function consensus(port: ExploredPort): void {
  addPin(port, PIN_LOG)
  port.store(TOLD, 1)
  dropPin(port, PIN_CONSENSUS)
}

/** What the log actor reads, if it was told by the time it looks. */
function log(port: ExploredPort): number | null {
  if (port.load(TOLD) === 0) return null
  const read = port.load(DATA)
  dropPin(port, PIN_LOG)
  return read
}

/** The arena looks whether it may begin the slab again. */
function arena(port: ExploredPort, look: (pins: PinPort) => boolean = anyPin): boolean {
  if (look(port)) return false
  port.store(DATA, OTHER)
  return true
}

type Ends = [taken: unknown, read: number | null, rewritten: boolean]

interface Parts {
  readonly consensus?: typeof consensus
  readonly log?: typeof log
  readonly look?: (pins: PinPort) => boolean
}

function explore(parts: Parts = {}) {
  const seen = { damaged: 0, read: 0, rewritten: 0, states: 0 }
  const actors = [
    parts.consensus ?? consensus,
    parts.log ?? log,
    (port: ExploredPort) => arena(port, parts.look),
  ] as const
  seen.states = everyInterleaving<Ends>(slab(), actors, ([, read, rewritten]) => {
    if (read === OTHER) seen.damaged++
    if (read === BATCH) seen.read++
    if (rewritten) seen.rewritten++
  })
  return seen
}

t.test('S7: however pins are passed on, no slab is rewritten before its last reader', async (t) => {
  const { damaged, read, rewritten, states } = explore()
  t.equal(damaged, 0)
  t.ok(read > 0 && rewritten > 0, 'both happen')
  t.comment(`${states} states`)
})

t.test('S7: the interleavings find an arena that looks at the pins from high to low', async (t) => {
  const backwards = (pins: PinPort): boolean => {
    for (let slot = PIN_PRODUCER; slot >= 0; slot--) if (pins.load(slot) !== 0) return true
    return false
  }
  t.ok(explore({ look: backwards }).damaged > 0)
})

t.test('S7: the interleavings find a pin that is let go before it is passed on', async (t) => {
  const early = (port: ExploredPort): void => {
    dropPin(port, PIN_CONSENSUS)
    addPin(port, PIN_LOG)
    port.store(TOLD, 1)
  }
  t.ok(explore({ consensus: early }).damaged > 0)
})

t.test('S7: the interleavings find a reader that lets go before it reads', async (t) => {
  const early = (port: ExploredPort): number | null => {
    if (port.load(TOLD) === 0) return null
    dropPin(port, PIN_LOG)
    return port.load(DATA)
  }
  t.ok(explore({ log: early }).damaged > 0)
})

t.test('S7: pins of a dead reader go, and those of others keep the slab', async (t) => {
  const supervisor = (port: ExploredPort): void => {
    if (port.load(TOLD) === 1) port.store(PIN_LOG, 0)
  }
  const kept = (port: ExploredPort): number => {
    addPin(port, PIN_LOG)
    port.store(TOLD, 1)
    const read = port.load(DATA)
    dropPin(port, PIN_CONSENSUS)
    return read
  }
  let damaged = 0
  everyInterleaving<[number, unknown, boolean]>(
    slab(),
    [kept, supervisor, (port) => arena(port)],
    ([read]) => {
      if (read !== BATCH) damaged++
    },
  )
  t.equal(damaged, 0)
})
