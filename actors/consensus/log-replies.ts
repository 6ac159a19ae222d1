import { assert, assertNever } from '../../lib/core/assert.js'
import type { LogReply } from '../log/protocol.js'
import type { Parts } from './parts.js'

/** From the log actor. */
export class LogReplies {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  receive(message: LogReply): void {
    const { stepper, flushClock, peers, reader } = this.#parts
    switch (message.kind) {
      case 'logFlushed':
        flushClock.flushed(message.seq)
        return stepper.step({ kind: 'logFlushed', seq: message.seq })
      case 'hardStateSaved':
        return stepper.step({ kind: 'hardStateSaved', seq: message.seq })
      case 'incarnationsSaved':
        return peers.incarnationsSaved(message.seq)
      case 'logRefused':
        return this.#refused(message)
      case 'logWritable':
        return stepper.step({ kind: 'logWritable' })
      case 'logRead':
        return reader.answered(message.request, message.batches)
      default:
        assertNever(message)
    }
  }

  /** S15: nothing was written. The log actor drops what comes until it knows that this is known. */
  #refused(message: Extract<LogReply, { kind: 'logRefused' }>): void {
    const { flushClock, links, context, effects, stepper } = this.#parts
    const { seq, lastIndex } = message
    flushClock.clear()
    const taken = links.log.tell({ kind: 'refusalSeen', seq })
    assert(taken, 'the log actor has room for what the windows allow', { seq })
    context.log.warn({ lastIndex }, message.message)
    effects.event({ kind: 'overload', what: 'storage' })
    stepper.step({ kind: 'logRefused', seq, lastIndex })
  }
}
