/** What a state machine module needs: `troupe/state-machine`. */

export { type CodecOption, jsonCodec, type NamedCodec } from './codecs.js'
export { type InlineExtras, inlineStateMachine, stateMachine, type ThreadExtras } from './define.js'
export { StateMachineError, type StateMachineErrorCode } from './errors.js'
export type { MachineOf, OptionsOf, StateMachineModule, TypesOf } from './machine-types.js'
export type { StateMachineSpec, StateMachineTypes } from './spec.js'
export {
  type AnyStateMachine,
  type Codec,
  CommandError,
  type CreateStateMachine,
  type Entry,
  isCommandError,
  type SnapshotCapture,
  type SnapshotSink,
  type StateMachine,
  type StateMachineContext,
} from './state-machine.js'
