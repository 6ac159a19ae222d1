import { splitState } from '../../actors/fsm/sessions/state-section.js'

/**
 * What the state machine wrote, of the bytes of an opened snapshot or a backup: sessions and idempotency
 * keys, if there are any, lie before it. `restore` takes the bytes as they are, or without that part.
 * @throws StateMachineError RAFT_CORRUPT when the part before it is damaged
 */
export async function* machineState(
  snapshot: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { machine } = await splitState(snapshot[Symbol.asyncIterator]())
  yield* machine
}
