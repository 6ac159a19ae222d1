import type { Input, ReceivedConfiguration } from '../../lib/core/inputs.js'
import type { RaftCore } from '../../lib/core/raft-core.js'
import { type BatchRef, decodeEntries, ENTRY_CONFIGURATION } from '../../lib/log/batch.js'
import { batchTime, firstEntryType } from '../../lib/log/batch-peek.js'
import { decodeConfiguration } from '../../lib/log/configuration-codec.js'
import type { LogTail } from '../../lib/log/log-tail.js'
import { batchBytes, PIN_CONSENSUS, unpin } from '../../lib/log/slab.js'
import type { InboundReply } from '../inbound/protocol.js'
import type { EffectRunner } from './effect-runner.js'

type RpcAppendEntries = Extract<InboundReply, { kind: 'rpcAppendEntries' }>

/** AppendEntries with their bytes, on the way into the core and the tail. */
export class AppendReceiver {
  readonly #core: RaftCore
  readonly #effects: EffectRunner
  readonly #tail: LogTail
  readonly #step: (input: Input) => void
  #token = 0

  constructor(parts: {
    readonly core: RaftCore
    readonly effects: EffectRunner
    readonly tail: LogTail
    readonly step: (input: Input) => void
  }) {
    this.#core = parts.core
    this.#effects = parts.effects
    this.#tail = parts.tail
    this.#step = parts.step
  }

  receive(message: RpcAppendEntries): void {
    const { connection, request, batches } = message
    const token = ++this.#token
    this.#effects.receiving(token, batches)
    const configurations = receivedConfigurations(batches)
    const lastBefore = this.#core.status().lastLogIndex
    this.#step({ kind: 'appendEntries', connection, token, request, configurations })
    const last = batches.at(-1)
    if (last !== undefined && this.#core.status().lastLogIndex !== lastBefore) {
      this.#effects.sawTime(batchTime(last))
    }
    // The tail took the pins of what was appended; the rest is let go here.
    for (const batch of this.#effects.received(token)) {
      if (this.#tail.find(batch.firstIndex) !== batch) unpin(batch, PIN_CONSENSUS)
    }
  }
}

/** S6: a configuration entry is a batch of its own. */
function receivedConfigurations(batches: readonly BatchRef[]): readonly ReceivedConfiguration[] {
  const found: ReceivedConfiguration[] = []
  batches.forEach((batch, position) => {
    if (batch.count !== 1 || firstEntryType(batch) !== ENTRY_CONFIGURATION) return
    const [entry] = decodeEntries(batchBytes(batch), { copy: true })
    if (entry !== undefined)
      found.push({ position, configuration: decodeConfiguration(entry.data) })
  })
  return found
}
