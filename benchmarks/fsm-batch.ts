import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../lib/examples/lmdb-table.js'
import {
  jsonCodec,
  memoryNetwork,
  memoryStore,
  memoryTransport,
  RaftNode,
  stateMachine,
} from '../lib/index.js'
import type { TableOptions } from './machines/table-machine.js'
import type { Flags } from './run.js'

interface Settings {
  readonly fsm: string
  readonly size: number
  readonly inflight: number
  readonly seconds: number
}

const ROUNDS = 3

/**
 * The same table and the same load, given to the state machine in runs and one by one: one node whose log is
 * in memory, so that applying is what takes the time. Rounds in turn; the medians are printed.
 */
export async function run(flags: Flags): Promise<void> {
  const settings: Settings = {
    fsm: String(flags.fsm ?? 'memory'),
    size: Number(flags.size ?? 256),
    inflight: Number(flags.inflight ?? 1024),
    seconds: Number(flags.seconds ?? 3),
  }
  if (settings.fsm !== 'memory' && settings.fsm !== 'lmdb') {
    throw new Error(`expected --fsm memory or lmdb, found ${settings.fsm}`)
  }
  const rates = { batched: [] as number[], unbatched: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.batched.push(await measure(settings, true))
    rates.unbatched.push(await measure(settings, false))
  }
  const [batched, unbatched] = [median(rates.batched), median(rates.unbatched)]
  const ratio = Number((batched / unbatched).toFixed(2))
  const figures = { batched_ops_s: batched, unbatched_ops_s: unbatched, ratio }
  print({ bench: 'fsm-batch', ...settings, rounds: ROUNDS, ...figures }, flags)
}

/** Commands applied a second. */
async function measure(settings: Settings, batched: boolean): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'troupe-fsm-'))
  const options = { fsm: settings.fsm, batched } as TableOptions
  const node = await RaftNode.start({
    cluster: 'bench',
    id: 'n1',
    dataDir,
    transport: memoryTransport(memoryNetwork(), 'n1'),
    store: memoryStore(),
    stateMachine: stateMachine<typeof import('./machines/table-machine.js')>(
      new URL('./machines/table-machine.js', import.meta.url),
      options,
      {
        codec: jsonCodec<Command>(),
      },
    ),
    bootstrap: [{ id: 'n1', address: 'n1' }],
    config: { requestTimeoutMs: 60_000 },
  })
  try {
    await node.waitFor({ state: 'leader' })
    const apply = (command: Command) => node.apply(command)
    await closedLoop(apply, settings, 1)
    return await closedLoop(apply, settings, settings.seconds)
  } finally {
    await node.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** So many clients, each with one command at a time, over a hundred thousand keys. */
async function closedLoop(
  apply: (command: Command) => Promise<unknown>,
  { size, inflight }: Settings,
  seconds: number,
): Promise<number> {
  const start = performance.now()
  const end = start + seconds * 1000
  const to = 'x'.repeat(size)
  let applied = 0
  const client = async (number: number): Promise<void> => {
    for (let key = number; performance.now() < end; key = (key + 7919) % 100_000) {
      await apply({ set: `key-${key}`, to })
      applied++
    }
  }
  await Promise.all(Array.from({ length: inflight }, (_, number) => client(number)))
  return Math.round((applied * 1000) / (performance.now() - start))
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}

function print(line: Readonly<Record<string, unknown>>, flags: Flags): void {
  if (flags.json === true) process.stdout.write(`${JSON.stringify(line)}\n`)
  else
    for (const [name, value] of Object.entries(line))
      process.stdout.write(`${name.padEnd(16)}${value}\n`)
}
