import type { Benchmark } from './benchmark.js'

/** Loaded when asked for: each brings what it needs. */
export const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  'replicated-log': async () => (await import('./replicated-log.js')).benchmark,
  'fsm-batch': async () => (await import('./fsm-batch.js')).benchmark,
  store: async () => (await import('./store.js')).benchmark,
  actor: async () => (await import('./actor.js')).benchmark,
  isolation: async () => (await import('./isolation.js')).benchmark,
  failover: async () => (await import('./failover.js')).benchmark,
  snapshot: async () => (await import('./snapshot.js')).benchmark,
  memory: async () => (await import('./memory.js')).benchmark,
  growth: async () => (await import('./growth.js')).benchmark,
  compare: async () => (await import('./compare.js')).benchmark,
}
