import t from 'tap'
import type { LogMessage } from '../../../actors/log/protocol.js'
import { MemoryDisk } from '../../../lib/log/memory-disk.js'
import { memoryStore } from '../../../lib/log/stores.js'
import { hardState, LogHarness } from './support/log-harness.js'

const configuration = {
  index: 1,
  configuration: { servers: [{ id: 'n1', address: 'a:1', suffrage: 'voter', addedAt: 1 }] },
} as const
const bootstrap: LogMessage = { kind: 'bootstrap', configuration, term: 1, time: 0 }
const bootstrapped = {
  fresh: false,
  hardState: { term: 1, votedFor: null },
  bootstrap: configuration,
  log: { firstIndex: 1, lastIndex: 1, lastTerm: 1, termRuns: [{ firstIndex: 1, term: 1 }] },
}

t.test('bootstrap makes the list the first entry, durable when it answers', async (t) => {
  const disk = new MemoryDisk()
  const store = memoryStore({ disk })
  const log = await LogHarness.start(store)
  await log.ask(bootstrap)
  t.match(await log.recovered(), bootstrapped)
  disk.crash()
  const again = await LogHarness.start(store)
  t.match(await again.recovered(), bootstrapped)
  t.same((await again.recovered()).log.configurations, [configuration])
  await again.turn(again.append(1, 2, 3, 1, 1))
  t.match(again.take(), [{ kind: 'logFlushed', seq: 1 }])
})

t.test('the first entry is the same, byte for byte, on every node (R-18)', async (t) => {
  const read = { kind: 'read', request: 1, fromIndex: 1, toIndex: 1, maxBytes: 1 } as const
  const entries = []
  for (const nodeId of ['n1', 'n2']) {
    const log = await LogHarness.start(memoryStore(), { nodeId })
    await log.ask(bootstrap)
    await log.turn(read)
    const [reply] = log.take()
    const [ref] = reply?.kind === 'logRead' ? reply.batches : []
    entries.push(Buffer.from(ref?.memory ?? new SharedArrayBuffer(0)).toString('hex'))
  }
  t.ok((entries[0]?.length ?? 0) > 128)
  t.equal(entries[0], entries[1])
})

t.test('a directory with state is not bootstrapped, and nothing happens to it', async (t) => {
  const log = await LogHarness.start()
  await log.turn(hardState(1, 2))
  await t.rejects(async () => log.ask(bootstrap), { code: 'RAFT_BOOTSTRAP_MISMATCH' })
  t.ok(log.alive)
  t.match(await log.recovered(), { bootstrap: null, log: { lastIndex: 0 } })
})

t.test('a crash between the list and its entry is made good at the next start', async (t) => {
  const disk = new MemoryDisk()
  const store = memoryStore({ disk })
  const log = await LogHarness.start(store)
  disk.faults.writeBack = 'manual'
  await log.ask(bootstrap)
  t.equal(disk.unsettled, 2)
  disk.crash({ keep: 1 })
  disk.faults.writeBack = 'immediate'
  const again = await LogHarness.start(store)
  t.match(await again.recovered(), bootstrapped)
})

t.test(
  'a crash before anything of the bootstrap was written leaves the directory fresh',
  async (t) => {
    const disk = new MemoryDisk()
    const store = memoryStore({ disk })
    const log = await LogHarness.start(store)
    disk.faults.writeBack = 'manual'
    await log.ask(bootstrap)
    disk.crash({ keep: 0 })
    disk.faults.writeBack = 'immediate'
    const again = await LogHarness.start(store)
    t.match(await again.recovered(), { fresh: true, bootstrap: null })
    await again.ask(bootstrap)
    t.match(await again.recovered(), bootstrapped)
  },
)
