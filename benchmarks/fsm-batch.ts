import { mkdtemp, rm } from 'node:fs/promises'
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
import { now } from '../lib/runtime/clock.js'
import type { Surroundings } from './benchmark.js'
import { amount, oneOf, type SettingsOf, whole } from './flags.js'
import type { TableOptions } from './machines/table-machine.js'
import { median, round } from './statistics.js'

const flags = {
  fsm: oneOf('memory', 'lmdb'),
  size: whole(256, 0, 1_048_576),
  inflight: whole(1024, 1, 131_072),
  seconds: amount(3, 0.1, 600),
  rounds: whole(3, 1, 100),
}

type Settings = SettingsOf<typeof flags>

/**
 * The same table and the same load, given to the state machine in runs and one by one: one node whose log is
 * in memory, so that applying is what takes the time. Rounds in turn; the medians are printed.
 */
async function run(settings: Settings, { dir, report }: Surroundings): Promise<void> {
  const rates = { batched: [] as number[], unbatched: [] as number[] }
  for (let turn = 0; turn < settings.rounds; turn++) {
    rates.batched.push(await measure(settings, dir, true))
    rates.unbatched.push(await measure(settings, dir, false))
  }
  const [batched_ops_s, unbatched_ops_s] = [median(rates.batched), median(rates.unbatched)]
  const ratio = round(batched_ops_s / unbatched_ops_s, 2)
  report({ batched_ops_s, unbatched_ops_s, ratio })
}

/** Commands applied a second. */
async function measure(settings: Settings, dir: string, batched: boolean): Promise<number> {
  const dataDir = await mkdtemp(join(dir, 'fsm-'))
  const options: TableOptions = { fsm: settings.fsm, batched }
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
    await closedLoop(apply, settings, Math.min(1, settings.seconds))
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
  const begin = now()
  const end = begin + seconds * 1000
  const to = 'x'.repeat(size)
  let applied = 0
  const client = async (number: number): Promise<void> => {
    for (let key = number; now() < end; key = (key + 7919) % 100_000) {
      await apply({ set: `key-${key}`, to })
      applied++
    }
  }
  await Promise.all(Array.from({ length: inflight }, (_, number) => client(number)))
  return Math.round((applied * 1000) / (now() - begin))
}

export const benchmark = { flags, run }
