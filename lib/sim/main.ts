#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { type Profile, type ProfileName, profileNames, profiles } from './profiles.js'
import { outcomeOf, type SeedFailure, type SeedOutcome } from './seed-outcome.js'
import { runPool } from './seed-pool.js'
import { SeedThread, type SentOptions } from './seed-thread.js'
import { shrink } from './shrink.js'
import { Totals } from './totals.js'
import { TraceFile } from './trace.js'

interface SimOptions {
  readonly seeds: number
  readonly from: number
  readonly profile: ProfileName
  readonly faultsMs: number
  readonly nodes?: number
  readonly without?: readonly (keyof Profile)[]
  readonly jobs: number
  readonly patienceMs: number
  readonly firstFailure?: boolean
  readonly shrink: boolean
  readonly replay?: number
  readonly trace?: string
}

/** Failing seeds past so many are not made smaller: they are mostly the same. */
const MOST_SHRUNK = 3

const program = new Command('troupe-sim')
  .description('runs whole simulated clusters of the production actors, one seed each')
  .option('--seeds <n>', 'how many seeds', wholeNumber, 100)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--profile <name>', `one of ${profileNames.join(', ')}`, profileName, 'all')
  .option('--faults-ms <ms>', 'virtual time with faults in each run', wholeNumber, 60_000)
  .option('--nodes <n>', 'voters to begin with; drawn from the seed by default', wholeNumber)
  .option('--without <kinds>', 'kinds of trouble to leave out, e.g. crashEveryMs', kinds)
  .option('--jobs <n>', 'threads that run seeds', wholeNumber, availableParallelism())
  .option('--patience-ms <ms>', 'longest real time of one seed', wholeNumber, 300_000)
  .option('--first-failure', 'run no more seeds after the first that fails')
  .option('--no-shrink', 'look for no smaller runs of seeds that failed')
  .option('--replay <seed>', 'run this seed only', wholeNumber)
  .option('--trace <file>', 'with --replay: write every event there, one JSON object a line')

program.parse()
await main(program.opts<SimOptions>())

async function main(options: SimOptions): Promise<void> {
  const totals = new Totals()
  const failures: SeedFailure[] = []
  const tell = (outcome: SeedOutcome): boolean => {
    if ('report' in outcome) totals.add(outcome.report)
    else {
      totals.failed++
      failures.push(outcome)
      process.stdout.write(failureText(outcome, runOptions(options, outcome.seed)))
    }
    return failures.length === 0 || options.firstFailure !== true
  }
  if (options.replay === undefined) await runSeeds(options, tell)
  else tell(await replay(options.replay, options))
  if (options.shrink && options.replay === undefined) await shrinkAll(options, failures)
  const { profile, faultsMs } = options
  // Some profiles are there to leave things out, and one seed proves nothing.
  const judged = options.replay === undefined && profile === 'all' ? faultsMs : null
  process.stdout.write(totals.text(judged))
  if (totals.failed > 0 || totals.shortcomings(judged).length > 0) process.exitCode = 1
}

function runOptions(options: SimOptions, seed: number): SentOptions {
  const { profile, faultsMs, nodes, without } = options
  const chosen = nodes === undefined ? {} : { nodes }
  return { seed, profile, faultsMs, ...chosen, ...(without === undefined ? {} : { without }) }
}

async function runSeeds(
  options: SimOptions,
  onOutcome: (outcome: SeedOutcome) => boolean,
): Promise<void> {
  const { from: first, seeds, patienceMs } = options
  const { seed: _, ...common } = runOptions(options, first)
  const jobs = Math.min(options.jobs, seeds)
  await runPool({ jobs, first, last: first + seeds - 1, common, patienceMs, onOutcome })
}

async function replay(seed: number, options: SimOptions): Promise<SeedOutcome> {
  const chosen = runOptions(options, seed)
  if (options.trace === undefined) return outcomeOf(chosen)
  const file = new TraceFile(options.trace)
  const outcome = await outcomeOf({ ...chosen, onEvent: (event) => file.write(event) })
  file.close()
  return outcome
}

async function shrinkAll(options: SimOptions, failures: readonly SeedFailure[]): Promise<void> {
  const thread = new SeedThread(options.patienceMs)
  for (const failure of failures.slice(0, MOST_SHRUNK)) {
    const whole = runOptions(options, failure.seed)
    const small = await shrink(whole, failure, (tried) => thread.run(tried))
    if (small.options === whole) continue
    process.stdout.write(`smaller, after ${small.runs} runs: `)
    process.stdout.write(failureText(small.failure, small.options))
  }
  await thread.close()
}

function failureText({ seed, rule, message, atMs }: SeedFailure, options: SentOptions): string {
  const text = message.startsWith(rule) ? message : `${rule}: ${message}`
  const when = atMs === null ? '' : ` at ${Math.round(atMs)} ms`
  const { profile, faultsMs, nodes, without = [] } = options
  const flags = [`--replay ${seed} --profile ${profile} --faults-ms ${faultsMs}`]
  if (nodes !== undefined) flags.push(`--nodes ${nodes}`)
  if (without.length > 0) flags.push(`--without ${without.join(',')}`)
  const replayed = `npm run sim -- ${flags.join(' ')} --trace trace.jsonl`
  return `seed ${seed} failed${when}: ${text}\n  replay: ${replayed}\n`
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError(`expected a whole number, found ${JSON.stringify(text)}`)
}

function profileName(text: string): ProfileName {
  return oneOf(profileNames, text)
}

function kinds(text: string): readonly (keyof Profile)[] {
  const known = Object.keys(profiles.mixed) as (keyof Profile)[]
  return text.split(',').map((each) => oneOf(known, each))
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((name) => name === text)
  if (found !== undefined) return found
  throw new InvalidArgumentError(
    `expected one of ${known.join(', ')}, found ${JSON.stringify(text)}`,
  )
}
