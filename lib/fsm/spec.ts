import type { CreateStateMachine } from './state-machine.js'

/** How a node is told which state machine to run; made by stateMachine() and inlineStateMachine(). */
export interface StateMachineSpec {
  /** URL of a module that exports `createStateMachine`; null for an inline one. */
  readonly module: string | null
  readonly options: unknown
  /** Present for an inline state machine: the FSM actor then runs on the caller's thread. */
  readonly create?: CreateStateMachine<unknown, never>
  /** How commands become bytes. `bytes`: as they are; `json`; or a module that exports `codec`. */
  readonly codec:
    | { readonly kind: 'bytes' }
    | { readonly kind: 'json' }
    | { readonly kind: 'module'; readonly module: string }
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
}
