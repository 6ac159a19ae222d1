import type { SeedReport } from './run-seed.js'

/** What is added up over all seeds, in the order in which it is printed. */
export const COUNTED = [
  'elections',
  'crashes',
  'crashesThatLostWrites',
  'outages',
  'restarts',
  'truncations',
  'configurations',
  'changes',
  'refusedChanges',
  'removals',
  'machineFaults',
  'ruins',
  'wipes',
  'replaced',
  'installs',
  'transfers',
  'partitions',
  'isolations',
  'resets',
  'stalls',
  'pauses',
  'actorFailures',
  'fullDisks',
  'flushErrors',
  'proposed',
  'acknowledged',
  'unknown',
  'rejected',
  'reads',
  'leaseReads',
  'events',
] as const satisfies readonly (keyof SeedReport)[]

/** Sums of what happened in the seeds that passed. */
export class Totals {
  readonly #sums = new Map<string, number>(COUNTED.map((name) => [name, 0]))
  passed = 0
  failed = 0

  add(report: SeedReport): void {
    this.passed++
    for (const name of COUNTED) this.#sums.set(name, (this.#sums.get(name) ?? 0) + report[name])
  }

  /** A line each, and last how many seeds passed. */
  text(): string {
    const lines = [...this.#sums].map(([name, sum]) => `${name.padEnd(24)}${sum}`)
    return `${lines.join('\n')}\n${this.passed} passed, ${this.failed} failed\n`
  }
}
