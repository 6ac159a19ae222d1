import type { StateMachineTypes } from './spec.js'
import type { AnyStateMachine, Entry, StateMachine, StateMachineContext } from './state-machine.js'

/** What `typeof import('./machine.js')` must look like. */
export interface StateMachineModule {
  readonly createStateMachine: (
    options: never,
    context: StateMachineContext,
  ) => AnyStateMachine | Promise<AnyStateMachine>
}

/** A module of which no type is known: commands are bytes. */
export interface UntypedModule {
  readonly createStateMachine: (options: unknown, context: StateMachineContext) => StateMachine
}

/** The options that a module's createStateMachine takes. */
export type OptionsOf<Module extends StateMachineModule> = Parameters<
  Module['createStateMachine']
>[0]

/** The state machine that a module makes. */
export type MachineOf<Module extends StateMachineModule> = Awaited<
  ReturnType<Module['createStateMachine']>
>

/** The types of a state machine, read off its methods. */
export interface TypesOf<Machine extends AnyStateMachine> extends StateMachineTypes {
  readonly command: CommandOf<Machine>
  readonly result: Awaited<ReturnType<Machine['apply']>>
  readonly request: Machine extends { query(request: infer Request): unknown } ? Request : never
  readonly answer: Machine extends { query(request: never): infer Answer } ? Awaited<Answer> : never
  readonly queries: Machine extends { readonly queries: infer Queries extends object }
    ? Queries
    : Record<never, never>
}

export type CommandOf<Machine extends AnyStateMachine> = Machine extends {
  apply(entry: Entry<infer Command>): unknown
}
  ? Command
  : Uint8Array

/** Whether a state machine with this command type works without a codec. */
export type TakesBytes<Command> = [Uint8Array] extends [Command]
  ? true
  : [Command] extends [Uint8Array]
    ? true
    : false
