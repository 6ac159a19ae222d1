import { runSeed, type SeedOptions, type SeedReport } from './run-seed.js'
import { SafetyViolation } from './violation.js'

export interface SeedFailure {
  readonly seed: number
  /** Which rule was broken; of another error its name. */
  readonly rule: string
  readonly message: string
  /** Virtual time at which it was found, if that was before the faults ended. */
  readonly atMs: number | null
}

/** What became of one seed. */
export type SeedOutcome = { readonly seed: number; readonly report: SeedReport } | SeedFailure

/** Runs a seed; a broken rule is its outcome, and so is any error of the simulated nodes. */
export async function outcomeOf(options: SeedOptions): Promise<SeedOutcome> {
  const { seed } = options
  try {
    return { seed, report: await runSeed(options) }
  } catch (error) {
    if (error instanceof SafetyViolation) {
      const { rule, message, atMs } = error
      return { seed, rule, message, atMs }
    }
    if (!(error instanceof Error)) return failure(seed, 'no errors', String(error))
    return failure(seed, error.name, error.message)
  }
}

export function failure(seed: number, rule: string, message: string): SeedFailure {
  return { seed, rule, message, atMs: null }
}
