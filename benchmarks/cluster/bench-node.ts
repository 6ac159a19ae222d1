import type { RaftNode } from '../../lib/index.js'
import { now } from '../../lib/runtime/clock.js'
import { fillLog, measureLoad } from './closed-loop.js'
import { HeartbeatRecord } from './heartbeat-record.js'
import type { CallMessage, NodeCalls, NodeStatus, Stalling } from './node-calls.js'
import { SteadyLoad } from './steady-load.js'

/** Milliseconds that a thread is to hang at its next call; taken once. */
export interface StallWords {
  readonly log: SharedArrayBuffer
  readonly fsm: SharedArrayBuffer
}

/** Does what the parent process asks of this process's node. */
export class BenchNode {
  readonly #node: RaftNode
  readonly #stalls: StallWords
  readonly #heartbeats = new HeartbeatRecord()
  #steady: SteadyLoad | null = null
  #campaigns = 0

  constructor(node: RaftNode, stalls: StallWords) {
    this.#node = node
    this.#stalls = stalls
    node.on('vote', ({ change }) => {
      if (change === 'started') this.#campaigns++
    })
  }

  async call(message: CallMessage): Promise<ReturnType<NodeCalls[CallMessage['name']]>> {
    switch (message.name) {
      case 'load':
        return await measureLoad(this.#node, message.argument)
      case 'fill':
        return await fillLog(this.#node, message.argument)
      case 'startSteady':
        this.#steady = new SteadyLoad(this.#node, message.argument)
        return null
      case 'stopSteady':
        return (await this.#steady?.stop()) ?? []
      case 'stall':
        return this.#stall(message.argument.actor, message.argument.ms)
      case 'heartbeats':
        return this.#heartbeats.take()
      case 'status':
        return this.#status()
      case 'snapshot':
        return await this.#snapshot()
      case 'addNonvoter':
        await this.#node.addNonvoter(message.argument, { timeoutMs: 60_000 })
        return null
      case 'applied':
        await this.#node.waitFor({ applied: message.argument })
        return null
      case 'close':
        this.#heartbeats.close()
        await this.#node.close()
        return null
    }
  }

  #stall(actor: Stalling, ms: number): number {
    const at = now()
    if (actor === 'main') {
      // After the answer has left: the parent is to know when it began.
      setImmediate(() => {
        while (now() < at + ms);
      })
    } else Atomics.store(new Int32Array(this.#stalls[actor]), 0, ms)
    return at
  }

  #status(): NodeStatus {
    const { state, term, commitIndex, appliedIndex, snapshotIndex } = this.#node.stats()
    const rssMb = Math.round(process.memoryUsage.rss() / 2 ** 20)
    const campaigns = this.#campaigns
    return { state, term, commitIndex, appliedIndex, snapshotIndex, campaigns, rssMb }
  }

  async #snapshot(): Promise<{ readonly bytes: number; readonly ms: number }> {
    const begin = now()
    const { bytes } = await this.#node.snapshot()
    return { bytes, ms: now() - begin }
  }
}
