import { loadCodec } from '../fsm/load.js'
import type { StateMachineSpec } from '../fsm/spec.js'
import type { Codec } from '../fsm/state-machine.js'
import type { HostActorSystem } from '../runtime/actor-system.js'
import { toWireError, type WireError } from '../runtime/wire-error.js'
import type { AssembledNode } from './assembled.js'
import { assembleNode } from './assembly.js'
import { isRaftErrorCode } from './error-codes.js'
import { raftErrorFrom } from './error-wire.js'
import { closedError } from './failures.js'
import { Life } from './life.js'
import { createNodeActor } from './node-actor.js'
import type { NodeSide } from './node-side.js'
import type { ResolvedOptions } from './options.js'
import { TransportRefresh } from './transport-refresh.js'

export interface StartedNode {
  /** Its `config` is changed in place by a reload: read when needed. */
  readonly options: ResolvedOptions
  readonly codec: Codec<unknown>
  readonly system: HostActorSystem
  readonly side: NodeSide
  readonly assembled: AssembledNode
  readonly life: Life
  readonly refresh: TransportRefresh
}

/** Assembles the actors of a node; resolves once consensus has told its first status. */
export async function startNode(
  given: Pick<StartedNode, 'options' | 'codec' | 'system'>,
): Promise<StartedNode> {
  // A copy that everything on this thread shares and a reload changes in place (reloadConfig).
  const config = { ...given.options.config }
  const parts = { ...given, options: { ...given.options, config } }
  const early = new EarlyEnd()
  const { side, assembled } = await assemble(parts, early)
  const { options, system } = parts
  const life = new Life({ system, side, assembled, logger: options.logger })
  early.handOver(life)
  // Its own fault would leave promises without anyone to keep them.
  assembled.node.onExit((exit) => {
    if (exit.kind === 'failed') life.failed(toWireError(exit.error))
  })
  system.onDeadLetter((to, message) => side.emit({ kind: 'deadLetter', to, message }))
  const refresh = await TransportRefresh.start({
    ...options,
    clock: system,
    use: (transport) => assembled.refresh(transport),
  })
  void life.closed.then(() => refresh.stop())
  await side.ready
  if (assembled.recovered.fresh && options.bootstrap !== null) await firstContact(side, options)
  if (life.over) {
    const { error } = await life.closed
    throw error ?? closedError('start', null)
  }
  return { ...parts, side, assembled, life, refresh }
}

/**
 * S16: a directory that holds nothing may have held something. Whoever knows an earlier incarnation of
 * this node says so as soon as it is reached, and `start` should be where the caller learns of it; peers
 * that are not up yet are not waited for any longer than an election takes.
 */
async function firstContact(side: NodeSide, { config }: ResolvedOptions): Promise<void> {
  const timeoutMs = 2 * config.electionTimeoutMs
  const call = side.calls.start<void>('waitFor', { timeoutMs }, timeoutMs)
  call.giveUp = () => null
  if (!call.settled) side.waiters.wait(call, { leader: true })
  await call.promise.catch(() => {})
}

async function assemble(
  { options, system }: Pick<StartedNode, 'options' | 'system'>,
  early: EarlyEnd,
): Promise<Pick<StartedNode, 'side' | 'assembled'>> {
  const { id, config, placement } = options
  const made: NodeSide[] = []
  const createNode = createNodeActor(
    {
      id,
      config,
      // A request crosses threads on its way to consensus, or from there to the state machine.
      remoteMachine: placement.fsm !== 'inline' || placement.consensus !== 'inline',
      onRemoved: () => {
        if (config.shutdownOnRemove) early.removed()
      },
    },
    (side) => made.push(side),
  )
  try {
    const assembled = await assembleNode({
      ...options,
      system,
      createNodeActor: createNode,
      onFailure: (error) => early.failed(error),
      onRestart: (actor, { message }, delayMs) => {
        for (const side of made) side.actorRestarts++
        options.logger?.warn({ actor, delayMs, error: message }, 'an actor failed and is restarted')
      },
    })
    const [side] = made
    if (side === undefined) throw new Error('the assembly has not created the node actor')
    return { side, assembled }
  } catch (error) {
    throw startError(error)
  }
}

/** What turns commands into bytes on this thread. */
export async function codecOf({ codec }: StateMachineSpec): Promise<Codec<unknown>> {
  try {
    return await loadCodec(codec)
  } catch (error) {
    throw startError(error)
  }
}

/** Our own codes as RaftErrors; the system's errors (EADDRINUSE, EACCES, ...) as they are. */
export function startError(error: unknown): unknown {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return isRaftErrorCode(code) ? raftErrorFrom(error, code) : error
}

/** What may end the node before there is a Life to tell it. */
class EarlyEnd {
  #life: Life | null = null
  #told: ((life: Life) => void) | null = null

  handOver(life: Life): void {
    this.#life = life
    this.#told?.(life)
  }

  failed(error: WireError): void {
    this.#end((life) => life.failed(error))
  }

  removed(): void {
    this.#end((life) => life.removed())
  }

  #end(tell: (life: Life) => void): void {
    if (this.#life === null) this.#told ??= tell
    else tell(this.#life)
  }
}
