import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Surroundings } from './benchmark.js'
import type { LoadFigures } from './cluster/node-calls.js'
import { type Measurement, ratiosOf, type Shape, summariesOf } from './comparison.js'
import { amount, type SettingsOf, someOf, text, whole } from './flags.js'
import { antietcd } from './peers/antietcd.js'
import type { Contestant } from './peers/contestant.js'
import { etcd } from './peers/etcd.js'
import { hashicorp } from './peers/hashicorp.js'
import { ours } from './peers/ours.js'

const contestants: readonly Contestant[] = [
  ours('lmdb'),
  ours('wal'),
  ours('wal', 'troupe-wal-near', ['inbound', 'replicators']),
  hashicorp('boltdb'),
  hashicorp('wal'),
  etcd('etcd', 4),
  etcd('etcd-embedded', 0),
  antietcd,
]

const flags = {
  rounds: whole(3, 1, 100),
  seconds: amount(5, 0.1, 600),
  /** Seconds of the same load before, for everybody: Node.js compiles code by use, on each thread anew. */
  warmup: amount(15, 0, 600),
  only: someOf(contestants.map(({ name }) => name)),
  parts: someOf(['replicated-log', 'store']),
  /** Bytes x commands in flight. */
  shapes: text('256x1,256x64,256x1024,16x4096', 'SIZExINFLIGHT,…', /^\d+x\d+(,\d+x\d+)*$/),
}

/** The shape that only ours are measured with: the others are far from it with fewer in flight. */
const OURS_ONLY = 4096

type Settings = SettingsOf<typeof flags>

/**
 * Ours and each installed peer in turn, several rounds, so that all meet the same machine: three nodes, a
 * process each, loopback, flushed on every node before its acknowledgement, closed-loop load from the
 * leader's process. Lines of single measurements, then medians with their spread, then ratios of ours to
 * theirs.
 */
async function run(settings: Settings, surroundings: Surroundings): Promise<void> {
  const ready = await prepared(settings, surroundings)
  const measured: Measurement[] = []
  const take = (measurement: Measurement): void => {
    measured.push(measurement)
    surroundings.report({ ...measurement })
  }
  for (let round = 1; round <= settings.rounds; round++) {
    for (const contestant of ready) {
      const dir = join(surroundings.dir, `${contestant.name}-${round}`)
      await mkdir(dir)
      const turn = { contestant, round, dir, take }
      if (settings.parts.includes('replicated-log')) await measureLog(turn, settings)
      if (settings.parts.includes('store')) await measureStore(turn, settings)
    }
  }
  for (const line of summariesOf(measured)) surroundings.report({ ...line })
  for (const line of ratiosOf(measured)) surroundings.report({ ...line })
}

/** Those that can take part; of the others a line says why not. */
async function prepared(
  settings: Settings,
  { progress, report }: Surroundings,
): Promise<readonly Contestant[]> {
  const wanted = settings.only.split(',')
  const ready: Contestant[] = []
  for (const contestant of contestants.filter(({ name }) => wanted.includes(name))) {
    const skipped = await contestant.prepare()
    if (skipped === null) ready.push(contestant)
    else {
      progress(`skipped ${contestant.name}: ${skipped}`)
      report({ contestant: contestant.name, skipped })
    }
  }
  return ready
}

interface Turn {
  readonly contestant: Contestant
  readonly round: number
  readonly dir: string
  take(measurement: Measurement): void
}

/** A cluster of its own for each shape: none meets the log or the memory of another. */
async function measureLog(
  { contestant, round, dir, take }: Turn,
  { shapes, seconds, warmup: warmUpSeconds }: Settings,
): Promise<void> {
  const { name, start } = contestant
  for (const { size, inflight } of shapesOf(shapes)) {
    if (inflight >= OURS_ONLY && !name.startsWith('troupe')) continue
    const place = join(dir, `${size}x${inflight}`)
    const cluster = await start(place)
    try {
      const figures: LoadFigures = await cluster.load({ size, inflight, seconds, warmUpSeconds })
      take({ part: 'replicated-log', contestant: name, round, size, inflight, ...figures })
    } finally {
      await cluster.close()
      // A log of gigabytes: those of all rounds together would fill the disk.
      await rm(place, { recursive: true, force: true })
    }
  }
}

async function measureStore(
  { contestant, round, dir, take }: Turn,
  { seconds }: Settings,
): Promise<void> {
  const { name, storeLogs } = contestant
  const ops_s = await storeLogs(dir, Math.min(2, seconds))
  if (ops_s !== null) {
    const operation = 'StoreLogs'
    take({ part: 'store', contestant: name, round, operation, size: 256, batch: 64, ops_s })
  }
}

function shapesOf(text: string): readonly Shape[] {
  return text.split(',').map((shape) => {
    const [size = 0, inflight = 0] = shape.split('x').map(Number)
    return { size, inflight }
  })
}

export const benchmark = { flags, run }
