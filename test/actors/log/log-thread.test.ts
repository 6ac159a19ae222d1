import t from 'tap'
import { createActor } from '../../../actors/log/log-actor.js'
import type { LogInit, LogMessage, LogReply, RecoveredLog } from '../../../actors/log/protocol.js'
import { BatchBuilder, ENTRY_COMMAND, sealBatch } from '../../../lib/log/batch.js'
import type { BatchRef } from '../../../lib/log/batch-ref.js'
import { Arena, PIN_CONSENSUS, PIN_LOG, pin, pinned, unpin } from '../../../lib/log/slab.js'
import { lmdbStore } from '../../../lib/log/stores.js'
import type { ActorHandle, ActorRef } from '../../../lib/runtime/actor.js'
import { createActorSystem, type HostActorSystem } from '../../../lib/runtime/actor-system.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'

/** A log actor on a thread of its own, and something in the place of the consensus actor. */
class Threaded {
  readonly system: HostActorSystem = createActorSystem()
  readonly alive = SharedWords.allocate(1)
  readonly #waiting: ((reply: LogReply) => boolean)[] = []
  readonly #replies: LogReply[] = []
  log: ActorHandle<LogMessage> | null = null

  static async start(dataDir: string): Promise<Threaded> {
    const threaded = new Threaded()
    const { system, alive: aliveWord } = threaded
    const owner = { nodeId: 'n1', cluster: 'c', dataDir }
    const init: LogInit = { ...owner, store: lmdbStore(), maxReadBytes: 1 << 20, aliveWord }
    const log = await system.spawn<LogInit, LogMessage>({
      name: 'log',
      module: new URL('../../../actors/log/log-actor.js', import.meta.url),
      create: createActor,
      init,
      placement: 'thread',
    })
    threaded.log = log
    const consensus = await system.spawn({
      name: 'consensus',
      module: new URL(import.meta.url),
      create: () => ({ receive: (reply: LogReply) => threaded.#take(reply) }),
      init: null,
      placement: 'inline',
    })
    system.link(log, 'consensus', consensus)
    return threaded
  }

  get ref(): ActorRef<LogMessage> {
    if (this.log === null) throw new Error('not started')
    return this.log.ref
  }

  /** Resolves with the first reply, come or to come, that satisfies the condition. */
  reply(condition: (reply: LogReply) => boolean): Promise<LogReply> {
    const found = this.#replies.find(condition)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve) => {
      this.#waiting.push((reply) => {
        if (condition(reply)) resolve(reply)
        return condition(reply)
      })
    })
  }

  #take(reply: LogReply): void {
    this.#replies.push(reply)
    for (const waiting of [...this.#waiting]) {
      if (waiting(reply)) this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
    }
  }
}

const arena = new Arena({ slabBytes: 1 << 20, maxIdleSlabs: 2 })

function batch(firstIndex: number): BatchRef {
  const builder = new BatchBuilder(arena)
  for (let n = 0; n < 10; n++) builder.add(ENTRY_COMMAND, new Uint8Array(300).fill(n))
  const prevTerm = firstIndex === 1 ? 0 : 1
  const ref = sealBatch(builder.finish(), { firstIndex, term: 1, prevTerm, time: 5 })
  pin(ref, PIN_LOG)
  return ref
}

t.test(
  'batches in shared memory reach LMDB on another thread, and a kill loses none',
  async (t) => {
    const dataDir = t.testdir()
    const first = await Threaded.start(dataDir)
    const { identity } = await first.ref.ask<RecoveredLog>({ kind: 'recovered' })
    const vote = { term: 1, votedFor: 'n1', promisedLeaseMs: 0 }
    first.ref.control({ kind: 'saveHardState', seq: 1, hardState: vote })
    await first.reply((reply) => reply.kind === 'hardStateSaved')
    const batches: BatchRef[] = []
    for (let seq = 1; seq <= 200; seq++) {
      const ref = batch(batches.length * 10 + 1)
      batches.push(ref)
      first.ref.tell({ kind: 'append', seq, batches: [ref] }, ref.length)
    }
    await first.reply((reply) => reply.kind === 'logFlushed' && reply.seq === 200)
    for (const ref of batches) unpin(ref, PIN_CONSENSUS)
    t.same(
      batches.filter((ref) => pinned(ref.memory)),
      [],
      'the log let go of every batch',
    )
    t.ok(first.alive.byteLength > 0 && new SharedWords(first.alive).load(0) === 1)
    await first.log?.kill()
    await first.system.close()

    const second = await Threaded.start(dataDir)
    const found = await second.ref.ask<RecoveredLog>({ kind: 'recovered' })
    t.same(found.identity, identity)
    t.match(found, { hardState: vote, log: { firstIndex: 1, lastIndex: 2000, lastTerm: 1 } })
    await second.system.close()
    t.equal(new SharedWords(second.alive).load(0), 0, 'a log that was stopped is not alive')
  },
)
