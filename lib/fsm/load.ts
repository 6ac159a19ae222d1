import { isPromise } from '../runtime/promise.js'
import { bytesCodec, jsonCodec } from './codecs.js'
import { messageOf, StateMachineError } from './errors.js'
import type { CodecSpec, StateMachineSpec } from './spec.js'
import type { Codec, StateMachine, StateMachineContext } from './state-machine.js'

/** A state machine as the actor drives it: the types are the user's business. */
export type LoadedMachine = StateMachine<unknown, unknown, unknown, unknown>

export interface LoadedStateMachine {
  readonly machine: LoadedMachine
  readonly codec: Codec<unknown>
}

const ADVICE =
  'Build it first and give the URL of the built file, use inlineStateMachine() in tests, or name a loader in `preload`.'

/**
 * Makes the state machine on the current thread. Returns at once, without a promise, when nothing has
 * to be imported or awaited.
 * @throws StateMachineError RAFT_MODULE_LOAD, or RAFT_STATE_MACHINE_FAILED when createStateMachine throws
 */
export function loadStateMachine(
  spec: StateMachineSpec,
  context: StateMachineContext,
): LoadedStateMachine | Promise<LoadedStateMachine> {
  const codec = loadCodec(spec.codec)
  if (spec.create === undefined || isPromise(codec)) return load(spec, context, codec)
  const machine = create(spec.create, spec, context)
  return isPromise(machine) ? load(spec, context, codec, machine) : { machine, codec }
}

async function load(
  spec: StateMachineSpec,
  context: StateMachineContext,
  codec: Codec<unknown> | Promise<Codec<unknown>>,
  machine?: Promise<LoadedMachine>,
): Promise<LoadedStateMachine> {
  try {
    const loaded = await codec
    const made = machine ?? create(spec.create ?? (await importCreate(spec)), spec, context)
    return { machine: await made, codec: loaded }
  } catch (error) {
    if (error instanceof StateMachineError) throw error
    throw createFailed(spec, error)
  }
}

/** Makes a codec from the form in which it crosses threads. @throws StateMachineError RAFT_MODULE_LOAD */
export function loadCodec(spec: CodecSpec): Codec<unknown> | Promise<Codec<unknown>> {
  switch (spec.kind) {
    case 'bytes':
      return bytesCodec as Codec<unknown>
    case 'json':
      return jsonCodec<unknown>()
    case 'module':
      return importCodec(spec.module)
  }
}

async function importCodec(url: string): Promise<Codec<unknown>> {
  const { codec } = await importModule('codec module', url)
  if (isCodec(codec)) return codec
  throw new StateMachineError(
    'RAFT_MODULE_LOAD',
    `The codec module ${url} does not export \`codec\` with the methods encode and decode.`,
  )
}

function isCodec(value: unknown): value is Codec<unknown> {
  const codec = value as Partial<Codec<unknown>> | null | undefined
  return typeof codec?.encode === 'function' && typeof codec.decode === 'function'
}

type Create = NonNullable<StateMachineSpec['create']>

async function importCreate(spec: StateMachineSpec): Promise<Create> {
  for (const url of spec.preload) await importModule('preloaded module', url)
  const url = spec.module ?? '(none)'
  const module = await importModule('state machine module', url)
  if (typeof module.createStateMachine === 'function') return module.createStateMachine as Create
  throw new StateMachineError(
    'RAFT_MODULE_LOAD',
    `The state machine module ${url} does not export a function \`createStateMachine\`; it exports ${Object.keys(module).join(', ') || 'nothing'}.`,
  )
}

async function importModule(what: string, url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    throw new StateMachineError(
      'RAFT_MODULE_LOAD',
      `The ${what} ${url} could not be loaded: ${messageOf(error)}. ${ADVICE}`,
      { cause: error, details: { module: url } },
    )
  }
}

function create(
  createMachine: Create,
  spec: StateMachineSpec,
  context: StateMachineContext,
): LoadedMachine | Promise<LoadedMachine> {
  try {
    // What the machine takes is known to its module and its codec only.
    const machine = createMachine(spec.options, context) as LoadedMachine | Promise<LoadedMachine>
    return isPromise(machine) ? machine.then((made) => checked(spec, made)) : checked(spec, machine)
  } catch (error) {
    if (error instanceof StateMachineError) throw error
    throw createFailed(spec, error)
  }
}

function checked(spec: StateMachineSpec, machine: LoadedMachine): LoadedMachine {
  for (const method of ['apply', 'snapshot', 'restore'] as const) {
    if (typeof machine?.[method] === 'function') continue
    throw new StateMachineError(
      'RAFT_MODULE_LOAD',
      `createStateMachine of ${nameOf(spec)} returned an object without the method ${method}; apply, snapshot and restore are needed.`,
    )
  }
  return machine
}

function createFailed(spec: StateMachineSpec, error: unknown): StateMachineError {
  return new StateMachineError(
    'RAFT_STATE_MACHINE_FAILED',
    `createStateMachine of ${nameOf(spec)} failed: ${messageOf(error)}`,
    { cause: error, details: { stage: 'create' } },
  )
}

function nameOf(spec: StateMachineSpec): string {
  return spec.module ?? 'the inline state machine'
}
