/**
 * The actor runtime that Troupe is built on (experimental): behaviours that run on a worker thread, on the
 * current thread, or in virtual time under a seed.
 */
export * from './actor.js'
export { type ActorSystemOptions, createActorSystem, type HostActorSystem } from './actor-system.js'
export { type Clock, now } from './clock.js'
export * from './errors.js'
export { Prng } from './prng.js'
export { isPromise } from './promise.js'
export { SharedWords } from './shared-words.js'
export { SimActorSystem, type SimSystemOptions, type TraceEvent } from './sim-host.js'
export { type RunLimits, SimScheduler, type SimSchedulerOptions } from './sim-scheduler.js'
export {
  DEFAULT_RESTARTS,
  type RestartPolicy,
  Supervisor,
  type SupervisorOptions,
} from './supervisor.js'
export { asError, fromWireError, toWireError, type WireError } from './wire-error.js'
