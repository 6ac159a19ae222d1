import type { NodeReply } from '../../actors/consensus/protocol.js'
import type { CreateActor } from '../runtime/actor.js'
import { NodeSide, type NodeSideOptions } from './node-side.js'

/** The node actor for an assembly; `made` is given its behaviour, through which the program calls it. */
export function createNodeActor(
  options: NodeSideOptions,
  made: (side: NodeSide) => void,
): CreateActor<null, NodeReply> {
  return (_init, context) => {
    const side = new NodeSide(options, context)
    made(side)
    return side
  }
}
