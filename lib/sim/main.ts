#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { type ProfileName, profileNames } from './profiles.js'
import { outcomeOf, type SeedOutcome } from './seed-outcome.js'
import { runPool } from './seed-pool.js'
import { Totals } from './totals.js'
import { TraceFile } from './trace.js'

interface SimOptions {
  readonly seeds: number
  readonly from: number
  readonly profile: ProfileName
  readonly faultsMs: number
  readonly jobs: number
  readonly patienceMs: number
  readonly firstFailure?: boolean
  readonly replay?: number
  readonly trace?: string
}

const program = new Command('troupe-sim')
  .description('runs whole simulated clusters of the production actors, one seed each')
  .option('--seeds <n>', 'how many seeds', wholeNumber, 100)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--profile <name>', `one of ${profileNames.join(', ')}`, profileName, 'all')
  .option('--faults-ms <ms>', 'virtual time with faults in each run', wholeNumber, 60_000)
  .option('--jobs <n>', 'threads that run seeds', wholeNumber, availableParallelism())
  .option('--patience-ms <ms>', 'longest real time of one seed', wholeNumber, 300_000)
  .option('--first-failure', 'run no more seeds after the first that fails')
  .option('--replay <seed>', 'run this seed only', wholeNumber)
  .option('--trace <file>', 'with --replay: write every event there, one JSON object a line')

program.parse()
await main(program.opts<SimOptions>())

async function main(options: SimOptions): Promise<void> {
  const totals = new Totals()
  const tell = (outcome: SeedOutcome): boolean => {
    if ('report' in outcome) {
      totals.add(outcome.report)
      return true
    }
    totals.failed++
    process.stdout.write(failureText(outcome, options))
    return options.firstFailure !== true
  }
  if (options.replay === undefined) await runSeeds(options, tell)
  else tell(await replay(options.replay, options))
  process.stdout.write(totals.text())
  if (totals.failed > 0) process.exitCode = 1
}

async function runSeeds(
  { from, seeds, jobs, profile, faultsMs, patienceMs }: SimOptions,
  onOutcome: (outcome: SeedOutcome) => boolean,
): Promise<void> {
  const last = from + seeds - 1
  const common = { profile, faultsMs }
  await runPool({ jobs: Math.min(jobs, seeds), first: from, last, common, patienceMs, onOutcome })
}

async function replay(
  seed: number,
  { profile, faultsMs, trace }: SimOptions,
): Promise<SeedOutcome> {
  if (trace === undefined) return outcomeOf({ seed, profile, faultsMs })
  const file = new TraceFile(trace)
  const outcome = await outcomeOf({
    seed,
    profile,
    faultsMs,
    onEvent: (event) => file.write(event),
  })
  file.close()
  return outcome
}

function failureText(
  { seed, rule, message }: Extract<SeedOutcome, { rule: string }>,
  { profile, faultsMs }: SimOptions,
): string {
  const text = message.startsWith(rule) ? message : `${rule}: ${message}`
  const flags = `--replay ${seed} --profile ${profile} --faults-ms ${faultsMs}`
  return `seed ${seed} failed: ${text}\n  replay: npm run sim -- ${flags} --trace trace.jsonl\n`
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError(`expected a whole number, found ${JSON.stringify(text)}`)
}

function profileName(text: string): ProfileName {
  const found = profileNames.find((name) => name === text)
  if (found !== undefined) return found
  throw new InvalidArgumentError(
    `expected one of ${profileNames.join(', ')}, found ${JSON.stringify(text)}`,
  )
}
