import { getHeapStatistics } from 'node:v8'
import t, { type Test } from 'tap'
import { after, now } from '../../../lib/runtime/clock.js'
import { Prng } from '../../../lib/runtime/prng.js'
import { mutated } from './mutator.js'

/** Something that reads bytes which anyone may have made. */
export interface FuzzTarget {
  /** What is fuzzed. */
  readonly name: string
  /** Well-formed inputs, from which the others are made. */
  readonly samples: readonly Uint8Array[]
  /** Makes the checksums right again in every other input, so that what lies behind them is met. */
  readonly seal?: (bytes: Buffer) => void
  /** Reads the input, and fails in the way that `refuses` knows, or not at all. */
  readonly read: (bytes: Buffer) => unknown
  /** Whether this is how the reader refuses an input. */
  readonly refuses: (error: unknown) => boolean
  /** The samples are well-formed, and refused for other reasons. */
  readonly mayRefuseSamples?: boolean
  /** Whatever is damaged, it finds its way: nothing is ever refused. */
  readonly takesAll?: boolean
  /** Inputs in the usual run. Default 1000. */
  readonly inputs?: number
  /** Most memory that one input may take at a time. Default 32 MiB. */
  readonly maxBytes?: number
  /** Inputs that were not refused as they should have been once. */
  readonly kept?: readonly Uint8Array[]
}

/** However slow the machine: a reader that takes so long for one input hangs. */
const HANG_MS = 5000
const SECONDS = Number(process.env.TROUPE_FUZZ_SECONDS ?? 0)
const FROM = Number(process.env.TROUPE_FUZZ_FROM ?? 1)

/**
 * Input n is made from seed n alone. The usual run takes the first few; `npm run fuzz -- --seconds 60` takes
 * as many as it can in that time.
 */
export function fuzz(target: FuzzTarget): void {
  t.test(target.name, async (t) => {
    const totals = { taken: 0, refused: 0 }
    for (const sample of target.samples) {
      await tryInput(t, target, Buffer.from(sample), 'a sample', totals)
      if (totals.refused > 0 && target.mayRefuseSamples !== true)
        return t.fail('a sample is refused')
    }
    for (const [i, kept] of (target.kept ?? []).entries()) {
      await tryInput(t, target, Buffer.from(kept), `kept input ${i}`, totals)
    }
    const { inputs = 1000 } = target
    const until = now() + SECONDS * 1000
    for (let seed = FROM; SECONDS > 0 ? now() < until : seed < FROM + inputs; seed++) {
      if (!(await tryInput(t, target, inputOf(target, seed), `seed ${seed}`, totals))) return
    }
    const count = target.takesAll === true ? totals.taken : totals.refused
    t.ok(count > 0, `${totals.refused} refused, ${totals.taken} taken`)
  })
}

function inputOf({ samples, seal }: FuzzTarget, seed: number): Buffer {
  const bytes = mutated(samples, new Prng(seed))
  if (seed % 2 === 0) seal?.(bytes)
  return bytes
}

/** False: it went wrong. */
async function tryInput(
  t: Test,
  target: FuzzTarget,
  bytes: Buffer,
  which: string,
  totals: { taken: number; refused: number },
): Promise<boolean> {
  const shown = bytes.toString('hex', 0, 512)
  const wrong = (what: string, error?: unknown): false => {
    t.fail(`${which}: ${what}`, { bytes: bytes.length, hex: shown, ...(error ? { error } : {}) })
    return false
  }
  const [startedAt, before] = [now(), memory()]
  try {
    await inTime(target.read(bytes))
    totals.taken++
  } catch (error) {
    if (!target.refuses(error)) return wrong('not a refusal of its kind', error)
    totals.refused++
  }
  if (now() - startedAt > HANG_MS) return wrong('the reader hangs')
  const taken = memory() - before
  if (taken > (target.maxBytes ?? 32 * 1024 * 1024)) return wrong(`${taken} bytes of memory`)
  return true
}

/** What the reader holds, or has let go and nobody has collected yet. */
function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

async function inTime(result: unknown): Promise<void> {
  if (!(result instanceof Promise)) return
  let cancel = () => {}
  const hangs = new Promise<never>((_, reject) => {
    const timer = after(HANG_MS, () => reject(new Error('the reader hangs')))
    cancel = () => timer.cancel()
  })
  try {
    await Promise.race([result, hangs])
  } finally {
    cancel()
  }
}
