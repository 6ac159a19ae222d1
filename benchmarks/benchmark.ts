import type { FlagRules, FlagValue, SettingsOf } from './flags.js'

/** Names and values of one line of output, in order. */
export type Line = Readonly<Record<string, FlagValue | null>>

/** Called once for each line; benchmark, flags and machine are added to it. */
export type Report = (line: Line) => void

/** What a benchmark may use besides its flags. */
export interface Surroundings {
  /** An empty directory of its own, removed afterwards. */
  readonly dir: string
  readonly report: Report
  /** Of what takes long, for people. */
  readonly progress: (message: string) => void
}

export interface Benchmark<Rules extends FlagRules = FlagRules> {
  readonly flags: Rules
  run(settings: SettingsOf<Rules>, surroundings: Surroundings): Promise<void>
}
