import type { RaftNode } from '../../lib/index.js'
import { now } from '../../lib/runtime/clock.js'
import { Latencies } from '../latencies.js'
import type { ClosedLoop, Fill, LoadFigures } from './node-calls.js'
import { keysInOrder, samePayload } from './payload.js'

/** Measures the load of so many clients after a warm-up of the same shape. */
export async function measureLoad(
  node: RaftNode,
  options: ClosedLoop & { readonly warmUpSeconds: number },
): Promise<LoadFigures> {
  const { inflight, size, seconds, warmUpSeconds } = options
  // Code is compiled by use: with one command in flight that would take minutes.
  await closedLoop(node, { inflight: Math.max(inflight, 256), size, seconds: warmUpSeconds })
  const before = await node.logStats()
  const latencies = await closedLoop(node, { inflight, size, seconds })
  const after = await node.logStats()
  return {
    ops_s: Math.round(latencies.count / seconds),
    ...latencies.figures(),
    rss_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    flushes_s: Math.round((after.flushes - before.flushes) / seconds),
  }
}

/** So many clients, each with one command at a time, a promise a command. */
export async function closedLoop(
  node: RaftNode,
  { inflight, size, seconds }: ClosedLoop,
): Promise<Latencies> {
  const payload = new Uint8Array(size).fill(120)
  const end = now() + seconds * 1000
  const latencies = new Latencies()
  const client = async (): Promise<void> => {
    for (let sent = now(); sent < end; ) {
      await node.apply(payload)
      const done = now()
      if (done <= end) latencies.record(done - sent)
      sent = done
    }
  }
  await Promise.all(Array.from({ length: inflight }, client))
  return latencies
}

/** As many clients until so many commands are applied. Resolves with when each tenth of them was. */
export async function fillLog(
  node: RaftNode,
  { entries, inflight, size, keyed }: Fill,
): Promise<number[]> {
  const payloads = keyed ? keysInOrder(size) : samePayload(size)
  const tenth = Math.max(1, Math.floor(entries / 10))
  const times = [now()]
  let sent = 0
  let applied = 0
  const client = async (): Promise<void> => {
    while (sent < entries) {
      sent++
      await node.apply(payloads())
      if (++applied % tenth === 0) times.push(now())
    }
  }
  await Promise.all(Array.from({ length: inflight }, client))
  return times
}
