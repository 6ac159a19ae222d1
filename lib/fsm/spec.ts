import type { AnyStateMachine, CreateStateMachine } from './state-machine.js'

/** What a state machine takes and gives; RaftNode's methods are typed by it. */
export interface StateMachineTypes {
  readonly command: unknown
  readonly result: unknown
  readonly request: unknown
  readonly answer: unknown
  readonly queries: object
}

/** How a node is told which state machine to run; made by stateMachine() and inlineStateMachine(). */
export interface StateMachineSpec<Types extends StateMachineTypes = StateMachineTypes> {
  /** URL of a module that exports `createStateMachine`; null for an inline one. */
  readonly module: string | null
  readonly options: unknown
  /** Present for an inline state machine: the FSM actor then runs on the caller's thread. */
  readonly create?: CreateStateMachine<unknown, AnyStateMachine>
  readonly codec: CodecSpec
  /** `borrowed`: entries' bytes are shared memory, valid until apply returns. Default `owned`. */
  readonly entryData: 'owned' | 'borrowed'
  /** Modules imported before the state machine's (loaders). */
  readonly preload: readonly string[]
  readonly execArgv: readonly string[]
  readonly resourceLimits?: {
    readonly maxOldGenerationSizeMb?: number
    readonly maxYoungGenerationSizeMb?: number
    readonly stackSizeMb?: number
  }
  /** Never present: it only carries the types. */
  readonly types?: Types
}

/**
 * How commands become bytes, in a form that crosses threads. `bytes`: as they are; `json`; or a
 * module that exports `codec`.
 */
export type CodecSpec =
  | { readonly kind: 'bytes' }
  | { readonly kind: 'json' }
  | { readonly kind: 'module'; readonly module: string }
