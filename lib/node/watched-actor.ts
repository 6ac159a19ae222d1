import type { NodeReply } from '../../actors/consensus/protocol.js'
import type { Behavior } from '../runtime/actor.js'

/** The node actor, with the assembly listening in. */
export function watching(
  inner: Behavior<NodeReply>,
  listen: (message: NodeReply) => void,
): Behavior<NodeReply> {
  return {
    receive: (message) => {
      listen(message)
      return inner.receive(message)
    },
    answer: (message) => inner.answer?.(message),
    beforeTurn: () => inner.beforeTurn?.(),
    afterTurn: () => inner.afterTurn?.(),
    linked: (name, ref) => inner.linked?.(name, ref),
    unlinked: (name) => inner.unlinked?.(name),
    stop: () => inner.stop?.(),
  }
}
