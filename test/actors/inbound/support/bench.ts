import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'
import {
  allocateControlBlock,
  ControlBlockWriter,
} from '../../../../actors/consensus/control-block.js'
import { createActor } from '../../../../actors/inbound/inbound-actor.js'
import type {
  InboundInit,
  InboundMessage,
  InboundReply,
} from '../../../../actors/inbound/protocol.js'
import type { ActorRef, Behavior } from '../../../../lib/runtime/actor.js'
import { SharedWords } from '../../../../lib/runtime/shared-words.js'
import { memoryNetwork, memoryTransport } from '../../../../lib/transport/memory-transport.js'
import { openTransport } from '../../../../lib/transport/open-transport.js'
import type { Channel, Hello, Purpose } from '../../../../lib/transport/transport.js'
import { helloOfN1 } from '../../../transport/support/identities.js'
import { ManualContext } from '../../../transport/support/manual-context.js'
import { ChannelRecorder } from '../../../transport/support/recorder.js'

/** What the inbound actor tells the consensus actor; a test may make its mailbox full. */
export class FakeConsensus implements ActorRef<InboundReply> {
  readonly name = 'consensus'
  readonly messages: InboundReply[] = []
  full = false
  readonly #events = new EventEmitter()

  tell(message: InboundReply): boolean {
    return !this.full && this.control(message)
  }

  control(message: InboundReply): boolean {
    this.messages.push(message)
    this.#events.emit('message')
    return true
  }

  ask<R>(): Promise<R> {
    return Promise.reject(new Error('nothing is asked here'))
  }

  backlog(): { messages: number; bytes: number } {
    return { messages: 0, bytes: 0 }
  }

  of<K extends InboundReply['kind']>(kind: K): Extract<InboundReply, { kind: K }>[] {
    return this.messages.filter(
      (message): message is Extract<InboundReply, { kind: K }> => message.kind === kind,
    )
  }

  async next<K extends InboundReply['kind']>(
    kind: K,
    count = 1,
  ): Promise<Extract<InboundReply, { kind: K }>> {
    for (;;) {
      const found = this.of(kind)[count - 1]
      if (found !== undefined) return found
      await once(this.#events, 'message')
    }
  }
}

export interface Peer {
  readonly handler: ChannelRecorder
  readonly channel: Channel
  readonly connection: number
}

/** An inbound actor of n2 in an in-process network, and n1 to speak to it. */
export async function inboundBench(t: Test, options: Partial<InboundInit> = {}, startAt = 1000) {
  const network = memoryNetwork()
  const context = new ManualContext('inbound', startAt)
  t.teardown(() => context.throwFailure())
  const logAlive = new SharedWords(SharedWords.allocate(1))
  logAlive.store(0, 1)
  const controlBlock = allocateControlBlock()
  const init: InboundInit = {
    nodeId: 'n2',
    cluster: 'orders',
    incarnation: 'inc-2',
    transport: memoryTransport(network, 'n2:1'),
    controlBlock,
    logAliveWord: logAlive.memory,
    arena: { slabBytes: 64 * 1024, maxIdleSlabs: 2 },
    maxUnansweredBytes: 1000,
    ...options,
  }
  const actor: Behavior<InboundMessage> = await createActor(init, context)
  t.teardown(() => actor.stop?.())
  const consensus = new FakeConsensus()
  const link = () => actor.linked?.('consensus', consensus)
  const dialContext = new ManualContext('n1')
  const transport = await openTransport(memoryTransport(network, 'n1:1'), dialContext)
  const dial = (hello: Partial<Hello> = {}) => {
    const handler = new ChannelRecorder()
    transport.dial('n2:1', { ...helloOfN1, ...hello }, handler)
    return handler
  }
  const tell = (message: InboundMessage) => context.turn(() => void actor.receive(message))
  /** A connection that the consensus actor has admitted. */
  const connect = async (purpose: Purpose): Promise<Peer> => {
    const asked = consensus.of('hello').length
    const handler = dial({ purpose })
    const { connection } = await consensus.next('hello', asked + 1)
    tell({ kind: 'admit', connection, refusal: null, vouches: false })
    return { handler, connection, channel: await handler.opened() }
  }
  const block = new ControlBlockWriter(new SharedWords(controlBlock))
  return { network, context, init, actor, consensus, link, dial, tell, connect, block, logAlive }
}
