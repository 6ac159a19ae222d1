import { type CodecOption, codecSpec } from './codecs.js'
import { messageOf, StateMachineError } from './errors.js'
import type {
  CommandOf,
  MachineOf,
  OptionsOf,
  StateMachineModule,
  TakesBytes,
  TypesOf,
  UntypedModule,
} from './machine-types.js'
import type { StateMachineSpec } from './spec.js'
import type { AnyStateMachine, StateMachineContext } from './state-machine.js'

/** How an inline state machine is fed. */
export interface InlineExtras {
  /**
   * `owned` (default): the bytes in an entry are the machine's own. `borrowed`: they are shared memory,
   * valid until apply returns (or its promise settles); nothing may be kept of them.
   */
  readonly entryData?: 'owned' | 'borrowed'
}

/** How a state machine on a thread of its own is loaded and fed. */
export interface ThreadExtras extends InlineExtras {
  /** Modules imported before the state machine's, e.g. a TypeScript loader. Package names or URLs. */
  readonly preload?: readonly (URL | string)[]
  /** Node.js flags of the thread; by default those of the process. */
  readonly execArgv?: readonly string[]
  /** Heap limits of the thread. ArrayBuffers are not counted in them. */
  readonly resourceLimits?: NonNullable<StateMachineSpec['resourceLimits']>
}

interface WithCodec<Command> {
  /** Needed unless commands are Uint8Arrays. */
  readonly codec: CodecOption<Command>
}

/** The extras, with the codec demanded where the command type needs one. */
type Extras<Base, Command> =
  TakesBytes<Command> extends true ? Base & Partial<WithCodec<Command>> : Base & WithCodec<Command>

type ThreadArguments<Module extends StateMachineModule> =
  TakesBytes<CommandOf<MachineOf<Module>>> extends true
    ? undefined extends OptionsOf<Module>
      ? [options?: OptionsOf<Module>, extras?: Extras<ThreadExtras, CommandOf<MachineOf<Module>>>]
      : [options: OptionsOf<Module>, extras?: Extras<ThreadExtras, CommandOf<MachineOf<Module>>>]
    : [options: OptionsOf<Module>, extras: Extras<ThreadExtras, CommandOf<MachineOf<Module>>>]

type InlineArguments<Machine extends AnyStateMachine> =
  TakesBytes<CommandOf<Machine>> extends true
    ? [extras?: Extras<InlineExtras, CommandOf<Machine>>]
    : [extras: Extras<InlineExtras, CommandOf<Machine>>]

/**
 * A state machine that runs on a thread of its own. `url` names a module that exports
 * `createStateMachine`, `options` is its first argument and must be structured-clonable. With the type
 * argument `typeof import('./machine.js')` commands, results and queries are typed.
 * @throws StateMachineError RAFT_CONFIG_INVALID
 */
export function stateMachine<Module extends StateMachineModule = UntypedModule>(
  url: URL | string,
  ...[options, extras]: ThreadArguments<Module>
): StateMachineSpec<TypesOf<MachineOf<Module>>> {
  const given: ThreadExtras & { readonly codec?: CodecOption<unknown> } = extras ?? {}
  return {
    module: moduleUrl(url),
    options: clonable(options),
    codec: codecSpec(given.codec),
    entryData: given.entryData ?? 'owned',
    preload: (given.preload ?? []).map(String),
    execArgv: given.execArgv ?? [],
    ...(given.resourceLimits && { resourceLimits: given.resourceLimits }),
  }
}

/**
 * A state machine on the thread of the caller: for tests, and for machines that cannot leave it. A slow
 * apply then holds up everything else on that thread.
 */
export function inlineStateMachine<Machine extends AnyStateMachine>(
  create: (context: StateMachineContext) => Machine | Promise<Machine>,
  ...[extras]: InlineArguments<Machine>
): StateMachineSpec<TypesOf<Machine>> {
  const given: InlineExtras & { readonly codec?: CodecOption<unknown> } = extras ?? {}
  return {
    module: null,
    options: undefined,
    create: (_options, context) => create(context),
    codec: codecSpec(given.codec),
    entryData: given.entryData ?? 'owned',
    preload: [],
    execArgv: [],
  }
}

function moduleUrl(url: URL | string): string {
  try {
    return new URL(url).href
  } catch {
    throw new StateMachineError(
      'RAFT_CONFIG_INVALID',
      `expected the URL of the state machine's module, found ${JSON.stringify(url)}: pass new URL('./machine.js', import.meta.url)`,
    )
  }
}

function clonable<T>(options: T): T {
  try {
    return structuredClone(options)
  } catch (error) {
    throw new StateMachineError(
      'RAFT_CONFIG_INVALID',
      `the state machine's options cannot be sent to its thread (${messageOf(error)}): pass plain data and make the rest in createStateMachine, or use inlineStateMachine`,
      { cause: error },
    )
  }
}
