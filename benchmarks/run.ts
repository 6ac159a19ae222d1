import { parseArgs } from 'node:util'

/** A benchmark prints one JSON object a line, or a table without `--json`. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>

export interface Benchmark {
  run(flags: Flags): Promise<void>
}

const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  'replicated-log': () => import('./replicated-log.js'),
  'fsm-batch': () => import('./fsm-batch.js'),
  store: () => import('./store.js'),
  actor: () => import('./actor.js'),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { json: { type: 'boolean' } },
  args: withValues(process.argv.slice(2)),
})

const name = positionals[0] ?? ''
const load = benchmarks[name]
if (load === undefined) {
  process.stderr.write(
    `usage: npm run bench -- NAME [flags] --json\nexpected NAME to be one of ${Object.keys(benchmarks).join(', ')}, found ${JSON.stringify(name)}\n`,
  )
  process.exitCode = 2
} else {
  const benchmark = await load()
  await benchmark.run(values)
}

/** `--flag value` and `--flag=value` alike, whatever the flag is called. */
function withValues(args: readonly string[]): string[] {
  const joined: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    const next = args[i + 1]
    const takesNext = arg.startsWith('--') && !arg.includes('=') && arg !== '--json'
    if (takesNext && next !== undefined && !next.startsWith('--')) {
      joined.push(`${arg}=${next}`)
      i++
    } else joined.push(arg)
  }
  return joined
}
