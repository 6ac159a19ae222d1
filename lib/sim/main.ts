#!/usr/bin/env node
import { createWriteStream, type WriteStream } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import type { TraceEvent } from '../runtime/sim-host.js'
import { type ProfileName, profiles } from './profiles.js'
import { runSeed, type SeedReport } from './run-seed.js'

interface SimOptions {
  readonly seeds: number
  readonly from: number
  readonly profile: ProfileName
  readonly faultsMs: number
  readonly replay?: number
  readonly trace?: string
}

const COUNTED = [
  'elections',
  'crashes',
  'crashesThatLostWrites',
  'outages',
  'restarts',
  'truncations',
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
] as const

const program = new Command('troupe-sim')
  .description('runs whole simulated clusters of the production actors, one seed each')
  .option('--seeds <n>', 'how many seeds', wholeNumber, 100)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--profile <name>', `one of ${Object.keys(profiles).join(', ')}`, profileName, 'mixed')
  .option('--faults-ms <ms>', 'virtual time with faults in each run', wholeNumber, 60_000)
  .option('--replay <seed>', 'run this seed only', wholeNumber)
  .option('--trace <file>', 'with --replay: write every event there, one JSON object a line')

program.parse()
await main(program.opts<SimOptions>())

async function main(options: SimOptions): Promise<void> {
  const { from, seeds, profile, replay } = options
  const first = replay ?? from
  const last = replay ?? from + seeds - 1
  const totals = new Map<string, number>(COUNTED.map((name) => [name, 0]))
  let passed = 0
  let failed = 0
  for (let seed = first; seed <= last; seed++) {
    const report = await run(seed, profile, options)
    if (report === null) failed++
    else {
      passed++
      for (const name of COUNTED) totals.set(name, (totals.get(name) ?? 0) + report[name])
    }
  }
  for (const [name, total] of totals) process.stdout.write(`${name.padEnd(24)}${total}\n`)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  if (failed > 0) process.exitCode = 1
}

async function run(
  seed: number,
  profile: ProfileName,
  { faultsMs, trace, replay }: SimOptions,
): Promise<SeedReport | null> {
  const file = trace === undefined || replay === undefined ? null : createWriteStream(trace)
  const onEvent = file === null ? {} : { onEvent: (event: TraceEvent) => writeEvent(file, event) }
  try {
    return await runSeed({ seed, profile, faultsMs, ...onEvent })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    process.stdout.write(`seed ${seed} failed: ${text}\n`)
    process.stdout.write(
      `  replay: npm run sim -- --replay ${seed} --profile ${profile} --faults-ms ${faultsMs} --trace trace.jsonl\n`,
    )
    return null
  } finally {
    file?.end()
  }
}

/** Shared memory and byte runs are shown by their length: addresses would differ from run to run. */
function writeEvent(file: WriteStream, event: TraceEvent): void {
  const line = JSON.stringify(event, (_key, value: unknown) => {
    if (value instanceof SharedArrayBuffer) return `memory(${value.byteLength})`
    if (value instanceof Uint8Array) return `bytes(${value.length})`
    return value
  })
  file.write(`${line}\n`)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError(`expected a whole number, found ${JSON.stringify(text)}`)
}

function profileName(text: string): ProfileName {
  if (Object.hasOwn(profiles, text)) return text as ProfileName
  throw new InvalidArgumentError(
    `expected one of ${Object.keys(profiles).join(', ')}, found ${JSON.stringify(text)}`,
  )
}
