import { now } from '../runtime/clock.js'
import { type Profile, profileFor } from './profiles.js'
import type { SeedFailure, SeedOutcome } from './seed-outcome.js'
import type { SentOptions } from './seed-thread.js'

export interface Shrunk {
  /** The smallest run that was found to break the same rule. */
  readonly options: SentOptions
  readonly failure: SeedFailure
  readonly runs: number
}

/** Runs that cannot begin before this real time has passed are left out. */
const LONGEST_MS = 60_000

/**
 * Looks for a smaller run that breaks the same rule: the faults end where it was found, there are fewer nodes,
 * and kinds of trouble are left out, one after the other. Each step is kept that still fails.
 */
export async function shrink(
  options: SentOptions,
  failure: SeedFailure,
  run: (options: SentOptions) => Promise<SeedOutcome>,
): Promise<Shrunk> {
  const until = now() + LONGEST_MS
  let best: Shrunk = { options, failure, runs: 0 }
  const attempt = async (change: Partial<SentOptions>): Promise<void> => {
    if (now() > until) return
    const tried = { ...best.options, ...change }
    const outcome = await run(tried)
    const same = 'rule' in outcome && outcome.rule === failure.rule
    const found = same ? { options: tried, failure: outcome } : best
    best = { ...found, runs: best.runs + 1 }
  }
  const shorten = async (): Promise<void> => {
    const { atMs } = best.failure
    // Until then the shorter run is the same, event for event.
    const faultsMs = atMs === null ? null : Math.ceil(atMs) + 1
    if (faultsMs !== null && faultsMs < (best.options.faultsMs ?? Infinity))
      await attempt({ faultsMs })
  }
  await shorten()
  await attempt({ nodes: 3 })
  for (const kind of kindsOf(options)) {
    await attempt({ without: [...(best.options.without ?? []), kind] })
  }
  await shorten()
  return best
}

/** Kinds of trouble that this run has. */
function kindsOf({ seed, profile = 'all', without = [] }: SentOptions): readonly (keyof Profile)[] {
  const kinds = Object.entries(profileFor(profile, seed)).filter(([kind, value]) => {
    const trouble = kind !== 'readEveryMs' && kind !== 'downMs'
    return trouble && value !== 0 && value !== false && !without.includes(kind as keyof Profile)
  })
  return kinds.map(([kind]) => kind as keyof Profile)
}
