import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark } from './benchmark.js'
import { benchmarks } from './benchmarks.js'
import { readFlags, UsageError } from './flags.js'
import { describeMachine } from './machine.js'
import { jsonOutput, tableOutput } from './output.js'

export interface CommandStreams {
  out(text: string): void
  err(text: string): void
}

/**
 * `NAME [flags]`: runs one benchmark. With `--json` a line is one JSON object, without it there is a table.
 * `--dir D` makes data directories in D instead of the system's directory for temporary files.
 * @returns The exit code: 0; 2 when the command line cannot be run; 1 when the benchmark fails.
 */
export async function runCommand(
  args: readonly string[],
  streams: CommandStreams,
): Promise<0 | 1 | 2> {
  try {
    await run(args, streams)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      streams.err(`usage: npm run bench -- NAME [flags] [--json] [--dir DIRECTORY]\n`)
      streams.err(`${error.message}\n`)
      return 2
    }
    streams.err(`${(error as Error).stack ?? String(error)}\n`)
    return 1
  }
}

async function run(args: readonly string[], streams: CommandStreams): Promise<void> {
  const [name = '', ...rest] = args
  const benchmark = await find(name)
  const { json, parent, own } = commonFlags(rest)
  const settings = readFlags(benchmark.flags, own)
  const dir = await makeDirectory(parent)
  try {
    const heading = { bench: name, settings, machine: await describeMachine(dir) }
    const write = (text: string): void => streams.out(text)
    const report = json ? jsonOutput(heading, write) : tableOutput(heading, write)
    const progress = (message: string): void => streams.err(`${message}\n`)
    await benchmark.run(settings, { dir, report, progress })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function find(name: string): Promise<Benchmark> {
  if (Object.hasOwn(benchmarks, name)) {
    const load = benchmarks[name]
    if (load !== undefined) return await load()
  }
  const known = Object.keys(benchmarks).join(', ')
  throw new UsageError(`expected NAME to be one of ${known}, found ${JSON.stringify(name)}`)
}

interface CommonFlags {
  readonly json: boolean
  readonly parent: string
  /** The arguments that are the benchmark's own. */
  readonly own: readonly string[]
}

function commonFlags(args: readonly string[]): CommonFlags {
  const own: string[] = []
  let json = false
  let parent = tmpdir()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '--json') json = true
    else if (arg === '--dir') parent = args[++i] ?? ''
    else if (arg.startsWith('--dir=')) parent = arg.slice('--dir='.length)
    else own.push(arg)
  }
  return { json, parent, own }
}

async function makeDirectory(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'troupe-bench-'))
  } catch (error) {
    const found = `${JSON.stringify(parent)}: ${(error as Error).message}`
    throw new UsageError(`--dir: expected a directory that can be written to, found ${found}`)
  }
}
