import type { SeedReport } from './run-seed.js'

type Counted = Exclude<keyof SeedReport, 'seed' | 'profile' | 'nodes'>

/** What is added up over all seeds, in the order in which it is printed, and how it is called there. */
const COUNTED: Readonly<Record<Counted, string>> = {
  elections: 'elections',
  crashes: 'crashes',
  crashesThatLostWrites: 'crashes that lost writes',
  outages: 'outages of all machines',
  restarts: 'restarts',
  failures: 'nodes that ended by themselves',
  truncations: 'truncations',
  installs: 'installs',
  membershipChanges: 'membership changes',
  refusedChanges: 'refused changes',
  configurations: 'configurations',
  removals: 'removals',
  transfers: 'transfers',
  leaseReads: 'lease reads',
  leaseReadsUnderSkew: 'lease reads under skew',
  reads: 'reads',
  stalls: 'stalls',
  pauses: 'pauses',
  preemptions: 'preemptions',
  actorFailures: 'actor failures',
  fatalActorFailures: 'fatal actor failures',
  machineFaults: 'faults of user code',
  partitions: 'partitions',
  isolations: 'isolated leaders',
  splitJoints: 'split joint configurations',
  cuts: 'one-way cuts',
  dataCuts: 'cut data connections',
  resets: 'resets',
  slowLinks: 'slow links',
  fullDisks: 'full disks',
  flushErrors: 'flush errors',
  bitFlips: 'bit flips',
  ruins: 'ruined machines',
  wipedVoters: 'voters wiped among those behind',
  wipes: 'wiped machines',
  replaced: 'replaced machines',
  sessions: 'sessions',
  sessionCommands: 'session commands',
  repeatedCommands: 'repeated session commands',
  expiredSessions: 'expired sessions',
  proposed: 'proposed commands',
  operations: 'operations',
  unknownOutcomes: 'unknown outcomes',
  rejected: 'rejected commands',
  lostResults: 'lost results',
  events: 'events',
}

/** With fewer seeds something may not have come up. */
const ENOUGH_SEEDS = 1000
/** At least half of the seeds commit so many. */
const ENOUGH_OPERATIONS = 500
/** Shorter runs are not expected to. */
const ENOUGH_MS = 60_000

/** Sums of what happened in the seeds that passed. */
export class Totals {
  readonly #sums = new Map<Counted, number>()
  #seedsWithEnough = 0
  passed = 0
  failed = 0

  add(report: SeedReport): void {
    this.passed++
    if (report.operations >= ENOUGH_OPERATIONS) this.#seedsWithEnough++
    for (const name of Object.keys(COUNTED) as Counted[]) {
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + report[name])
    }
  }

  /** Why these runs prove less than they should. `faultsMs`: of each run; null: it is not asked. */
  shortcomings(faultsMs: number | null): readonly string[] {
    const found: string[] = []
    if (faultsMs === null) return found
    if (this.passed + this.failed >= ENOUGH_SEEDS) {
      for (const [name, label] of Object.entries(COUNTED)) {
        if ((this.#sums.get(name as Counted) ?? 0) === 0) found.push(`there were no ${label}`)
      }
    }
    if (faultsMs >= ENOUGH_MS && 2 * this.#seedsWithEnough < this.passed) {
      found.push(
        `${this.#seedsWithEnough} of ${this.passed} seeds committed ${ENOUGH_OPERATIONS} operations, expected half of them`,
      )
    }
    return found
  }

  /** A line each, then the shortcomings, and last how many seeds passed. */
  text(faultsMs: number | null): string {
    const width = Math.max(...Object.values(COUNTED).map((label) => label.length)) + 2
    const sums = Object.entries(COUNTED).map(([name, label]) => {
      return `${label.padEnd(width)}${this.#sums.get(name as Counted) ?? 0}`
    })
    const half = `seeds with ${ENOUGH_OPERATIONS} operations`.padEnd(width) + this.#seedsWithEnough
    const short = this.shortcomings(faultsMs).map((text) => `not enough: ${text}`)
    const end = `${this.passed} passed, ${this.failed} failed`
    return `${[...sums, half, ...short, end].join('\n')}\n`
  }
}
