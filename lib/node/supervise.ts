import type { ActorHandle, Message } from '../runtime/actor.js'
import type { Clock } from '../runtime/clock.js'
import { Supervisor } from '../runtime/supervisor.js'
import { toWireError, type WireError } from '../runtime/wire-error.js'
import type { RaftConfig } from './config.js'

/** Share of a wait before a restart that is drawn at random, so that actors do not fail in step. */
const JITTER = 0.5

export interface SuperviseOptions<M extends Message> {
  readonly name: string
  readonly clock: Clock & { random(): number }
  readonly config: Pick<
    RaftConfig,
    'maxRestarts' | 'restartWindowMs' | 'restartMinMs' | 'restartMaxMs'
  >
  readonly spawn: () => Promise<ActorHandle<M>>
  /** After every start: link it. */
  readonly started: (handle: ActorHandle<M>) => void
  /** False: this failure is not worth a restart. */
  readonly mayRestart?: ((error: Error) => boolean) | undefined
  readonly gaveUp: (error: WireError) => void
  /** It failed and is started again after the delay. */
  readonly restarting?: ((actor: string, error: Error, delayMs: number) => void) | undefined
}

/** A supervisor of one actor of a node, by the node's options. */
export function supervise<M extends Message>(options: SuperviseOptions<M>): Supervisor<M> {
  const { name, clock, config, spawn, started, mayRestart, gaveUp, restarting } = options
  return new Supervisor<M>({
    clock,
    spawn,
    restarts: {
      maxRestarts: config.maxRestarts,
      windowMs: config.restartWindowMs,
      minBackoffMs: config.restartMinMs,
      maxBackoffMs: config.restartMaxMs,
      jitter: JITTER,
    },
    onStart: started,
    ...(mayRestart === undefined ? {} : { mayRestart }),
    onFailure: (error, _, backoffMs) => {
      if (backoffMs !== null) restarting?.(name, error, Math.round(backoffMs))
    },
    onEscalate: (error) => {
      const message = `the ${name} actor failed and is not restarted: ${error.message}`
      gaveUp({ ...toWireError(error), message })
    },
  })
}
