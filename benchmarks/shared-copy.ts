import { copyBytes } from '../lib/runtime/copy-bytes.js'

/**
 * Why bytes in shared memory are not copied with `Uint8Array.set`. Processor time of one copy, as user code
 * and system counted it, so that a busy machine disturbs it little. Run it directly:
 * node dist/benchmarks/shared-copy.js
 */
const LENGTHS = [16, 64, 256, 1024, 8192, 65_536]
const BYTES_A_ROUND = 4 * 1024 * 1024
const ROUNDS = 9
/** Where a payload lies that follows heads of any length: seldom at a multiple of eight. */
const UNALIGNED = 3

const shared = new Uint8Array(new SharedArrayBuffer(2 * 65_536)).fill(7)
const own = new Uint8Array(2 * 65_536).fill(9)

/** Nanoseconds of processor time, median of the rounds. */
function timeOf(length: number, copy: () => void): number {
  const calls = Math.ceil(BYTES_A_ROUND / Math.max(length, 256))
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let call = 0; call < calls; call++) copy()
    const { user, system } = process.cpuUsage(before)
    rounds.push(((user + system) * 1000) / calls)
  }
  rounds.sort((a, b) => a - b)
  return Math.round(rounds[Math.floor(ROUNDS / 2)] ?? 0)
}

for (const length of LENGTHS) {
  const from = shared.subarray(UNALIGNED, UNALIGNED + length)
  const source = own.subarray(UNALIGNED, UNALIGNED + length)
  const line = {
    length,
    out_set_ns: timeOf(length, () => own.set(from)),
    out_copy_ns: timeOf(length, () => copyBytes(own, from)),
    in_set_ns: timeOf(length, () => shared.set(source)),
    in_copy_ns: timeOf(length, () => copyBytes(shared, source)),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
