import { runSeed, type SeedOptions, type SeedReport } from './run-seed.js'
import { SafetyViolation } from './violation.js'

/** What became of one seed. */
export type SeedOutcome =
  | { readonly seed: number; readonly report: SeedReport }
  | { readonly seed: number; readonly rule: string; readonly message: string }

/** Runs a seed; a broken rule is its outcome, and so is any error of the simulated nodes. */
export async function outcomeOf(options: SeedOptions): Promise<SeedOutcome> {
  const { seed } = options
  try {
    return { seed, report: await runSeed(options) }
  } catch (error) {
    if (error instanceof SafetyViolation) return { seed, rule: error.rule, message: error.message }
    if (!(error instanceof Error)) return { seed, rule: 'no errors', message: String(error) }
    return { seed, rule: error.name, message: error.message }
  }
}
