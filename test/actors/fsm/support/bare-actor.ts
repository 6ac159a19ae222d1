import { createActor } from '../../../../actors/fsm/fsm-actor.js'
import type { FsmMessage, FsmReply } from '../../../../actors/fsm/protocol.js'
import type { StateMachineSpec } from '../../../../lib/fsm/spec.js'
import type { ActorContext, ActorRef, Behavior } from '../../../../lib/runtime/actor.js'
import { isPromise } from '../../../../lib/runtime/promise.js'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const context: ActorContext = {
  name: 'fsm',
  log: silent,
  now: () => 0,
  wallClock: () => 0,
  random: () => 0.5,
  after: () => ({ cancel() {} }),
  turn: (callback) => callback(),
  fail: (error) => {
    throw error
  },
}

/** The FSM actor's behaviour without any host; it must be made without a promise. */
export function bareActor(spec: StateMachineSpec): {
  readonly behavior: Behavior<FsmMessage>
  readonly replies: FsmReply[]
} {
  const init = {
    nodeId: 'n1',
    dataDir: '',
    stateMachine: spec,
    maxApplyEntries: 100,
    maxApplyBytes: 1 << 20,
  }
  const behavior = createActor(init, context)
  if (isPromise(behavior)) throw new Error('expected the actor at once, found a promise')
  const replies: FsmReply[] = []
  const consensus: ActorRef<FsmReply> = {
    name: 'consensus',
    tell: () => false,
    control: (reply) => replies.push(reply) > 0,
    ask: () => Promise.reject(new Error('nobody asks consensus')),
    backlog: () => ({ messages: 0, bytes: 0 }),
  }
  behavior.linked?.('consensus', consensus as ActorRef)
  behavior.receive({ kind: 'begin', life: 1 })
  return { behavior, replies }
}
